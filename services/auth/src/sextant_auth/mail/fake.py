"""A transport for tests that is like a mail server, as far as the port tells."""

from sextant_auth.mail.port import Mail, MailRefusedError, MailUnavailableError


class FakeTransport:
    """Keeps the mails.

    Attributes:
        sent: oldest first.
        is_lost: whether nobody answers.
        refused: recipients for whom nothing is taken.
    """

    def __init__(self) -> None:
        self.sent: list[Mail] = []
        self.is_lost = False
        self.refused: set[str] = set()

    async def send(self, mail: Mail) -> None:
        """Keep a mail. See `MailTransport.send`."""
        if self.is_lost:
            raise MailUnavailableError("the server is lost")
        if mail.recipient in self.refused or "\n" in mail.recipient:
            raise MailRefusedError("no such recipient")
        self.sent.append(mail)
