"""Takes waiting mails to the transport.

Each replica does; a mail that is being sent belongs to whoever claimed it until the claim lapses. Between claim and
result no transaction is open, because a mail server may take its time. A replica killed in between leaves the mail to
the next one, so a mail is sent at least once, unless it outlives its use first, which the log tells.
"""

import asyncio
from datetime import timedelta
from typing import Final

import orjson
import structlog
from prometheus_client import Counter

from sextant_auth.mail import repository
from sextant_auth.mail.port import Mail, MailRefusedError, MailTransport, MailUnavailableError
from sextant_auth.mail.post import sealed_name
from sextant_auth.mail.repository import WaitingMail
from sextant_auth.secret_box import SealedSecretError, SecretBox
from sextant_shared.clock import Clock
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.db import Database

_log = structlog.get_logger(__name__)

_POLL_SECONDS: Final = 2.0
_CLAIMED_FOR: Final = timedelta(minutes=5)
"""Longer than any transport may take."""
_FIRST_PAUSE: Final = timedelta(seconds=15)
_LONGEST_PAUSE: Final = timedelta(minutes=15)
_DOUBLINGS: Final = 10

MAILS = Counter("sextant_mails_total", "Mails by what became of an attempt to send them", ["outcome"])


class MailDelivery:
    """Delivers what waits.

    Args:
        db: auth's database.
        transport: carries mails.
        box: opens the letters.
        clock: says whose turn it is.
    """

    def __init__(self, db: Database, transport: MailTransport, box: SecretBox, clock: Clock) -> None:
        self._db = db
        self._transport = transport
        self._box = box
        self._clock = clock

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            try:
                while await self.deliver_one():
                    pass
            except UnavailableError as error:
                _log.warning("mail_waits", reason=error.msg)
            await asyncio.sleep(_POLL_SECONDS)

    async def deliver_one(self) -> bool:
        """Try the next mail; tells whether it left, so that there may be others.

        Raises:
            UnavailableError: the database is away.
        """
        mail = await self._claimed()
        if mail is None:
            return False
        if self._clock.now() >= mail.expires_at:
            await self._give_up(mail, reason="too late")
            return True
        try:
            await self._transport.send(self._opened(mail))
        except MailUnavailableError as error:
            await self._postpone(mail, reason=str(error))
            return False
        except (MailRefusedError, SealedSecretError) as error:
            await self._give_up(mail, reason=str(error))
            return True
        except Exception as error:  # noqa: BLE001 - a mail that nobody foresaw must not end the service that it waits in
            _log.exception("mail_crashed", kind=mail.kind, mail=str(mail.id))
            await self._postpone(mail, reason=repr(error))
            return False
        async with self._db.transaction() as tx:
            await repository.remove(tx.session, mail.id)
        MAILS.labels("sent").inc()
        _log.info("mail_sent", kind=mail.kind, mail=str(mail.id))
        return True

    async def _claimed(self) -> WaitingMail | None:
        now = self._clock.now()
        async with self._db.read() as session:
            if not await repository.is_any_due(session, now):
                return None
        async with self._db.transaction() as tx:
            return await repository.claim(tx.session, now=now, until=now + _CLAIMED_FOR)

    def _opened(self, mail: WaitingMail) -> Mail:
        content = orjson.loads(self._box.open(mail.sealed, name=sealed_name(mail.id)))
        return Mail(mail.recipient, content["subject"], content["text"])

    async def _postpone(self, mail: WaitingMail, *, reason: str) -> None:
        pause = min(_FIRST_PAUSE * 2 ** min(mail.attempts - 1, _DOUBLINGS), _LONGEST_PAUSE)
        async with self._db.transaction() as tx:
            await repository.postpone(tx.session, mail.id, due_at=self._clock.now() + pause)
        MAILS.labels("postponed").inc()
        _log.warning("mail_postponed", kind=mail.kind, mail=str(mail.id), attempts=mail.attempts, reason=reason)

    async def _give_up(self, mail: WaitingMail, *, reason: str) -> None:
        async with self._db.transaction() as tx:
            await repository.remove(tx.session, mail.id)
        MAILS.labels("given_up").inc()
        _log.error("mail_given_up", kind=mail.kind, mail=str(mail.id), attempts=mail.attempts, reason=reason)
