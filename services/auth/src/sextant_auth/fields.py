"""The types of fields that request models of several nouns share, as strict as the wire is."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_SHORT: Final = 128
_USERNAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]{2,127}")
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL: Final = re.compile(rf"{_ATOM}(\.{_ATOM})*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{{2,}}")
_EMAIL_LENGTH: Final = 320


class RequestModel(BaseModel):
    """A request body: unknown fields are refused, and what was not sent is not in `model_fields_set`."""

    model_config = ConfigDict(extra="forbid")


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a null character")
    return text


def _username(text: str) -> str:
    if not _USERNAME.fullmatch(text):
        raise ValueError("must have 3 to 128 letters, digits, dots, dashes or underscores, and begin with a letter")
    return text


def _email(text: str) -> str:
    if len(text) > _EMAIL_LENGTH or not _EMAIL.fullmatch(text):
        raise ValueError("must be a mail address")
    return text


Text = Annotated[str, AfterValidator(_storable)]
ShortText = Annotated[Text, Field(max_length=_SHORT)]
Username = Annotated[
    str, AfterValidator(_username), Field(json_schema_extra={"pattern": f"^{_USERNAME.pattern}$", "examples": ["anna"]})
]
Email = Annotated[
    str,
    AfterValidator(_email),
    Field(json_schema_extra={"format": "email", "maxLength": _EMAIL_LENGTH, "examples": ["anna@alkmaar.example"]}),
]
NewPassword = Text
"""Judged by the installation's policy, not here."""
GivenPassword = Annotated[Text, Field(min_length=1, max_length=_SHORT)]
