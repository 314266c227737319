"""Where identifiers and secrets come from."""

import secrets
from uuid import UUID, uuid4


def new_id() -> UUID:
    """A new identifier for a message, a token or a connection; says nothing about its maker."""
    return uuid4()


def new_secret(entropy_bytes: int = 32) -> str:
    """A new secret for URLs, headers and files (base64url, no padding)."""
    return secrets.token_urlsafe(entropy_bytes)
