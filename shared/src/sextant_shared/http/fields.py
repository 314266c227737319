"""The types of fields of request bodies that services share, as strict as the wire is."""

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from sextant_shared.http.query import MAX_ID, NO_ID


def _given_id(value: Any) -> Any:
    """Let a number that nothing can have as its id name nothing; what is no number at all is judged by the type."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("must be a whole number")
    if isinstance(value, str):
        digits = value.strip()
        is_too_big = digits.isascii() and digits.isdecimal() and len(digits.lstrip("0")) >= len(str(MAX_ID))
        return NO_ID if is_too_big else value
    if isinstance(value, int | float) and value >= 1 and (value > MAX_ID or value % 1):
        return NO_ID
    return value


Id = Annotated[int, Field(ge=1, le=MAX_ID), BeforeValidator(_given_id)]
"""The id of something.

A fraction or too big a number is an id that nothing has (`NO_ID`); below 1, or no number: refused.
"""
