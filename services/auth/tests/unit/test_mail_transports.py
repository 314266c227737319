"""Every transport keeps the promises of the port; SMTP is tried on a real server."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, Protocol

import pytest
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from services.auth.tests.sink import SMTP_PASSWORD, USERNAME, Sink, smtp_sink
from sextant_auth.mail.fake import FakeTransport
from sextant_auth.mail.null import NullTransport
from sextant_auth.mail.port import Mail, MailRefusedError, MailTransport, MailUnavailableError
from sextant_auth.mail.settings import MailSettings
from sextant_auth.mail.smtp import SmtpTransport

SENDER = "Sextant <noreply@sextant.test>"
MAIL = Mail("alice@users.test", "Grüße an Sie", "Liebe Alice,\n\nein Zeichen: token-1\n" + "x" * 300 + "\n")


class Other(Protocol):
    """Who is at the other end of a transport."""

    def arrived(self) -> list[tuple[str, str, str]]:
        """Recipient, subject and text of what came."""
        ...

    def refuse(self, recipient: str) -> None:
        """Know nobody of this address."""
        ...

    async def stop(self) -> None:
        """Be lost."""
        ...


class OtherEndOfFake:
    def __init__(self, fake: FakeTransport) -> None:
        self._fake = fake

    def arrived(self) -> list[tuple[str, str, str]]:
        return [(mail.recipient, mail.subject, mail.text) for mail in self._fake.sent]

    def refuse(self, recipient: str) -> None:
        self._fake.refused.add(recipient)

    async def stop(self) -> None:
        self._fake.is_lost = True


class OtherEndOfSmtp:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def arrived(self) -> list[tuple[str, str, str]]:
        return [
            (envelope.rcpt_tos[0], message["Subject"], message.get_content().replace("\r\n", "\n"))
            for envelope, message in zip(self._sink.envelopes, self._sink.received, strict=True)
        ]

    def refuse(self, recipient: str) -> None:
        self._sink.refused.add(recipient)

    async def stop(self) -> None:
        await self._sink.stop()


def smtp(sink: Sink, **settings: Any) -> SmtpTransport:
    given = {"smtp_tls": "none", "smtp_timeout_seconds": 10, **settings}
    return SmtpTransport(MailSettings(smtp_host="127.0.0.1", smtp_port=sink.port, mail_from=SENDER, **given))


class TestMailTransport:
    """What every transport promises."""

    @pytest.fixture(params=["fake", "smtp"])
    async def ends(self, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[MailTransport, Other]]:
        if request.param == "fake":
            fake = FakeTransport()
            yield fake, OtherEndOfFake(fake)
            return
        async with smtp_sink(tmp_path) as sink:
            yield smtp(sink), OtherEndOfSmtp(sink)

    async def test_a_mail_arrives_as_it_was_written(self, ends: tuple[MailTransport, Other]) -> None:
        transport, other = ends

        await transport.send(MAIL)

        assert other.arrived() == [(MAIL.recipient, MAIL.subject, MAIL.text)]

    async def test_mails_arrive_in_their_order(self, ends: tuple[MailTransport, Other]) -> None:
        transport, other = ends

        for number in range(3):
            await transport.send(Mail(MAIL.recipient, f"number {number}", "text\n"))

        assert [subject for _, subject, _ in other.arrived()] == ["number 0", "number 1", "number 2"]

    async def test_a_lost_server_may_be_tried_again(self, ends: tuple[MailTransport, Other]) -> None:
        transport, other = ends
        await other.stop()

        with pytest.raises(MailUnavailableError):
            await transport.send(MAIL)

    async def test_a_recipient_whom_nobody_knows_need_not_be_tried_again(
        self, ends: tuple[MailTransport, Other]
    ) -> None:
        transport, other = ends
        other.refuse(MAIL.recipient)

        with pytest.raises(MailRefusedError):
            await transport.send(MAIL)
        assert other.arrived() == []

    async def test_an_address_that_breaks_out_of_its_line_is_refused(self, ends: tuple[MailTransport, Other]) -> None:
        transport, other = ends

        with pytest.raises(MailRefusedError):
            await transport.send(Mail("alice@users.test\nBcc: eve@users.test", "subject", "text\n"))
        assert other.arrived() == []


async def test_without_a_server_a_mail_ends_in_the_log_but_not_what_stands_in_it() -> None:
    with capture_logs() as logs:
        await NullTransport().send(Mail("alice@users.test", "subject", "token-1"))

    assert [entry["event"] for entry in logs] == ["mail_not_sent"]
    assert "token-1" not in str(logs)


async def test_a_mail_says_who_sent_it_and_that_nobody_need_answer(tmp_path: Path) -> None:
    async with smtp_sink(tmp_path) as sink:
        await smtp(sink).send(MAIL)

    (message,) = sink.received
    assert (message["From"], message["To"]) == (SENDER, MAIL.recipient)
    assert sink.envelopes[0].mail_from == "noreply@sextant.test"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@sextant.test>")
    assert message["Date"]
    assert message.get_content_type() == "text/plain"


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_mail_goes_over_tls_and_with_a_login(tmp_path: Path, tls: Literal["starttls", "tls"]) -> None:
    async with smtp_sink(tmp_path, tls=tls, login=True) as sink:
        await smtp(
            sink,
            smtp_tls=tls,
            smtp_ca_file=sink.certificate,
            smtp_username=USERNAME,
            smtp_password=SecretStr(SMTP_PASSWORD),
        ).send(MAIL)

    assert sink.protected == [True]


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_server_that_cannot_show_who_it_is_gets_no_mail(
    tmp_path: Path, tls: Literal["starttls", "tls"]
) -> None:
    async with smtp_sink(tmp_path, tls=tls) as sink:
        with pytest.raises(MailUnavailableError):
            await smtp(sink, smtp_tls=tls).send(MAIL)

    assert sink.received == []


async def test_a_server_that_offers_no_starttls_gets_no_mail_where_it_is_wanted(tmp_path: Path) -> None:
    async with smtp_sink(tmp_path) as sink:
        with pytest.raises(MailUnavailableError):
            await smtp(sink, smtp_tls="starttls").send(MAIL)

    assert sink.received == []


async def test_a_wrong_login_can_be_mended_so_the_mail_is_still_ours(tmp_path: Path) -> None:
    async with smtp_sink(tmp_path, login=True) as sink:
        with pytest.raises(MailUnavailableError):
            await smtp(sink, smtp_username=USERNAME, smtp_password=SecretStr("wrong")).send(MAIL)


@pytest.mark.parametrize(
    ("reply", "error"),
    [("451 come back later", MailUnavailableError), ("554 we do not like it", MailRefusedError)],
)
async def test_what_the_server_says_of_the_content_decides(tmp_path: Path, reply: str, error: type[Exception]) -> None:
    async with smtp_sink(tmp_path) as sink:
        sink.data_reply = reply
        with pytest.raises(error):
            await smtp(sink).send(MAIL)


async def test_a_server_that_says_nothing_is_waited_for_only_so_long(tmp_path: Path) -> None:
    async with smtp_sink(tmp_path) as sink:
        sink.silent = True
        with pytest.raises(MailUnavailableError):
            await smtp(sink, smtp_timeout_seconds=0.2).send(MAIL)


@pytest.mark.parametrize(
    "settings",
    [
        {"smtp_host": "mail.test"},
        {"smtp_host": "mail.test", "mail_from": "a@b.test", "smtp_username": "name"},
        {"smtp_host": "mail.test", "mail_from": "a@b.test", "smtp_password": "secret"},
        {"smtp_tls": "maybe"},
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MailSettings(**settings)


def test_the_password_may_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "password"
    file.write_text("from the file\n")
    monkeypatch.setenv("SEXTANT_SMTP_USERNAME", "name")
    monkeypatch.setenv("SEXTANT_SMTP_PASSWORD_FILE", str(file))

    assert MailSettings().smtp_password.get_secret_value() == "from the file"
