"""`/api/study` as clients see it."""

from typing import Any

import httpx2
import pytest

from services.api.tests.kit import Api
from sextant_api.models import studies, tasks


class Hospitals:
    """Three organizations, two of which work together."""

    def __init__(self, one: int, two: int, three: int, collaboration: int) -> None:
        self.one, self.two, self.three = one, two, three
        self.collaboration = collaboration


@pytest.fixture
async def world(api: Api) -> Hospitals:
    one, two, three = [await api.add_organization(name) for name in ("one", "two", "three")]
    return Hospitals(one, two, three, await api.add_collaboration("together", [one, two]))


async def test_a_new_study_shows_its_organizations_in_full(api: Api, world: Hospitals) -> None:
    answer = await api.post(
        "/api/study",
        api.root,
        name="closer",
        collaboration_id=world.collaboration,
        organization_ids=[world.two, world.one],
    )

    assert answer.status_code == 201
    made = answer.json()
    assert [organization["id"] for organization in made.pop("organizations")] == [world.two, world.one]
    assert made == {
        "id": made["id"],
        "name": "closer",
        "collaboration": {
            "id": world.collaboration,
            "link": f"/api/collaboration/{world.collaboration}",
            "methods": ["DELETE", "GET", "PATCH"],
        },
        "tasks": f"/api/task?study_id={made['id']}",
    }
    plain = (await api.get(f"/api/study/{made['id']}", api.root)).json()
    assert plain["organizations"] == f"/api/organization?study_id={made['id']}"
    full = (await api.get(f"/api/study/{made['id']}", api.root, include="organizations")).json()
    assert full == answer.json()


async def test_only_members_of_the_collaboration_take_part(api: Api, world: Hospitals) -> None:
    study = await api.add_study("closer", world.collaboration, [world.one])

    made = await api.post(
        "/api/study",
        api.root,
        name="x",
        collaboration_id=world.collaboration,
        organization_ids=[world.one, world.three],
    )
    changed = await api.patch(f"/api/study/{study}", api.root, organization_ids=[world.three])
    added = await api.post(f"/api/study/{study}/organization", api.root, id=world.three)

    assert [answer.status_code for answer in (made, changed, added)] == [400, 400, 400]
    assert str(world.three) in made.json()["msg"]
    assert await api.count(studies) == 1


async def test_the_organizations_of_a_study_stand_in_the_order_in_which_they_joined(api: Api, world: Hospitals) -> None:
    one, two = world.one, world.two
    study = await api.add_study("closer", world.collaboration, [two])
    path, people = f"/api/study/{study}", f"/api/study/{study}/organization"

    def order(answer: httpx2.Response) -> list[int]:
        body = answer.json()
        found = body if isinstance(body, list) else body.get("organizations") or body["data"][0]["organizations"]
        return [organization["id"] for organization in found]

    assert order(await api.post(people, api.root, id=one)) == [two, one]
    assert order(await api.get(path, api.root, include="organizations")) == [two, one]
    assert order(await api.get("/api/study", api.root, include="organizations")) == [two, one]
    assert order(await api.patch(path, api.root, organization_ids=[one, two])) == [two, one]
    assert order(await api.delete(people, api.root, id=two)) == [one]
    assert order(await api.post(people, api.root, id=two)) == [one, two]


async def test_the_members_of_a_study_change(api: Api, world: Hospitals) -> None:
    study = await api.add_study("closer", world.collaboration, [world.one])
    path = f"/api/study/{study}/organization"

    added = await api.post(path, api.root, id=world.two)
    again = await api.post(path, api.root, id=world.two)
    removed = await api.delete(path, api.root, id=world.one)
    missing = await api.delete(path, api.root, id=world.one)
    changed = await api.patch(f"/api/study/{study}", api.root, organization_ids=[world.one], name="closest")

    assert [item["id"] for item in added.json()] == [world.one, world.two]
    assert (again.status_code, again.json()) == (200, added.json())
    assert [item["id"] for item in removed.json()] == [world.two]
    assert missing.status_code == 404
    assert changed.json()["name"] == "closest"
    assert [item["id"] for item in changed.json()["organizations"]] == [world.one]


async def test_a_study_stays_in_its_collaboration(api: Api, world: Hospitals) -> None:
    study = await api.add_study("closer", world.collaboration, [world.one])
    other = await api.add_collaboration("other", [world.one])

    answer = await api.patch(f"/api/study/{study}", api.root, collaboration_id=other)

    assert answer.status_code == 200
    assert answer.json()["collaboration"]["id"] == world.collaboration


