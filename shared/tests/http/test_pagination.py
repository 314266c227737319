"""Pages of lists and the links between them, held against answers recorded from the original server."""

from urllib.parse import urlencode

import orjson
import pytest
from fastapi import Request
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, String, Table

from sextant_shared.contract.errors import ValidationFailedError
from sextant_shared.http.pagination import Page, page_links, page_response, read_page


def asked(path: str, query: str = "") -> Request:
    scope = {
        "type": "http",
        "scheme": "http",
        "server": ("test", 80),
        "path": path,
        "query_string": query.encode("ascii"),
        "headers": [],
    }
    return Request(scope)


def links(path: str, query: str, total: int) -> dict[str, str]:
    request = asked(path, query)
    return page_links(request, read_page(request), total)


# path, query, items in all, links; all as the original answers
RECORDED = [
    (
        "/api/node",
        "",
        6,
        {"first": "/api/node?page=1", "self": "/api/node?page=1", "last": "/api/node?page=1"},
    ),
    (
        "/api/algorithmstore",
        "name=nope",
        0,
        {"first": "/api/algorithmstore?name=nope&page=1", "self": "/api/algorithmstore?name=nope&page=1"},
    ),
    (
        "/api/algorithmstore",
        "page=999",
        3,
        {
            "first": "/api/algorithmstore?page=1",
            "previous": "/api/algorithmstore?page=998",
            "self": "/api/algorithmstore?page=999",
            "last": "/api/algorithmstore?page=1",
        },
    ),
    (
        "/api/algorithmstore",
        "page=3&per_page=2",
        3,
        {
            "first": "/api/algorithmstore?page=1&per_page=2",
            "previous": "/api/algorithmstore?page=2&per_page=2",
            "self": "/api/algorithmstore?page=3&per_page=2",
            "last": "/api/algorithmstore?page=2&per_page=2",
        },
    ),
    (
        "/api/algorithmstore",
        "per_page=3&page=2",
        3,
        {
            "first": "/api/algorithmstore?per_page=3&page=1",
            "previous": "/api/algorithmstore?per_page=3&page=1",
            "self": "/api/algorithmstore?per_page=3&page=2",
            "last": "/api/algorithmstore?per_page=3&page=1",
        },
    ),
    (
        "/api/node",
        "per_page=1",
        6,
        {
            "first": "/api/node?per_page=1&page=1",
            "self": "/api/node?per_page=1&page=1",
            "next": "/api/node?per_page=1&page=2",
            "last": "/api/node?per_page=1&page=6",
        },
    ),
    (
        "/api/collaboration",
        "sort=-id&per_page=2&page=2",
        6,
        {
            "first": "/api/collaboration?sort=-id&per_page=2&page=1",
            "previous": "/api/collaboration?sort=-id&per_page=2&page=1",
            "self": "/api/collaboration?sort=-id&per_page=2&page=2",
            "next": "/api/collaboration?sort=-id&per_page=2&page=3",
            "last": "/api/collaboration?sort=-id&per_page=2&page=3",
        },
    ),
    (
        "/api/node",
        "page=1&page=2&per_page=2",
        6,
        {
            "first": "/api/node?page=1&per_page=2",
            "self": "/api/node?page=1&per_page=2",
            "next": "/api/node?page=2&per_page=2",
            "last": "/api/node?page=3&per_page=2",
        },
    ),
    (
        "/api/node",
        "sort=&per_page=50",
        6,
        {
            "first": "/api/node?sort=&per_page=50&page=1",
            "self": "/api/node?sort=&per_page=50&page=1",
            "last": "/api/node?sort=&per_page=50&page=1",
        },
    ),
    (
        "/api/organization",
        "sort=-name%2Cid&per_page=50",
        6,
        {
            "first": "/api/organization?sort=-name%2Cid&per_page=50&page=1",
            "self": "/api/organization?sort=-name%2Cid&per_page=50&page=1",
            "last": "/api/organization?sort=-name%2Cid&per_page=50&page=1",
        },
    ),
    (
        "/api/node",
        "sort=%2Bid&per_page=50",
        6,
        {
            "first": "/api/node?sort=%2Bid&per_page=50&page=1",
            "self": "/api/node?sort=%2Bid&per_page=50&page=1",
            "last": "/api/node?sort=%2Bid&per_page=50&page=1",
        },
    ),
    (
        "/api/algorithmstore",
        "sort=%20-id&per_page=50",
        3,
        {
            "first": "/api/algorithmstore?sort=+-id&per_page=50&page=1",
            "self": "/api/algorithmstore?sort=+-id&per_page=50&page=1",
            "last": "/api/algorithmstore?sort=+-id&per_page=50&page=1",
        },
    ),
]


