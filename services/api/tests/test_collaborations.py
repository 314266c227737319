"""`/api/collaboration` as clients see it, and what is told of members."""

from typing import Any

import pytest
from sqlalchemy import select, update

from services.api.tests.kit import Api
from sextant_api.models import algorithm_stores, collaborations, memberships, study_members, tasks
from sextant_shared.contract.events import MembershipChanged, NodeChanged


@pytest.fixture
async def members(api: Api) -> list[int]:
    """Three organizations."""
    return [await api.add_organization(name) for name in ("one", "two", "three")]


async def told(api: Api) -> list[MembershipChanged]:
    return [MembershipChanged.opened(envelope) for envelope in await api.events(MembershipChanged)]


async def add_task(api: Api, collaboration_id: int, organization_id: int, **values: Any) -> None:
    async with api.db.transaction() as tx:
        await tx.session.execute(
            tasks.insert().values(
                job_id=1,
                image="image",
                collaboration_id=collaboration_id,
                init_org_id=organization_id,
                init_user_id=1,
                databases=[],
                **values,
            )
        )


async def test_a_new_collaboration_is_answered_with_200_and_links(api: Api, members: list[int]) -> None:
    answer = await api.post(
        "/api/collaboration", api.root, name="together", organization_ids=members[:2], encrypted=True
    )

    assert answer.status_code == 200
    id_ = answer.json()["id"]
    assert answer.json() == {
        "id": id_,
        "name": "together",
        "encrypted": True,
        "organizations": f"/api/organization?collaboration_id={id_}",
        "nodes": f"/api/node?collaboration_id={id_}",
        "tasks": f"/api/task?collaboration_id={id_}",
        "algorithm_stores": f"/api/algorithmstore?collaboration_id={id_}",
        "studies": f"/api/study?collaboration_id={id_}",
    }
    assert await told(api) == [
        MembershipChanged(collaboration_id=id_, organization_ids=sorted(members[:2]), revision=1)
    ]


async def test_its_organizations_stand_in_it_in_full_where_that_is_asked(api: Api, members: list[int]) -> None:
    id_ = await api.add_collaboration("together", members[:2])

    one = (await api.get(f"/api/collaboration/{id_}", api.root, include="organizations,foo")).json()
    [listed] = (await api.get("/api/collaboration", api.root, include="organizations")).json()["data"]
    plain = (await api.get(f"/api/collaboration/{id_}", api.root, include="x")).json()

    assert [organization["name"] for organization in one["organizations"]] == ["one", "two"]
    assert one == listed
    assert plain["organizations"] == f"/api/organization?collaboration_id={id_}"


async def test_its_organizations_stand_in_the_order_in_which_they_joined(api: Api, members: list[int]) -> None:
    one, two, three = members
    made = await api.post(
        "/api/collaboration", api.root, name="together", organization_ids=[three, one], encrypted=False
    )
    path = f"/api/collaboration/{made.json()['id']}"

    async def shown() -> list[int]:
        one_of_it = (await api.get(path, api.root, include="organizations")).json()
        [listed] = (await api.get("/api/collaboration", api.root, include="organizations")).json()["data"]
        assert one_of_it == listed
        return [organization["id"] for organization in listed["organizations"]]

    assert await shown() == [three, one]
    joined = (await api.post(f"{path}/organization", api.root, id=two)).json()
    assert [organization["id"] for organization in joined] == [three, one, two]
    left = (await api.delete(f"{path}/organization", api.root, id=three)).json()
    assert [organization["id"] for organization in left] == [one, two]
    await api.patch(path, api.root, organization_ids=[three, two, one])
    assert await shown() == [one, two, three]


