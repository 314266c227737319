"""Ids in request bodies."""

import json

import pytest
from pydantic import BaseModel, ValidationError

from sextant_shared.http.fields import Id
from sextant_shared.http.query import MAX_ID, NO_ID


class Thing(BaseModel):
    id: Id


@pytest.mark.parametrize(("text", "expected"), [("7", 7), ('"7"', 7), ("7.0", 7), ('" 07 "', 7), ("1", 1)])
def test_ids_are_read_as_the_wire_reads_them(text: str, expected: int) -> None:
    assert Thing.model_validate(json.loads(f'{{"id": {text}}}')).id == expected


@pytest.mark.parametrize(
    "text", ["987654.5", "1.5", "9223372036854775808", "99999999999999999999", '"99999999999999999999"', "1e300"]
)
def test_a_number_that_cannot_be_an_id_is_one_that_nothing_has(text: str) -> None:
    assert Thing.model_validate(json.loads(f'{{"id": {text}}}')).id == NO_ID


@pytest.mark.parametrize(
    "text",
    ["0", "-1", "0.5", "-99999999999999999999", "NaN", "Infinity", "true", "null", '"abc"', '"1.5"', '""', "[]", "{}"],
)
def test_what_is_below_one_or_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        Thing.model_validate(json.loads(f'{{"id": {text}}}'))


def test_the_schema_says_what_an_id_is() -> None:
    assert Thing.model_json_schema()["properties"]["id"] == {
        "maximum": MAX_ID,
        "minimum": 1,
        "title": "Id",
        "type": "integer",
    }
