"""Makes keys and keeps their private halves unreadable at rest."""

from dataclasses import dataclass
from typing import Any

import orjson
from joserfc.jwk import ECKey

from sextant_auth.secret_box import SecretBox
from sextant_shared.contract.claims import ALGORITHM
from sextant_shared.ids import new_id

_CURVE = "P-256"


@dataclass(frozen=True)
class NewKey:
    """A key as it is stored."""

    kid: str
    public_jwk: dict[str, Any]
    private_jwk_encrypted: str


def make_key(box: SecretBox) -> NewKey:
    """Make a key pair for our algorithm."""
    kid = str(new_id())
    key = ECKey.generate_key(_CURVE, {"kid": kid, "use": "sig", "alg": ALGORITHM}, auto_kid=False)
    private = orjson.dumps(key.as_dict(private=True)).decode()
    return NewKey(kid, dict(key.as_dict(private=False)), box.seal(private, name=_name(kid)))


def open_key(box: SecretBox, kid: str, private_jwk_encrypted: str) -> ECKey:
    """Get the private half back.

    Raises:
        SealedSecretError: it was sealed with another secret.
    """
    return ECKey.import_key(orjson.loads(box.open(private_jwk_encrypted, name=_name(kid))))


def _name(kid: str) -> str:
    return f"signing-key:{kid}"
