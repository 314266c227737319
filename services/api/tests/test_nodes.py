"""`/api/node` as clients see it, and the keys that auth keeps for nodes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from services.api.tests.kit import Api
from sextant_api.models import node_configs, nodes
from sextant_shared.contract.events import NodeAddressChanged, NodeChanged


class Hospitals:
    """Two organizations that work together."""

    def __init__(self, one: int, two: int, collaboration: int) -> None:
        self.one, self.two, self.collaboration = one, two, collaboration


@pytest.fixture
async def world(api: Api) -> Hospitals:
    one, two = [await api.add_organization(name) for name in ("one", "two")]
    return Hospitals(one, two, await api.add_collaboration("together", [one, two]))


async def test_a_new_node_is_shown_once_with_the_key_that_auth_made(api: Api, world: Hospitals) -> None:
    answer = await api.post(
        "/api/node", api.root, name="station", organization_id=world.one, collaboration_id=world.collaboration
    )

    assert answer.status_code == 201
    made = answer.json()
    id_ = made["id"]
    assert made.pop("api_key") == api.auth.credentials[id_].api_key
    assert made == {
        "id": id_,
        "type": "node",
        "name": "station",
        "organization": {
            "id": world.one,
            "link": f"/api/organization/{world.one}",
            "methods": ["DELETE", "GET", "PATCH"],
        },
        "collaboration": {
            "id": world.collaboration,
            "link": f"/api/collaboration/{world.collaboration}",
            "methods": ["DELETE", "GET", "PATCH"],
        },
        "ip": None,
        "status": "offline",
        "last_seen": None,
        "config": [],
    }
    assert (await api.get(f"/api/node/{id_}", api.root)).json() == made
    assert [NodeChanged.opened(each) for each in await api.events()] == [
        NodeChanged(node_id=id_, name="station", organization_id=world.one, collaboration_id=world.collaboration)
    ]


async def test_organization_and_name_have_defaults(api: Api, world: Hospitals) -> None:
    admin = api.auth.add_user(organization_id=world.two, role="Organization Admin")

    made = (await api.post("/api/node", admin, collaboration_id=world.collaboration)).json()

    assert made["organization"]["id"] == world.two
    assert made["name"] == "two - together Node"


async def test_who_may_make_its_organizations_nodes_is_told_where_it_is_no_member(api: Api, world: Hospitals) -> None:
    stranger = await api.add_organization("stranger")
    admin = api.auth.add_user(organization_id=stranger, rules=["node:COLLABORATION:CREATE", "node:ORGANIZATION:CREATE"])

    by_default = await api.post("/api/node", admin, collaboration_id=world.collaboration)
    null = await api.post("/api/node", admin, collaboration_id=world.collaboration, organization_id=None)

    assert (by_default.status_code, "errors" in by_default.json()) == (400, False)
    assert (null.status_code, list(null.json()["errors"])) == (400, ["organization_id"])


async def test_a_default_name_is_no_longer_than_names_may_be(api: Api) -> None:
    organization = await api.add_organization("o" * 128)
    collaboration = await api.add_collaboration("c" * 128, [organization])

    made = await api.post("/api/node", api.root, organization_id=organization, collaboration_id=collaboration)

    assert made.status_code == 201
    assert len(made.json()["name"]) == 128


async def test_nothing_is_made_while_auth_is_away(api: Api, world: Hospitals) -> None:
    token = api.auth.token(api.root)
    await api.get("/api/node", token)
    api.auth.down = True

    answer = await api.post("/api/node", token, organization_id=world.one, collaboration_id=world.collaboration)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert await api.count(nodes) == 0
    assert await api.events() == []


async def test_nothing_is_deleted_while_auth_is_away(api: Api, world: Hospitals) -> None:
    node = await api.add_node(world.one, world.collaboration)
    token = api.auth.token(api.root)
    await api.get("/api/node", token)
    api.auth.down = True

    assert (await api.delete(f"/api/node/{node.id}", token)).status_code == 503
    assert await api.count(nodes) == 1
    assert await api.events() == []


async def test_an_organization_has_one_node_in_a_collaboration_and_its_name_is_unique(
    api: Api, world: Hospitals
) -> None:
    await api.add_node(world.one, world.collaboration, name="station")

    second = await api.post("/api/node", api.root, organization_id=world.one, collaboration_id=world.collaboration)
    namesake = await api.post(
        "/api/node", api.root, organization_id=world.two, collaboration_id=world.collaboration, name="station"
    )

    assert (second.status_code, second.json()["msg"]) == (
        400,
        "The organization already has a node in this collaboration",
    )
    assert (namesake.status_code, namesake.json()["msg"]) == (400, "There is already a node of this name")
    assert api.auth.credentials == {}


async def test_what_a_node_needs_must_be_there(api: Api, world: Hospitals) -> None:
    stranger = await api.add_organization("stranger")

    no_collaboration = await api.post("/api/node", api.root, organization_id=world.one, collaboration_id=987654)
    no_organization = await api.post("/api/node", api.root, organization_id=2**62, collaboration_id=world.collaboration)
    no_id = await api.post("/api/node", api.root, organization_id=world.one, collaboration_id=987654.5)
    no_member = await api.post("/api/node", api.root, organization_id=stranger, collaboration_id=world.collaboration)

    assert [answer.status_code for answer in (no_collaboration, no_organization, no_id, no_member)] == [
        404,
        404,
        404,
        400,
    ]


async def test_a_name_and_an_address_are_changed_and_either_is_told_for_what_it_is(api: Api, world: Hospitals) -> None:
    node = await api.add_node(world.one, world.collaboration, name="station")
    path = f"/api/node/{node.id}"

    assert (await api.patch(path, node, ip="10.0.0.1")).json()["ip"] == "10.0.0.1"
    assert (await api.patch(path, node, clear_ip=True)).json()["ip"] is None
    assert (await api.patch(path, node, clear_ip=True, ip="fd00::1")).json()["ip"] == "fd00::1"
    assert (await api.patch(path, node)).json()["ip"] == "fd00::1"
    assert (await api.patch(path, api.root, name="renamed")).json()["name"] == "renamed"

    told = await api.events()
    assert [NodeAddressChanged.opened(each).ip for each in told[:3]] == ["10.0.0.1", None, "fd00::1"]
    assert [NodeChanged.opened(each).name for each in told[3:]] == ["renamed"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "123"),
        ("name", None),
        ("name", 5),
        ("ip", "10.0.0"),
        ("ip", None),
        ("clear_ip", "maybe"),
        ("organization_id", "abc"),
        ("collaboration_id", 0),
        ("status", "online"),
        ("api_key", "x"),
    ],
)
async def test_bad_fields_are_named(plain_api: Api, field: str, value: Any) -> None:
    node = await plain_api.add_node(1, await plain_api.add_collaboration("together", [1]))

    answer = await plain_api.call("PATCH", f"/api/node/{node.id}", plain_api.root, json={field: value})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.parametrize("field", ["organization_id", "collaboration_id"])
async def test_a_node_stays_what_it_is(plain_api: Api, field: str) -> None:
    node = await plain_api.add_node(1, await plain_api.add_collaboration("together", [1]))

    answer = await plain_api.call("PATCH", f"/api/node/{node.id}", plain_api.root, json={field: 1, "name": "x"})

    assert answer.status_code == 400
    assert (await plain_api.get(f"/api/node/{node.id}", plain_api.root)).json()["name"] == node.name


async def test_a_deleted_node_loses_its_key(api: Api, world: Hospitals) -> None:
    made = (
        await api.post("/api/node", api.root, organization_id=world.one, collaboration_id=world.collaboration)
    ).json()
    await api.forget_events()

    deleted = await api.delete(f"/api/node/{made['id']}", api.root)
    again = await api.delete(f"/api/node/{made['id']}", api.root)

    assert (deleted.status_code, again.status_code) == (200, 404)
    assert api.auth.credentials == {}
    [gone] = [NodeChanged.opened(each) for each in await api.events()]
    assert (gone.node_id, gone.deleted) == (made["id"], True)


async def test_lists_are_filtered(api: Api, world: Hospitals) -> None:
    other = await api.add_collaboration("other", [world.one])
    study = await api.add_study("closer", world.collaboration, [world.two])
    seen = datetime(2024, 3, 3, 12, tzinfo=UTC)
    a = await api.add_node(world.one, world.collaboration, name="alpha", ip="10.0.0.1", last_seen=seen)
    b = await api.add_node(world.two, world.collaboration, name="beta", status="online")
    c = await api.add_node(world.one, other, name="gamma")

    async def ids(**query: Any) -> list[int]:
        answer = await api.get("/api/node", api.root, **query)
        return [item["id"] for item in answer.json()["data"]]

    assert await ids() == [a.id, b.id, c.id]
    assert await ids(name="AL%") == [a.id]
    assert await ids(organization_id=world.one) == [a.id, c.id]
    assert await ids(collaboration_id=world.collaboration) == [a.id, b.id]
    assert await ids(study_id=study) == [b.id]
    assert await ids(study_id=987654) == []
    assert await ids(status="online") == [b.id]
    assert await ids(status="foo") == []
    assert await ids(ip="10.0.0.1") == [a.id]
    assert await ids(last_seen_from="2024-03-03") == [a.id]
    assert await ids(last_seen_from="2024-03-03T12:00:01") == []
    assert await ids(last_seen_till="2024-03-03T14:00:00+02:00") == [a.id]
    assert await ids(sort="last_seen,-id") == [c.id, b.id, a.id]
    assert await ids(sort="-organization,-collaboration") == [a.id, b.id, c.id]
    assert (await api.get("/api/node", api.root, last_seen_from="soon")).status_code == 400


async def test_a_page_takes_the_same_few_statements_however_long_it_is(api: Api) -> None:
    organizations = [await api.add_organization(f"organization {index}") for index in range(25)]
    collaboration = await api.add_collaboration("together", organizations)
    study = await api.add_study("closer", collaboration, organizations)
    async with api.db.transaction() as tx:
        for organization in organizations:
            made = await tx.session.execute(
                nodes.insert()
                .values(name=f"n{organization}", organization_id=organization, collaboration_id=collaboration)
                .returning(nodes.c.id)
            )
            await tx.session.execute(
                node_configs.insert().values(node_id=made.scalar_one(), key="encryption", value="0")
            )
        await tx.session.execute(update(nodes).values(status="online"))
    member = api.auth.add_user(organization_id=organizations[0], role="Viewer")
    await api.get("/api/node", member)

    counts = []
    for per_page in ("2", "100"):
        with api.counting() as statements:
            answer = await api.get(
                "/api/node", member, per_page=per_page, collaboration_id=collaboration, study_id=study
            )
        counts.append(len(statements))
        assert answer.json()["data"][1]["config"] == [{"key": "encryption", "value": "0"}]

    assert len(answer.json()["data"]) == 25
    assert counts[0] == counts[1] <= 5