async def test_ids_of_no_organization_are_left_out(api: Api, members: list[int]) -> None:
    answer = await api.post(
        "/api/collaboration", api.root, name="x", organization_ids=[members[0], 987654, 2.5], encrypted=False
    )

    assert answer.status_code == 200
    [change] = await told(api)
    assert change.organization_ids == [members[0]]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "123"),
        ("encrypted", "abc"),
        ("encrypted", None),
        ("encrypted", 2),
        ("organization_ids", []),
        ("organization_ids", [2, 2]),
        ("organization_ids", [0]),
        ("organization_ids", ["abc"]),
        ("organization_ids", 5),
        ("organization_ids", None),
        ("foo", 1),
    ],
)
async def test_bad_fields_are_named(plain_api: Api, field: str, value: Any) -> None:
    api = plain_api
    members = [1, await api.add_organization("two")]
    body: dict[str, Any] = {"name": "x", "organization_ids": members, "encrypted": False, field: value}
    id_ = await api.add_collaboration("before", members)

    made = await api.call("POST", "/api/collaboration", api.root, json=body)
    changed = await api.call("PATCH", f"/api/collaboration/{id_}", api.root, json={field: value})

    for answer in (made, changed):
        assert answer.status_code == 400
        assert [name.partition(".")[0] for name in answer.json()["errors"]] == [field]
    assert await api.count(collaborations) == 1


@pytest.mark.parametrize(("said", "meant"), [("true", True), (1, True), ("no", False), (0, False)])
async def test_whatever_says_yes_encrypts(plain_api: Api, said: object, meant: bool) -> None:  # noqa: FBT001
    answer = await plain_api.post("/api/collaboration", plain_api.root, name="x", organization_ids=[1], encrypted=said)

    assert answer.json()["encrypted"] is meant


async def test_names_are_unique(api: Api, members: list[int]) -> None:
    await api.add_collaboration("together", members)
    other = await api.add_collaboration("apart", members)

    made = await api.post("/api/collaboration", api.root, name="together", organization_ids=members, encrypted=False)
    renamed = await api.patch(f"/api/collaboration/{other}", api.root, name="together")

    assert [answer.status_code for answer in (made, renamed)] == [400, 400]
    assert made.json()["msg"] == renamed.json()["msg"] == "There is already a collaboration of this name"
    assert await told(api) == []


async def test_encryption_is_settled_once_there_are_tasks(api: Api, members: list[int]) -> None:
    id_ = await api.add_collaboration("together", members)
    assert (await api.patch(f"/api/collaboration/{id_}", api.root, encrypted=True)).json()["encrypted"] is True

    await add_task(api, id_, members[0])

    assert (await api.patch(f"/api/collaboration/{id_}", api.root, encrypted=False)).status_code == 400
    assert (await api.patch(f"/api/collaboration/{id_}", api.root, encrypted=True)).status_code == 200


async def test_members_come_and_go_and_each_change_is_told_with_its_revision(api: Api, members: list[int]) -> None:
    one, two, three = members
    id_ = await api.add_collaboration("together", [one])
    path = f"/api/collaboration/{id_}/organization"

    added = await api.post(path, api.root, id=two)
    again = await api.post(path, api.root, id=two)
    removed = await api.delete(path, api.root, id=one)
    await api.patch(f"/api/collaboration/{id_}", api.root, organization_ids=[three, two])

    assert [item["id"] for item in added.json()] == [one, two]
    assert (again.status_code, again.json()) == (200, added.json())
    assert (removed.status_code, [item["id"] for item in removed.json()]) == (200, [two])
    changes = await told(api)
    assert [change.organization_ids for change in changes] == [[one, two], [two], [two, three]]
    revisions = [change.revision for change in changes]
    assert revisions == sorted(set(revisions))


async def test_who_is_not_there_can_be_neither_added_nor_taken_out(api: Api, members: list[int]) -> None:
    id_ = await api.add_collaboration("together", members[:1])

    unknown = await api.post(f"/api/collaboration/{id_}/organization", api.root, id=987654)
    no_member = await api.delete(f"/api/collaboration/{id_}/organization", api.root, id=members[1])
    nowhere = await api.post("/api/collaboration/987654/organization", api.root, id=members[0])
    nobody = await api.delete(f"/api/collaboration/{id_}/organization", api.root)

    assert [answer.status_code for answer in (unknown, no_member, nowhere, nobody)] == [404, 404, 404, 415]
    assert await told(api) == []


async def test_who_leaves_takes_its_node_along_and_leaves_the_studies(api: Api, members: list[int]) -> None:
    one, two, _ = members
    id_ = await api.add_collaboration("together", [one, two])
    await api.add_study("closer", id_, [one, two])
    node = await api.add_node(one, id_, name="station")

    await api.delete(f"/api/collaboration/{id_}/organization", api.root, id=one)

    assert [NodeChanged.opened(each) for each in await api.events(NodeChanged)] == [
        NodeChanged(node_id=node.id, name="station", organization_id=one, collaboration_id=None)
    ]
    assert (await api.get(f"/api/node/{node.id}", api.root)).json()["collaboration"] is None
    async with api.db.read() as session:
        assert (await session.execute(select(study_members.c.organization_id))).scalars().all() == [two]


