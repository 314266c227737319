"""The port to whatever carries mails, and what may be relied on.

* `send` returns when somebody else answers for the mail from now on; otherwise it raises, and the mail is still ours.
* It always ends within a bounded time.
* A mail may arrive twice, if its acceptance was not heard of.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Mail:
    """One mail to one recipient, in plain text. The sender is the transport's."""

    recipient: str
    subject: str
    text: str


class MailUnavailableError(Exception):
    """The mail was not taken now; it may be later."""


class MailRefusedError(Exception):
    """The mail will never be taken."""


class MailTransport(Protocol):
    """Carries mails."""

    async def send(self, mail: Mail) -> None:
        """Hand a mail over.

        Raises:
            MailUnavailableError: try again later.
            MailRefusedError: do not.
        """
        ...
