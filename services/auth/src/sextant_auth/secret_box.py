"""Encrypts what must be readable again: the private halves of signing keys, and second-factor secrets.

AES-256-GCM with a key derived from the installation's secret, and the row's own name as associated data, so that a
ciphertext moved to another row does not open.
"""

import secrets
from base64 import b64decode, b64encode
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

_NONCE_BYTES: Final = 12
_VERSION: Final = "v1."
"""Says how the rest was made, should the way ever change."""


class SealedSecretError(Exception):
    """A stored secret cannot be opened: SEXTANT_KEY_ENCRYPTION_SECRET is not the one it was sealed with."""


class SecretBox:
    """Seals and opens texts.

    Args:
        secret: of the installation; must have real entropy, because it is not stretched.
    """

    def __init__(self, secret: SecretStr) -> None:
        derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"sextant secret box v1")
        self._cipher = AESGCM(derive.derive(secret.get_secret_value().encode()))

    def seal(self, text: str, *, name: str) -> str:
        """Encrypt a text that belongs to `name`."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), name.encode())
        return _VERSION + b64encode(nonce + sealed).decode()

    def open(self, sealed: str, *, name: str) -> str:
        """Decrypt what `seal` made for the same name.

        Raises:
            SealedSecretError: another secret, another name, or no sealed text at all.
        """
        try:
            content = b64decode(sealed.removeprefix(_VERSION), validate=True)
            text = self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], name.encode())
        except (ValueError, InvalidTag) as error:
            raise SealedSecretError(f"the secret of {name} cannot be decrypted") from error
        return text.decode()
