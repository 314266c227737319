"""Waiting mails leave, whatever the mail server and the replicas do."""

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.auth.tests.kit import PASSWORD, Auth
from services.auth.tests.sink import smtp_sink
from sextant_auth.mail.delivery import MailDelivery
from sextant_auth.mail.port import Mail
from sextant_auth.mail.smtp import SmtpTransport
from sextant_auth.models import mail_queue
from sextant_auth.secret_box import SecretBox
from sextant_shared.contract.errors import UnavailableError


class HangingTransport:
    """A mail server that takes its time.

    Attributes:
        began: when the first mail is being sent.
        go_on: what it waits for.
        sent: the mails.
    """

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.sent: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        """Send, at last."""
        self.began.set()
        await self.go_on.wait()
        self.sent.append(mail)


class BrokenTransport:
    """A transport that breaks its promise."""

    async def send(self, mail: Mail) -> None:
        """Fail in a way that nobody foresaw."""
        raise RuntimeError(mail.subject)


def delivery_by(auth: Auth, transport: HangingTransport | BrokenTransport | SmtpTransport) -> MailDelivery:
    return MailDelivery(auth.db, transport, SecretBox(auth.settings.key_encryption_secret), auth.clock)


async def post_mails(auth: Auth, *usernames: str) -> None:
    """Let a mail wait for each of several new users."""
    for username in usernames:
        await auth.add_user(username)
        assert (await auth.post("/api/recover/lost", username=username)).status_code == 200


async def test_a_lost_mail_server_is_no_matter_of_the_request(auth: Auth) -> None:
    auth.mail.is_lost = True
    await auth.add_user("alice")

    answer = await auth.post("/api/recover/lost", username="alice")
    lost = await auth.mails()
    auth.mail.is_lost = False
    auth.clock.move(seconds=16)

    assert answer.status_code == 200
    assert lost == []
    assert [mail.recipient for mail in await auth.mails()] == ["alice@users.test"]


async def test_pauses_between_attempts_grow(auth: Auth) -> None:
    auth.mail.is_lost = True
    await auth.add_user("alice")
    await auth.patch(
        "/api/password/change", await auth.token_of("alice"), current_password=PASSWORD, new_password="Another-2?x"
    )
    attempts = []
    for _ in range(40):
        await auth.delivery().deliver_one()
        (row,) = await auth.rows(mail_queue)
        attempts.append(row.attempts)
        auth.clock.move(seconds=30)

    assert attempts[:6] == [1, 2, 3, 3, 4, 4]
    assert attempts[-1] <= 8


async def test_what_is_too_late_is_given_up_and_said_to_be(auth: Auth) -> None:
    await post_mails(auth, "alice")
    auth.clock.move(minutes=61)

    with capture_logs() as logs:
        mails = await auth.mails()

    assert mails == []
    assert await auth.rows(mail_queue) == []
    assert [(entry["event"], entry["kind"]) for entry in logs] == [("mail_given_up", "password-recovery")]


async def test_a_refused_mail_is_given_up_and_holds_up_no_other(auth: Auth) -> None:
    await post_mails(auth, "alice", "bob")
    auth.mail.refused.add("alice@users.test")

    mails = await auth.mails()

    assert [mail.recipient for mail in mails] == ["bob@users.test"]
    assert await auth.rows(mail_queue) == []


async def test_replicas_share_the_mails_and_send_each_once(auth: Auth) -> None:
    names = [f"user-{number}" for number in range(8)]
    await post_mails(auth, *names)

    async def replica() -> None:
        delivery = auth.delivery()
        while await delivery.deliver_one():
            pass

    await asyncio.gather(*(replica() for _ in range(3)))

    # one that finds all rows held by others may go home early, so somebody has to look again
    assert sorted(mail.recipient for mail in await auth.mails()) == [f"{name}@users.test" for name in names]


async def test_a_mail_that_is_being_sent_is_taken_by_nobody_else_and_blocks_nobody(auth: Auth) -> None:
    await post_mails(auth, "alice")
    slow = HangingTransport()
    sending = asyncio.create_task(delivery_by(auth, slow).deliver_one())
    await slow.began.wait()

    meanwhile = await auth.mails()
    login = await auth.log_in("alice")
    slow.go_on.set()

    assert meanwhile == []
    assert login["access_token"]
    assert await sending
    assert len(slow.sent) == 1
    assert await auth.rows(mail_queue) == []


async def test_the_mail_of_a_replica_that_was_killed_is_sent_by_another(auth: Auth) -> None:
    await post_mails(auth, "alice")
    slow = HangingTransport()
    sending = asyncio.create_task(delivery_by(auth, slow).deliver_one())
    await slow.began.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

    too_early = await auth.mails()
    auth.clock.move(minutes=5, seconds=1)

    assert too_early == []
    assert [mail.recipient for mail in await auth.mails()] == ["alice@users.test"]


async def test_a_failure_that_nobody_foresaw_costs_an_attempt_and_nothing_else(auth: Auth) -> None:
    await post_mails(auth, "alice")

    with capture_logs() as logs:
        left = await delivery_by(auth, BrokenTransport()).deliver_one()
    auth.clock.move(seconds=16)

    assert not left
    assert [entry["event"] for entry in logs] == ["mail_crashed", "mail_postponed"]
    assert [mail.recipient for mail in await auth.mails()] == ["alice@users.test"]


async def test_what_another_secret_sealed_is_given_up(auth: Auth) -> None:
    await post_mails(auth, "alice")
    async with auth.db.transaction() as tx:
        await tx.session.execute(mail_queue.update().values(letter_encrypted="v1.AAAA"))

    assert await auth.mails() == []
    assert await auth.rows(mail_queue) == []


async def test_the_running_task_outlives_a_lost_database(auth_on_sqlite: Auth, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = auth_on_sqlite.delivery()
    asked = asyncio.Event()

    async def lost() -> bool:
        asked.set()
        raise UnavailableError("lost")

    monkeypatch.setattr(delivery, "deliver_one", lost)
    running = asyncio.create_task(delivery.run())
    await asked.wait()
    await asyncio.sleep(0)

    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_recovery_goes_through_a_real_mail_server(auth: Auth, tmp_path: Path) -> None:
    await auth.add_user("alice")
    async with smtp_sink(tmp_path, tls="starttls") as sink:
        settings = auth.settings.model_copy(
            update={
                "smtp_host": "localhost",
                "smtp_port": sink.port,
                "smtp_ca_file": sink.certificate,
                "mail_from": "sextant@server.test",
            }
        )
        delivering = asyncio.create_task(delivery_by(auth, SmtpTransport(settings)).run())
        await auth.post("/api/recover/lost", email="alice@users.test")
        while not sink.received:
            await asyncio.sleep(0.05)
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)

    text = sink.received[0].get_content()
    token = next(line for line in text.splitlines() if line.startswith("password_"))
    answer = await auth.post("/api/recover/reset", reset_token=token, password="Another-Pass-2?")
    assert sink.protected == [True]
    assert answer.status_code == 200
