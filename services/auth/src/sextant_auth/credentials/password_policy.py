"""What a new password must be like."""

from typing import Final

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 128


def shortcomings(password: str) -> list[str]:
    """Say in sentences what a password lacks; nothing if it will do."""
    lacking = []
    if len(password) < MIN_LENGTH:
        lacking.append(f"A password needs at least {MIN_LENGTH} characters")
    if len(password) > MAX_LENGTH:
        lacking.append(f"A password may have at most {MAX_LENGTH} characters")
    if not any(character.isdigit() for character in password):
        lacking.append("A password needs a digit")
    if not any(character.isupper() for character in password):
        lacking.append("A password needs an upper case letter")
    if not any(character.islower() for character in password):
        lacking.append("A password needs a lower case letter")
    if all(character.isalnum() for character in password):
        lacking.append("A password needs a character that is neither a letter nor a digit")
    return lacking
