"""Mail over SMTP. Knows the server and the protocol; must not know what mails are about."""

import asyncio
import email.errors
import socket
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final

import aiosmtplib

from sextant_auth.mail.port import Mail, MailRefusedError, MailUnavailableError
from sextant_auth.mail.settings import MailSettings

_FOR_EVER: Final = 500
"""SMTP's replies from here on are not to be asked again."""


class SmtpTransport:
    """Sends each mail over a connection of its own.

    Args:
        settings: of the server.
    """

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._tls = (
            ssl.create_default_context(cafile=settings.smtp_ca_file)
            if settings.smtp_tls in ("tls", "starttls")
            else None
        )

    async def send(self, mail: Mail) -> None:
        """Hand a mail to the server. See `MailTransport.send`."""
        settings = self._settings
        message = self._message(mail)
        try:
            async with asyncio.timeout(settings.smtp_timeout_seconds):
                await aiosmtplib.send(
                    message,
                    hostname=settings.smtp_host,
                    port=settings.smtp_port,
                    username=settings.smtp_username or None,
                    password=settings.smtp_password.get_secret_value() or None,
                    # the library's own way to find this out may ask a name server, and wait for it
                    local_hostname=socket.gethostname(),
                    timeout=settings.smtp_timeout_seconds,
                    use_tls=settings.smtp_tls == "tls",
                    start_tls=settings.smtp_tls == "starttls",
                    tls_context=self._tls,
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _told(error, all(refusal.code >= _FOR_EVER for refusal in error.recipients)) from error
        except aiosmtplib.SMTPDataError as error:
            raise _told(error, error.code >= _FOR_EVER) from error
        # what the server says of us (wrong password, unknown sender) can be mended, and then the mail is still wanted
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _told(error, is_final=False) from error

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        sender = self._settings.mail_from
        try:
            message["From"] = sender
            message["To"] = mail.recipient
            message["Subject"] = mail.subject
        except (ValueError, IndexError, email.errors.MessageError) as error:
            raise MailRefusedError("the address or the subject cannot stand in a mail") from error
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip("> "))
        # no holiday notices, please (RFC 3834)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message


def _told(error: Exception, is_final: bool) -> MailRefusedError | MailUnavailableError:  # noqa: FBT001 - both are read
    kind = MailRefusedError if is_final else MailUnavailableError
    return kind(f"{type(error).__name__}: {error}")
