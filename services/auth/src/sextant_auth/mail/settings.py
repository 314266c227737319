"""The settings of outgoing mail."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from sextant_shared.settings import SettingsBase


class MailSettings(SettingsBase):
    """The mail server, and who writes."""

    smtp_host: str = Field(default="", description="Mail server; without one no mail is sent, which the log tells")
    smtp_port: int = Field(default=587, ge=1, le=65535, description="Port of the mail server")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the way to the mail server is protected: `tls` from the start (port 465)"
    )
    smtp_ca_file: Path | None = Field(
        default=None, description="Certificates that vouch for the mail server; the machine's, if none is given"
    )
    smtp_username: str = Field(default="", description="Name to log in with at the mail server, if it wants one")
    smtp_password: SecretStr = Field(default=SecretStr(""), description="Password to log in with at the mail server")
    smtp_timeout_seconds: float = Field(default=30.0, gt=0, le=120, description="How long sending one mail may take")
    mail_from: str = Field(default="", description="Sender of our mails; needed with a mail server")
    support_email: str = Field(default="", description="Where users are told to turn to for help")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.smtp_host and not self.mail_from:
            raise ValueError("SEXTANT_SMTP_HOST needs SEXTANT_MAIL_FROM")
        if bool(self.smtp_username) != bool(self.smtp_password.get_secret_value()):
            raise ValueError("SEXTANT_SMTP_USERNAME and SEXTANT_SMTP_PASSWORD need each other")
        return self
