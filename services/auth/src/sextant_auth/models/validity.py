"""From when on tokens are good, after those before were revoked."""

from datetime import datetime

from sqlalchemy import Case, Column, case


def valid_from_now(before: Column[int], now: datetime) -> Case[int]:
    """A second that no token given out so far can name, and every later one will.

    Tokens know no fractions of seconds, so it is the next one; after several revocations within a second, the one after
    that, for tokens given out in between name the last. The issuer dates tokens accordingly.

    Args:
        before: the column that holds the second of the last revocation.
        now: the time.
    """
    following = int(now.timestamp()) + 1
    return case((before >= following, before + 1), else_=following)