async def test_names_are_unique_over_all_collaborations(api: Api, world: Hospitals) -> None:
    other = await api.add_collaboration("other", [world.one])
    await api.add_study("closer", world.collaboration, [world.one])
    second = await api.add_study("second", other, [world.one])

    made = await api.post("/api/study", api.root, name="closer", collaboration_id=other, organization_ids=[world.one])
    renamed = await api.patch(f"/api/study/{second}", api.root, name="closer")

    assert [answer.status_code for answer in (made, renamed)] == [400, 400]
    assert made.json()["msg"] == renamed.json()["msg"] == "There is already a study of this name"


async def test_an_unknown_collaboration_is_404_for_those_who_may_make_studies_anywhere(
    api: Api, world: Hospitals
) -> None:
    body = {"name": "x", "collaboration_id": 987654, "organization_ids": [world.one]}
    local = api.auth.add_user(organization_id=world.one, rules=["study:COLLABORATION:CREATE"])

    assert (await api.post("/api/study", api.root, **body)).status_code == 404
    assert (await api.post("/api/study", local, **body)).status_code == 401


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "12"),
        ("collaboration_id", "abc"),
        ("collaboration_id", 0),
        ("collaboration_id", None),
        ("organization_ids", []),
        ("organization_ids", [[]]),
        ("organization_ids", {}),
        ("id", 1),
    ],
)
async def test_bad_fields_are_named(plain_api: Api, field: str, value: Any) -> None:
    collaboration = await plain_api.add_collaboration("together", [1])
    study = await plain_api.add_study("closer", collaboration, [1])
    body: dict[str, Any] = {"name": "x", "collaboration_id": collaboration, "organization_ids": [1], field: value}

    made = await plain_api.call("POST", "/api/study", plain_api.root, json=body)
    changed = await plain_api.call("PATCH", f"/api/study/{study}", plain_api.root, json={field: value})

    for answer in (made, changed):
        assert answer.status_code == 400
        assert [name.partition(".")[0] for name in answer.json()["errors"]] == [field]


async def test_one_with_tasks_is_deleted_only_if_that_is_wanted(api: Api, world: Hospitals) -> None:
    study = await api.add_study("closer", world.collaboration, [world.one])
    async with api.db.transaction() as tx:
        await tx.session.execute(
            tasks.insert().values(
                job_id=1,
                image="image",
                collaboration_id=world.collaboration,
                study_id=study,
                init_org_id=world.one,
                init_user_id=1,
                databases=[],
            )
        )

    kept = await api.delete(f"/api/study/{study}", api.root)
    deleted = await api.call("DELETE", f"/api/study/{study}", api.root, params={"delete_dependents": "1"})

    assert (kept.status_code, deleted.status_code) == (400, 200)
    assert (await api.get(f"/api/study/{study}", api.root)).status_code == 404
    assert await api.count(tasks) == 0


async def test_lists_are_filtered_and_containers_may_ask_too(api: Api, world: Hospitals) -> None:
    other = await api.add_collaboration("other", [world.three, world.one])
    first = await api.add_study("first", world.collaboration, [world.one, world.two])
    second = await api.add_study("second", world.collaboration, [world.two])
    third = await api.add_study("third", other, [world.three])
    node = await api.add_node(world.one, world.collaboration)

    async def ids(caller: Any, **query: Any) -> list[int]:
        answer = await api.get("/api/study", caller, **query)
        return [item["id"] for item in answer.json()["data"]]

    assert await ids(api.root) == [first, second, third]
    assert await ids(api.root, name="%IR%") == [first, third]
    assert await ids(api.root, collaboration_id=world.collaboration) == [first, second]
    assert await ids(api.root, organization_id=world.two, sort="-id") == [second, first]
    assert await ids(api.root, sort="-collaboration") == [first, second, third]
    for nothing in (987654, "2.5", "abc", "", 10**30):
        assert await ids(api.root, organization_id=nothing) == []
        assert await ids(api.root, collaboration_id=nothing) == []
    assert await ids(node) == [first]
    [listed] = (await api.get("/api/study", node, include="organizations")).json()["data"]
    assert [organization["name"] for organization in listed["organizations"]] == ["one", "two"]


async def test_a_page_takes_the_same_few_statements_however_long_it_is(api: Api, world: Hospitals) -> None:
    for index in range(30):
        await api.add_study(f"study {index}", world.collaboration, [world.one, world.two])
    member = api.auth.add_user(organization_id=world.one, rules=["study:COLLABORATION:VIEW"])
    await api.get("/api/study", member)

    counts = []
    for per_page in ("2", "100"):
        with api.counting() as statements:
            await api.get(
                "/api/study",
                member,
                include="organizations",
                per_page=per_page,
                collaboration_id=world.collaboration,
                organization_id=world.two,
            )
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 5
