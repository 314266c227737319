"""The types of fields that request models of several nouns share, as strict as the wire is."""

import base64
import binascii
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from sextant_shared.http.fields import Id
from sextant_shared.http.query import NO_ID

NAME_LENGTH = 128
_TOO_SMALL = "greater_than_equal"


class RequestModel(BaseModel):
    """A request body: unknown fields are refused, and what was not sent is not in `model_fields_set`."""

    model_config = ConfigDict(extra="forbid")


def _storable(text: str) -> str:
    # JSON can spell what no database can keep
    if "\0" in text:
        raise ValueError("must not contain a null character")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not contain half a character")
    return text


def _not_a_number(name: str) -> str:
    # programs take an all-digit name for an id
    if name.isdecimal():
        raise ValueError("must not consist of digits alone")
    return name


def _base64(text: str) -> str:
    text = "".join(text.split())
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be base64") from None
    return text


def _not_null(value: Any) -> Any:
    if value is None:
        raise ValueError("must not be null")
    return value


def _whole(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Tell of the list, as the wire does, what is wrong about its items but that they are none."""
    try:
        return validate(value)
    except ValidationError as error:
        told = [problem for problem in error.errors() if len(problem["loc"]) > 1 or problem["type"] == _TOO_SMALL]
        if not told:
            raise
        place = ".".join(str(part) for part in told[0]["loc"])
        raise ValueError(f"{place}: {told[0]['msg']}") from None


def _or_nothing(value: Any, validate: ValidatorFunctionWrapHandler) -> int:
    try:
        found: int = validate(value)
    except ValidationError:
        if not isinstance(value, str | int | float | None):
            raise
        return NO_ID
    return found


def _distinct(ids: list[int]) -> list[int]:
    if len(set(ids)) != len(ids):
        raise ValueError("must not name anything twice")
    return ids


Text = Annotated[str, AfterValidator(_storable)]
ShortText = Annotated[Text, Field(max_length=NAME_LENGTH)]
Name = Annotated[Text, Field(min_length=1, max_length=NAME_LENGTH), AfterValidator(_not_a_number)]
Base64Text = Annotated[str, AfterValidator(_base64)]
NotNull = BeforeValidator(_not_null)
"""Refuses null, which is not the same as leaving a field out."""
ToldOfTheList = WrapValidator(_whole)
"""For lists: what is wrong inside of an item, or an id that is below 1, is told under the list's name."""
AnyId = Annotated[Id, WrapValidator(_or_nothing)]
"""What the wire looks up without having judged it: what cannot be an id names nothing."""
DistinctIds = Annotated[list[Id], Field(min_length=1), AfterValidator(_distinct), ToldOfTheList]
