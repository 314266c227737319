"""The types of fields that request models of several nouns share, as strict as the wire is."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sextant_shared.http.query import MAX_ID

NAME_LENGTH = 128


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


def _distinct(ids: list[int]) -> list[int]:
    if len(set(ids)) != len(ids):
        raise ValueError("must not name anything twice")
    return ids


Text = Annotated[str, AfterValidator(_storable)]
ShortText = Annotated[Text, Field(max_length=NAME_LENGTH)]
Name = Annotated[Text, Field(min_length=1, max_length=NAME_LENGTH), AfterValidator(_not_a_number)]
Base64Text = Annotated[str, AfterValidator(_base64)]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
DistinctIds = Annotated[list[Id], Field(min_length=1), AfterValidator(_distinct)]
