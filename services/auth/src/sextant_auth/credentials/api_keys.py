"""API keys of nodes: made once, shown once, stored as a keyed hash that is found by one look-up.

The keys are random (122 bits), so a fast hash is enough; the pepper keeps a stolen database from being searched.
"""

import hmac
from hashlib import sha256
from uuid import uuid4

from pydantic import SecretStr


class ApiKeys:
    """Makes keys and computes what they are found by."""

    def __init__(self, pepper: SecretStr) -> None:
        self._pepper = pepper.get_secret_value().encode()

    def new(self) -> str:
        """A new key, in the form that nodes know (UUID4, lower case, dashes)."""
        return str(uuid4())

    def fingerprint(self, key: str) -> str:
        """The HMAC-SHA-256 of a key."""
        return hmac.new(self._pepper, key.encode("utf-8", "surrogatepass"), sha256).hexdigest()
