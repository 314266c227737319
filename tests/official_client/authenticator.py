"""A user's authenticator application (RFC 6238): from a secret to the code of now."""

import base64
import hashlib
import hmac
import struct
import time

_STEP_SECONDS = 30


def code_of(secret: str) -> str:
    """Show the six digits."""
    counter = struct.pack(">Q", int(time.time()) // _STEP_SECONDS)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"