async def test_only_global_editors_say_all_at_once_who_the_members_are(api: Api, members: list[int]) -> None:
    id_ = await api.add_collaboration("together", members[:1])
    editor = api.auth.add_user(organization_id=members[0], rules=["collaboration:COLLABORATION:EDIT"])

    assert (await api.patch(f"/api/collaboration/{id_}", editor, organization_ids=members)).status_code == 401
    assert (await api.patch(f"/api/collaboration/{id_}", editor, name="renamed")).status_code == 200
    assert await told(api) == []


async def test_one_with_dependents_is_deleted_only_if_that_is_wanted(api: Api, members: list[int]) -> None:
    id_ = await api.add_collaboration("together", members)
    node = await api.add_node(members[0], id_, name="station")

    kept = await api.delete(f"/api/collaboration/{id_}", api.root)
    deleted = await api.call("DELETE", f"/api/collaboration/{id_}", api.root, params={"delete_dependents": "1"})

    assert (kept.status_code, deleted.status_code) == (400, 200)
    assert await api.count(memberships) == 0
    assert await told(api) == [MembershipChanged(collaboration_id=id_, organization_ids=[], revision=2, deleted=True)]
    [gone] = await api.events(NodeChanged)
    assert NodeChanged.opened(gone).node_id == node.id
    assert NodeChanged.opened(gone).deleted


async def test_members_alone_do_not_keep_a_collaboration_from_being_deleted(api: Api, members: list[int]) -> None:
    id_ = await api.add_collaboration("together", members)

    assert (await api.delete(f"/api/collaboration/{id_}", api.root)).status_code == 200
    assert (await api.get(f"/api/collaboration/{id_}", api.root)).status_code == 404


async def test_lists_are_filtered_by_name_encryption_organization_and_store(api: Api, members: list[int]) -> None:
    one, two, _ = members
    plain = await api.add_collaboration("plain", [one])
    secret = await api.add_collaboration("secret", [one, two], encrypted=True)
    async with api.db.transaction() as tx:
        await tx.session.execute(
            algorithm_stores.insert().values(
                [
                    {"name": "own", "url": "https://own", "collaboration_id": plain},
                    {"name": "all", "url": "https://all", "collaboration_id": None},
                ]
            )
        )
        stores = {
            row.name: row.id for row in await tx.session.execute(select(algorithm_stores.c.name, algorithm_stores.c.id))
        }

    async def ids(**query: Any) -> list[int]:
        answer = await api.get("/api/collaboration", api.root, **query)
        return [item["id"] for item in answer.json()["data"]]

    assert await ids() == [plain, secret]
    assert await ids(name="SEC%") == [secret]
    for yes in ("true", "1"):
        assert await ids(encrypted=yes) == [secret]
    for no in ("false", "0"):
        assert await ids(encrypted=no) == [plain]
    assert await ids(organization_id=two) == [secret]
    assert await ids(encrypted="") == []
    for nothing in (987654, "2.5", "abc", "", 10**30):
        assert await ids(organization_id=nothing) == []
        assert (await api.get("/api/collaboration", api.root, algorithm_store_id=nothing)).status_code == 404
    assert await ids(algorithm_store_id=stores["own"]) == [plain]
    assert await ids(algorithm_store_id=stores["all"]) == [plain, secret]
    assert await ids(sort="-name") == [secret, plain]
    assert await ids(sort="-organizations") == [plain, secret]


async def test_ids_below_1_are_told_of_the_list_and_what_is_no_number_of_its_place(api: Api) -> None:
    id_ = await api.add_collaboration("together", [1])

    async def errors(*given: Any) -> Any:
        answer = await api.patch(f"/api/collaboration/{id_}", api.root, organization_ids=list(given))
        assert answer.status_code == 400
        return answer.json()["errors"]["organization_ids"]

    for wrong in (-1, 0):
        assert len(await errors(1, wrong)) == 1
        assert isinstance(await errors(wrong), list)
    for wrong in ("abc", None, []):
        assert list(await errors(1, wrong)) == ["1"]


