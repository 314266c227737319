"""What a new password must be like. Old ones are never judged by it."""

from dataclasses import dataclass
from typing import Final

from sextant_shared.contract.errors import ValidationFailedError

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 128
"""As long as a password on the wire may be."""


@dataclass(frozen=True)
class PasswordPolicy:
    """The rules of one installation.

    Attributes:
        min_length: in characters.
        is_composed: whether all kinds of characters are needed, as programs of vantage6 tell their users. Guessing
            becomes harder by length, not by this.
    """

    min_length: int = MIN_LENGTH
    is_composed: bool = True

    def check(self, password: str, *, field: str) -> None:
        """See whether a password will do.

        Raises:
            ValidationFailedError: it will not; says why, for the field that it came in.
        """
        lacking = self.shortcomings(password)
        if lacking:
            raise ValidationFailedError({field: lacking})

    def shortcomings(self, password: str) -> list[str]:
        """Say in sentences what a password lacks; nothing if it will do."""
        lacking = []
        if len(password) < self.min_length:
            lacking.append(f"A password needs at least {self.min_length} characters")
        if len(password) > MAX_LENGTH:
            lacking.append(f"A password may have at most {MAX_LENGTH} characters")
        return [*lacking, *_missing_kinds(password)] if self.is_composed else lacking


def _missing_kinds(password: str) -> list[str]:
    missing = []
    if not any(character.isdigit() for character in password):
        missing.append("A password needs a digit")
    if not any(character.isupper() for character in password):
        missing.append("A password needs an upper case letter")
    if not any(character.islower() for character in password):
        missing.append("A password needs a lower case letter")
    if all(character.isalnum() for character in password):
        missing.append("A password needs a character that is neither a letter nor a digit")
    return missing
