"""Query parameters as the wire means them."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from fastapi import Request

from sextant_shared.contract.errors import ValidationFailedError
from sextant_shared.http.query import NO_ID, Query


def query(text: str) -> Query:
    return Query(Request({"type": "http", "query_string": text.encode(), "headers": []}))


def test_of_a_repeated_parameter_the_first_counts() -> None:
    assert query("name=a&name=b").text("name") == "a"
    assert query("id=1&id=2").number("id") == 1
    assert query("id=1&id=2").numbers("id") == [1, 2]


def test_what_is_absent_is_none_and_what_is_empty_is_not() -> None:
    assert query("").text("name") is None
    assert query("name=").text("name") == ""
    assert not query("").has("name")
    assert query("name=").has("name")


@pytest.mark.parametrize(("text", "expected"), [("7", 7), ("-1", -1), ("9223372036854775807", 2**63 - 1)])
def test_whole_numbers_are_read(text: str, expected: int) -> None:
    assert query(f"id={text}").number("id") == expected


@pytest.mark.parametrize("text", ["9223372036854775808", "-99999999999999999999", "9" * 5000])
def test_a_whole_number_that_cannot_be_an_id_is_one_that_nothing_has(text: str) -> None:
    assert query(f"id={text}").id("id") == NO_ID
    assert query(f"id=1&id={text}").ids("id") == [1, NO_ID]


@pytest.mark.parametrize("text", ["abc", "", "1.5", "9223372036854775808"])
def test_what_is_looked_up_unjudged_names_nothing_if_it_cannot_be_an_id(text: str) -> None:
    assert query(f"id={text}").any_id("id") == NO_ID
    assert query("id=7").any_id("id") == 7
    assert query("").any_id("id") is None


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (Query.number, ""),
        (Query.number, "abc"),
        (Query.number, "1.5"),
        (Query.number, "--1"),
        (Query.number, "%C2%B2"),
        (Query.number, "9223372036854775808"),
        (Query.number, "9" * 5000),
        (Query.numbers, "1&it=x"),
        (Query.id, "abc"),
        (Query.id, "1.5"),
        (Query.id, ""),
        (Query.ids, "1&it=x"),
        (Query.text, "a%00"),
        (Query.texts, "a&it=%00"),
        (Query.flag, "maybe"),
        (Query.moment, ""),
        (Query.moment, "yesterday"),
        (Query.moment, "0001-01-01T00:00:00%2B23:59"),
    ],
)
def test_what_does_not_fit_is_told_by_its_name(read: Callable[[Query, str], object], text: str) -> None:
    with pytest.raises(ValidationFailedError) as refusal:
        read(query(f"it={text}"), "it")

    assert list(refusal.value.extra["errors"]) == ["it"]


@pytest.mark.parametrize(
    ("text", "expected"), [("1", True), ("True", True), ("on", True), ("0", False), ("false", False), ("", None)]
)
def test_flags_are_read_not_counted_as_set(text: str, expected: object) -> None:
    assert query(f"it={text}").flag("it") is expected


def test_words_may_be_joined_or_repeated() -> None:
    assert query("include=runs,results&include=task").words("include") == {"runs", "results", "task"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-03", datetime(2024, 3, 3, tzinfo=UTC)),
        ("2024-03-03T04:05:06", datetime(2024, 3, 3, 4, 5, 6, tzinfo=UTC)),
        ("2024-03-03T04:05:06Z", datetime(2024, 3, 3, 4, 5, 6, tzinfo=UTC)),
        ("2024-03-03T04:05:06%2B02:00", datetime(2024, 3, 3, 2, 5, 6, tzinfo=UTC)),
    ],
)
def test_times_are_utc_unless_they_say_otherwise(text: str, expected: datetime) -> None:
    assert query(f"it={text}").moment("it") == expected
