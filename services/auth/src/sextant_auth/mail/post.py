"""Puts letters into the queue, in the transaction of what they tell of."""

from datetime import datetime, timedelta

import orjson

from sextant_auth.mail import repository
from sextant_auth.mail.letters import Letter, Letters
from sextant_auth.secret_box import SecretBox
from sextant_shared.clock import Clock
from sextant_shared.db import Transaction
from sextant_shared.ids import new_id

NOTICE_KEPT = timedelta(days=1)
"""How long a notice is still news."""


def sealed_name(mail_id: object) -> str:
    """The name under which a waiting letter is sealed."""
    return f"mail:{mail_id}"


class Post:
    """Where letters to users are posted.

    Args:
        letters: writes them.
        box: seals them while they wait.
        interval: how long nobody gets another letter of a kind that strangers can cause.
        clock: says when that is over.
    """

    def __init__(self, letters: Letters, box: SecretBox, interval: timedelta, clock: Clock) -> None:
        self.letters = letters
        self._box = box
        self._interval = interval
        self._clock = clock

    def may_write_again(self, last: datetime | None) -> bool:
        """Tell whether the last letter of its kind is long enough ago."""
        return last is None or self._clock.now() - last >= self._interval

    async def send(self, tx: Transaction, user_id: int, letter: Letter, *, kept: timedelta = NOTICE_KEPT) -> None:
        """Post a letter to a user's address; to no effect, but at the same cost, if there is no such user.

        Args:
            tx: what the letter tells of.
            user_id: to whom.
            letter: what.
            kept: when it need not be delivered any more.
        """
        mail_id, now = new_id(), self._clock.now()
        content = orjson.dumps({"subject": letter.subject, "text": letter.text}).decode()
        await repository.add(
            tx.session,
            mail_id,
            user_id,
            kind=letter.kind,
            sealed=self._box.seal(content, name=sealed_name(mail_id)),
            now=now,
            expires_at=now + kept,
        )
