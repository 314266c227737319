"""Time-based one-time codes (RFC 6238): six digits, thirty seconds, one step of tolerance to either side.

A code counts once: the step whose code was accepted is remembered, and only later steps are accepted after it.
Pure: the time is given.
"""

import hmac
from datetime import datetime
from typing import Final

import pyotp

_STEP_SECONDS: Final = 30
_TOLERANCE: Final = 1


def new_otp_secret() -> str:
    """A new secret, 32 base32 characters."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, *, username: str, issuer: str) -> str:
    """What an authenticator application reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def accepted_step(secret: str, code: str, *, last_step: int | None, now: datetime) -> int | None:
    """The step whose code this is; None if it is wrong, too old, too early or used already."""
    current = int(now.timestamp()) // _STEP_SECONDS
    totp = pyotp.TOTP(secret)
    # applications show six digits as two groups
    given = code.replace(" ", "").encode()
    accepted = None
    for step in range(current - _TOLERANCE, current + _TOLERANCE + 1):
        is_fresh = last_step is None or step > last_step
        is_right = hmac.compare_digest(totp.generate_otp(step).encode(), given)
        if is_fresh and is_right and accepted is None:
            accepted = step
    return accepted
