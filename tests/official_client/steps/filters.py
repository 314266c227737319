"""What all lists of the official client have in common: pages, and filters that the client applies itself."""

from collections.abc import Callable
from typing import Any

Listing = Callable[..., Any]


def ids(answer: Any) -> list[int]:
    """Name what is on a page."""
    items = answer["data"] if isinstance(answer, dict) else answer
    return [item["id"] for item in items]


def finds(listing: Listing, id_: int, others: Any, **matching: Any) -> None:
    """Assert that each filter alone finds the thing, and that with another value it does not.

    Args:
        listing: the method.
        id_: of the thing.
        others: for each filter, a value that does not match; a filter that is not in there has none.
        matching: for each filter, the value that matches.
    """
    for name, value in matching.items():
        found = ids(listing(**{name: value}))
        assert id_ in found, f"{name}={value!r} finds {found}"
        if name in others:
            found = ids(listing(**{name: others[name]}))
            assert id_ not in found, f"{name}={others[name]!r} finds it too"


def pages(listing: Listing, **matching: Any) -> None:
    """Assert that a list of at least two things comes in pages, each thing on one of them."""
    first = listing(page=1, per_page=1, **matching)
    second = listing(page=2, per_page=1, **matching)
    both = listing(page=1, per_page=2, **matching)
    assert ids(first) + ids(second) == ids(both)
    assert len(ids(both)) == 2
    assert "next" in first["links"]


def narrows(listing: Listing, field: str, value: Any, **matching: Any) -> None:
    """Assert that the client leaves out of a list what it is told to."""
    assert {field: value} in listing(field=field, **matching)
    assert all(set(item) == {field, "id"} for item in listing(fields=[field, "id"], **matching))
    only = listing(filter_=(field, value), **matching)
    assert only
    assert all(item[field] == value for item in only)
    (item,) = listing(filters=[(field, value), ("id", only[0]["id"])], **matching)
    assert item == only[0]


def narrows_one(call: Callable[..., Any], field: str, value: Any) -> None:
    """Assert that the client leaves out of one thing what it is told to."""
    assert call(field=field) == {field: value}
    assert set(call(fields=[field, "id"])) == {field, "id"}