@pytest.mark.parametrize("nothing", [987654, 0, -1, 2.5, "abc", "", None, 10**30])
async def test_whatever_cannot_be_a_node_is_not_found_where_one_is_taken_out(plain_api: Api, nothing: Any) -> None:
    id_ = await plain_api.add_collaboration("together", [1])

    answer = await plain_api.delete(f"/api/collaboration/{id_}/node", plain_api.root, id=nothing)
    without = await plain_api.call("DELETE", f"/api/collaboration/{id_}/node", plain_api.root, json={})

    assert (answer.status_code, answer.json()["msg"]) == (404, "There is no such node")
    assert (without.status_code, list(without.json()["errors"])) == (400, ["id"])


async def test_a_node_moves_in_and_out(api: Api, members: list[int]) -> None:
    one, two, _ = members
    here = await api.add_collaboration("here", [one, two])
    there = await api.add_collaboration("there", [one])
    node = await api.add_node(one, here, name="station")

    moved = await api.post(f"/api/collaboration/{there}/node", api.root, id=node.id)
    again = await api.post(f"/api/collaboration/{there}/node", api.root, id=node.id)
    out = await api.delete(f"/api/collaboration/{there}/node", api.root, id=node.id)
    not_in = await api.delete(f"/api/collaboration/{there}/node", api.root, id=node.id)

    assert moved.status_code == 201
    assert moved.json() == [
        {
            "id": node.id,
            "name": "station",
            "organization": {
                "id": one,
                "link": f"/api/organization/{one}",
                "methods": ["DELETE", "GET", "PATCH"],
            },
            "ip": None,
            "status": "offline",
            "last_seen": None,
        }
    ]
    assert [answer.status_code for answer in (again, out, not_in)] == [400, 200, 400]
    changes = [NodeChanged.opened(each).collaboration_id for each in await api.events(NodeChanged)]
    assert changes == [there, None]


async def test_a_node_moves_only_where_its_organization_is_and_has_none_yet(api: Api, members: list[int]) -> None:
    one, two, _ = members
    here = await api.add_collaboration("here", [one, two])
    there = await api.add_collaboration("there", [one])
    foreign = await api.add_node(two, here)
    node = await api.add_node(one, here)
    await api.add_node(one, there)

    assert (await api.post(f"/api/collaboration/{there}/node", api.root, id=foreign.id)).status_code == 400
    second = await api.post(f"/api/collaboration/{there}/node", api.root, id=node.id)
    assert (second.status_code, second.json()["msg"]) == (
        400,
        "The organization already has a node in this collaboration",
    )
    assert (await api.post(f"/api/collaboration/{there}/node", api.root, id=987654)).status_code == 404


async def test_nobody_takes_a_node_out_of_a_collaboration_it_may_not_change(api: Api, members: list[int]) -> None:
    one, two, three = members
    here = await api.add_collaboration("here", [one, two])
    there = await api.add_collaboration("there", [one, three])
    node = await api.add_node(one, here)
    editor = api.auth.add_user(organization_id=three, rules=["collaboration:COLLABORATION:EDIT"])

    assert (await api.post(f"/api/collaboration/{there}/node", editor, id=node.id)).status_code == 401
    assert (await api.get(f"/api/node/{node.id}", api.root)).json()["collaboration"]["id"] == here


async def test_a_page_takes_the_same_few_statements_however_long_it_is(api: Api, members: list[int]) -> None:
    for index in range(30):
        await api.add_collaboration(f"collaboration {index}", members)
    async with api.db.transaction() as tx:
        await tx.session.execute(algorithm_stores.insert().values(name="s", url="https://s", collaboration_id=None))
        store = (await tx.session.execute(select(algorithm_stores.c.id))).scalar_one()
        await tx.session.execute(update(collaborations).values(encrypted=True))
    await api.get("/api/collaboration", api.root)

    counts = []
    for per_page in ("2", "100"):
        with api.counting() as statements:
            answer = await api.get(
                "/api/collaboration",
                api.root,
                include="organizations",
                per_page=per_page,
                algorithm_store_id=store,
                organization_id=members[0],
            )
        counts.append(len(statements))
        assert len(answer.json()["data"][0]["organizations"]) == 3

    assert counts[0] == counts[1] <= 5