@pytest.mark.parametrize(("path", "query", "total", "expected"), RECORDED, ids=[cell[1] or "none" for cell in RECORDED])
def test_links_are_those_of_the_original(path: str, query: str, total: int, expected: dict[str, str]) -> None:
    assert expected == links(path, query, total)


def test_the_answer_carries_data_links_and_headers() -> None:
    request = asked("/api/node", "per_page=1&page=2")

    answer = page_response(request, read_page(request), [{"id": 2}], 6)

    urls = links("/api/node", "per_page=1&page=2", 6)
    assert orjson.loads(answer.body) == {"data": [{"id": 2}], "links": urls}
    assert answer.headers["total-count"] == "6"
    assert answer.headers["access-control-expose-headers"] == "total-count, Link"
    assert answer.headers["link"] == ",".join(
        f"</api/node?per_page=1&page={number}>; rel={rel}"
        for rel, number in [("first", 1), ("previous", 1), ("self", 2), ("next", 3), ("last", 6)]
    )


@settings(deadline=None)
@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_whatever_stands_in_the_query_comes_back_as_it_was_meant(value: str) -> None:
    followed = links("/api/task", urlencode({"name": value}), 100)["next"]

    query = asked("/api/task", followed.partition("?")[2]).query_params
    assert (query["name"], query["page"]) == (value, "2")


@settings(deadline=None)
@given(per_page=st.integers(1, 30), total=st.integers(0, 200))
def test_whoever_follows_next_from_the_first_page_sees_everything_once(per_page: int, total: int) -> None:
    seen: list[int] = []
    url: str | None = f"/api/task?per_page={per_page}"
    while url is not None:
        request = asked("/api/task", url.partition("?")[2])
        page = read_page(request)
        seen += range(total)[page.offset : page.offset + page.per_page]
        url = page_links(request, page, total).get("next")

    assert seen == list(range(total))


def test_links_keep_all_values_of_what_is_repeated() -> None:
    expected = "/api/task?include=runs&page=2&include=results&name=a+b"

    assert links("/api/task", "include=runs&page=1&include=results&page=3&name=a%20b", 20)["next"] == expected


# -- what is asked for -----------------------------------------------------------------------------


def test_ten_items_of_the_first_page_are_asked_for_by_default() -> None:
    assert read_page(asked("/api/node")) == Page(number=1, per_page=10, sort=())


def test_of_a_repeated_parameter_the_first_counts() -> None:
    page = read_page(asked("/api/node", "page=3&page=x&per_page=2&per_page=4&sort=a&sort=b"))

    assert page == Page(number=3, per_page=2, sort=(("a", False),))


def test_several_names_may_be_sorted_by() -> None:
    page = read_page(asked("/api/node", "sort=-name, id,"))

    assert page.sort == (("name", True), ("id", False))


@pytest.mark.parametrize("name", ["page", "per_page"])
@pytest.mark.parametrize(
    "value", ["", "0", "-1", "abc", "1.5", "1e3", "%C2%B2", "%D9%A1", "2147483648", "9" * 5000], ids=lambda v: v[:12]
)
def test_a_page_that_is_no_number_from_one_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        read_page(asked("/api/node", f"{name}={value}"))

    assert set(refused.value.extra["errors"]) == {name}


TABLE = Table(
    "t",
    MetaData(),
    Column("id", Integer, nullable=False),
    Column("name", String, nullable=False),
    Column("color", String),
    Column("secret", String),
)
COLUMNS = {"id": TABLE.c.id, "name": TABLE.c.name}


def test_the_order_ends_with_the_default_so_that_pages_never_overlap() -> None:
    page = read_page(asked("/api/node", "sort=-name"))

    order = page.order_by(COLUMNS, [TABLE.c.id.asc()])

    assert [str(part) for part in order] == ["t.name DESC", "t.id ASC"]


@pytest.mark.parametrize(
    ("sort", "order"), [("color", "t.color ASC NULLS FIRST"), ("-color", "t.color DESC NULLS LAST")]
)
def test_what_is_missing_is_less_than_anything_on_either_kind_of_database(sort: str, order: str) -> None:
    page = read_page(asked("/api/node", f"sort={sort}"))

    assert [str(part) for part in page.order_by({"color": TABLE.c.color}, [])] == [order]


@pytest.mark.parametrize("sort", ["secret", "-", "ID", "id;x", "__class__", "name,foo", "metadata"])
def test_only_what_is_offered_can_be_sorted_by(sort: str) -> None:
    page = read_page(asked("/api/node", f"sort={sort}"))

    with pytest.raises(ValidationFailedError) as refused:
        page.order_by(COLUMNS, [TABLE.c.id.asc()])

    assert "id, name" in refused.value.extra["errors"]["sort"][0]
