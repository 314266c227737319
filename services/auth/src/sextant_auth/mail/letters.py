"""What is written to users. Plain text, in our own words; knows nothing of how it gets there."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from textwrap import dedent


@dataclass(frozen=True)
class Letter:
    """What a mail says.

    Attributes:
        kind: a stable word for logs.
        subject: one line.
        text: the body.
    """

    kind: str
    subject: str
    text: str


class Letters:
    """Writes letters in the name of one server.

    Args:
        server_name: as users know it.
        support: where they may turn to, if anywhere.
    """

    def __init__(self, server_name: str, support: str) -> None:
        self._server = server_name
        self._support = support

    def password_recovery(self, username: str, token: str, valid_for: timedelta) -> Letter:
        """Brings the token by which a new password is set."""
        return self._letter(
            "password-recovery",
            "Set a new password",
            username,
            f"""
            Somebody, probably you, said that the password of your account was lost. With this token a new one is set:

            {token}

            It works once, within {_minutes(valid_for)} minutes. Nobody from our side will ever ask you for it.

            If it was not you, there is nothing to do: without the token nothing changes.
            """,
        )

    def second_factor_recovery(self, username: str, token: str, valid_for: timedelta) -> Letter:
        """Brings the token by which a new second factor is set up."""
        return self._letter(
            "second-factor-recovery",
            "Set up your second factor anew",
            username,
            f"""
            Somebody gave the right password of your account and said that its second factor was lost. With this token
            a new one is set up, and the old one stops working:

            {token}

            It works once, within {_minutes(valid_for)} minutes. Nobody from our side will ever ask you for it.

            If it was not you, somebody knows your password: change it now.
            """,
        )

    def account_locked(self, username: str, until: datetime, address: str | None) -> Letter:
        """Tells that somebody tries to get into an account that is locked after too many failures."""
        whence = f" The last attempt came from the address {address}." if address else ""
        return self._letter(
            "account-locked",
            "Your account is locked for a while",
            username,
            f"""
            There were too many failed logins to your account, so it is locked until {until:%Y-%m-%d %H:%M} UTC.
            Until then even the right password is refused.{whence}

            If it was not you, your account is safe as long as your password is yours alone.
            """,
        )

    def password_changed(self, username: str) -> Letter:
        """Tells that an account has a new password."""
        return self._letter(
            "password-changed",
            "Your password was changed",
            username,
            """
            Your account has a new password, and every login from before has ended.

            If it was not you, set a new password at once by the way for lost passwords.
            """,
        )

    def second_factor_changed(self, username: str) -> Letter:
        """Tells that an account has a new second factor."""
        return self._letter(
            "second-factor-changed",
            "Your second factor was set up anew",
            username,
            """
            Your account has a new second factor; codes of the old one are not accepted any more, and every login from
            before has ended.

            If it was not you, somebody knows your password and reads your mail: change both.
            """,
        )

    def _letter(self, kind: str, subject: str, username: str, body: str) -> Letter:
        help_line = f"\nQuestions? Write to {self._support}.\n" if self._support else ""
        text = f"Dear {username},\n\n{dedent(body).strip()}\n{help_line}\nThe server {self._server}\n"
        return Letter(kind, f"{self._server}: {subject}", text)


def _minutes(duration: timedelta) -> int:
    return int(duration.total_seconds() // 60)
