"""Whose addresses a container finds, by every filter."""

import pytest

from sextant_shared.contract.events import NodeAddressChanged

from .kit import COLLABORATION, Registry

PARENT, OWN, CHILD, SIBLING_OF_OWN, STRANGE = 1, 2, 3, 4, 5
FIRST, SECOND = "10.76.0.2", "10.76.0.3"
PORTS = {
    "parent": 5001,
    "own here": 5002,
    "own there": 5003,
    "child here": 5004,
    "child there": 5005,
    "same parent": 5006,
    "strange": 5007,
}


@pytest.fixture
async def family(registry: Registry) -> Registry:
    """A task with a parent, a child, and others that are none of its business, at two nodes."""
    here, there = registry.node(1, ip=FIRST), registry.node(2, ip=SECOND)
    for run_id, (name, task_id, parent_id, node) in enumerate(
        (
            ("parent", PARENT, None, here),
            ("own here", OWN, PARENT, here),
            ("own there", OWN, PARENT, there),
            ("child here", CHILD, OWN, here),
            ("child there", CHILD, OWN, there),
            ("same parent", SIBLING_OF_OWN, PARENT, there),
            ("strange", STRANGE, None, there),
        ),
        start=11,
    ):
        registry.run(run_id, node, task_id=task_id, parent_id=parent_id)
        await registry.registered(node, run_id, PORTS[name], "there" if node is there else None)
    return registry


async def find(family: Registry, **query: str) -> list[str]:
    names = {port: name for name, port in PORTS.items()}
    here = family.known_node(1)
    return [names[port] for _, port in await family.found(here, OWN, **query)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["own here", "own there"]),
        ({"only_self": "1"}, ["own here"]),
        ({"only_siblings": "1"}, ["own there"]),
        ({"only_children": "1"}, ["child here", "child there"]),
        ({"only_parent": "1"}, ["parent"]),
        ({"include_children": "1"}, ["own here", "own there", "child here", "child there"]),
        ({"include_parent": "1"}, ["parent", "own here", "own there"]),
        (
            {"include_parent": "1", "include_children": "1"},
            ["parent", "own here", "own there", "child here", "child there"],
        ),
        ({"only_children": "1", "include_parent": "1"}, ["child here", "child there"]),
        ({"only_self": "False"}, ["own here"]),
        ({"only_self": "0"}, ["own here"]),
        ({"only_self": "", "label": ""}, ["own here", "own there"]),
        ({"label": "there"}, ["own there"]),
        ({"label": "THERE"}, []),
        ({"label": "the%"}, []),
        ({"include_children": "1", "label": "there"}, ["own there", "child there"]),
        ({"only_siblings": "1", "label": "here"}, []),
        ({"unknown": "1"}, ["own here", "own there"]),
    ],
)
async def test_a_filter_finds(family: Registry, query: dict[str, str], expected: list[str]) -> None:
    assert await find(family, **query) == expected


async def test_an_address_says_whose_it_is(family: Registry) -> None:
    answer = await family.addresses(family.known_node(2), CHILD, only_self="1")

    assert answer.json() == {
        "addresses": [
            {"port": 5005, "label": "there", "ip": SECOND, "organization_id": 20, "task_id": CHILD, "parent_id": OWN}
        ]
    }


@pytest.mark.parametrize(
    "query", [{"only_self": "1", "only_parent": "0"}, {"only_children": "x", "only_siblings": "y"}]
)
async def test_two_that_exclude_each_other_are_refused(family: Registry, query: dict[str, str]) -> None:
    answer = await family.addresses(family.known_node(1), OWN, **query)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


async def test_a_label_that_nothing_can_have_is_refused(family: Registry) -> None:
    answer = await family.addresses(family.known_node(1), OWN, label="a\0b")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["label"])


async def test_an_address_is_that_of_the_node_as_it_is_now(family: Registry) -> None:
    here = family.known_node(1)

    await family.hear(NodeAddressChanged(node_id=1, collaboration_id=COLLABORATION, ip=None), after_seconds=1)
    assert await family.found(here, OWN, only_self="1") == [(None, 5002)]
    await family.hear(NodeAddressChanged(node_id=1, collaboration_id=COLLABORATION, ip="10.76.9.9"), after_seconds=2)
    assert await family.found(here, OWN, only_self="1") == [("10.76.9.9", 5002)]


async def test_the_parent_of_a_task_of_which_nothing_is_known_is_asked_for(family: Registry) -> None:
    here = family.known_node(1)
    family.api.parents[99] = PARENT

    assert await family.found(here, 99, only_parent="1") == [(FIRST, 5001)]
    assert await family.found(here, 987654, only_parent="1") == []
    family.api.down = True
    assert (await family.addresses(here, 98, only_parent="1")).status_code == 503
    assert await family.found(here, OWN, only_parent="1") == [(FIRST, 5001)]


async def test_only_containers_ask_for_addresses(family: Registry) -> None:
    auth = family.auth
    callers = [auth.token(family.known_node(1)), auth.token(auth.add_user(organization_id=1, role="Root"))]

    answers = [
        await family.http.get("/api/vpn/algorithm/addresses", headers={"Authorization": f"Bearer {token}"})
        for token in callers
    ]

    assert [answer.status_code for answer in answers] == [403, 403]


async def test_a_look_costs_one_query_however_much_there_is(family: Registry) -> None:
    here = family.known_node(1)
    await family.found(here, OWN, include_children="1")
    for number in range(30):
        await family.registered(here, 12, 6000 + number)

    with family.counting() as statements:
        assert len(await family.found(here, OWN, include_children="1")) == 34

    assert len(statements) == 1
