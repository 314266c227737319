"""Texts that can be stored: no null characters, which PostgreSQL does not take."""

from typing import Annotated

from pydantic import AfterValidator


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("Must not contain a null character")
    return text


Text = Annotated[str, AfterValidator(_storable)]
