"""What takes the place of a mail server where there is none: mails end here, and the log tells so."""

import structlog

from sextant_auth.mail.port import Mail

_log = structlog.get_logger(__name__)


class NullTransport:
    """Takes every mail and sends none. What stands in it is not logged: it may be a secret."""

    async def send(self, mail: Mail) -> None:
        """Drop a mail."""
        _log.warning("mail_not_sent", subject=mail.subject, reason="no mail server is configured")
