"""Who is calling: verifying tokens locally, and knowing the principals behind them.

Signing is auth's alone; nothing here can make a token.
"""

from sextant_shared.security.jwks_client import JwksClient, KeySource
from sextant_shared.security.principal import Principal
from sextant_shared.security.principal_cache import PrincipalCache
from sextant_shared.security.service_token import ServiceTokenAuth
from sextant_shared.security.verifier import TokenVerifier

__all__ = [
    "JwksClient",
    "KeySource",
    "Principal",
    "PrincipalCache",
    "ServiceTokenAuth",
    "TokenVerifier",
]
