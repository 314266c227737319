"""Reads the parameters of a query string as the wire means them: of a repeated one the first counts.

Whatever does not fit is the caller's mistake and told by the parameter's name. Which parameters a list knows, its
route says; unknown ones are ignored, as the wire does.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Path, Request

from sextant_shared.contract.errors import ValidationFailedError

MAX_ID: Final = 2**63 - 1
"""The largest number that a column of ids can hold."""

NO_ID: Final = MAX_ID
"""Stands for a number that cannot be an id: nothing ever has it."""

PathId = Annotated[int, Path(ge=0, le=MAX_ID)]
"""An id in a path; what cannot be one is answered with 404."""

_TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "off"})


class Query:
    """The query of one request."""

    def __init__(self, request: Request) -> None:
        self._params = request.query_params

    def has(self, name: str) -> bool:
        """Tell whether the parameter is there, if only empty."""
        return name in self._params

    def text(self, name: str) -> str | None:
        """Read a text.

        Raises:
            ValidationFailedError: it holds what no stored text can.
        """
        text = next(iter(self._params.getlist(name)), None)
        if text is not None and "\0" in text:
            raise ValidationFailedError({name: ["Must not contain a null character"]})
        return text

    def number(self, name: str) -> int | None:
        """Read a whole number.

        Raises:
            ValidationFailedError: it is none, or larger than any that a column can hold.
        """
        text = self.text(name)
        return None if text is None else _number(name, text)

    def numbers(self, name: str) -> list[int]:
        """Read all values of a parameter that may be repeated.

        Raises:
            ValidationFailedError: one is no whole number.
        """
        return [_number(name, text) for text in self._params.getlist(name)]

    def id(self, name: str) -> int | None:
        """Read an id; a whole number that cannot be one is an id that nothing has.

        Raises:
            ValidationFailedError: it is no whole number.
        """
        text = self.text(name)
        return None if text is None else _id(name, text)

    def any_id(self, name: str) -> int | None:
        """Read what the wire looks up without having judged it: whatever cannot be an id is one that nothing has."""
        try:
            return self.id(name)
        except ValidationFailedError:
            return NO_ID

    def ids(self, name: str) -> list[int]:
        """Read all ids of a parameter that may be repeated.

        Raises:
            ValidationFailedError: one is no whole number.
        """
        return [_id(name, text) for text in self._params.getlist(name)]

    def texts(self, name: str) -> list[str]:
        """Read all values of a parameter that may be repeated.

        Raises:
            ValidationFailedError: one holds what no stored text can.
        """
        texts = self._params.getlist(name)
        if any("\0" in text for text in texts):
            raise ValidationFailedError({name: ["Must not contain a null character"]})
        return texts

    def words(self, name: str) -> frozenset[str]:
        """Read a set of words that are repeated, or joined by commas."""
        return frozenset(
            word.strip() for text in self._params.getlist(name) for word in text.split(",") if word.strip()
        )

    def flag(self, name: str) -> bool | None:
        """Read a yes or no; None when it is absent or empty.

        Raises:
            ValidationFailedError: it is neither.
        """
        text = self.text(name)
        if not text:
            return None
        if text.lower() in _TRUE:
            return True
        if text.lower() in _FALSE:
            return False
        raise ValidationFailedError({name: ["Must be true or false"]})

    def moment(self, name: str) -> datetime | None:
        """Read an ISO 8601 date or time; one without a zone is UTC.

        Raises:
            ValidationFailedError: it is neither.
        """
        text = self.text(name)
        if text is None:
            return None
        try:
            moment = datetime.fromisoformat(text.strip())
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationFailedError({name: ["Must be an ISO 8601 date or time"]}) from None


async def requested_query(request: Request) -> Query:
    """Read the query of a request (a FastAPI dependency; not the class itself, which would cost a thread)."""
    return Query(request)


def _number(name: str, text: str) -> int:
    if not _is_whole(text) or not _fits(text):
        raise ValidationFailedError({name: ["Must be a whole number"]})
    return int(text)


def _id(name: str, text: str) -> int:
    if not _is_whole(text):
        raise ValidationFailedError({name: ["Must be a whole number"]})
    return int(text) if _fits(text) else NO_ID


def _is_whole(text: str) -> bool:
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdecimal()


def _fits(text: str) -> bool:
    # so long a text that Python would not read it is not read
    digits = text.strip().removeprefix("-")
    return len(digits) <= len(str(MAX_ID)) and int(digits) <= MAX_ID
