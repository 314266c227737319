"""What happens at the same time leaves nothing half done and nothing twice."""

import asyncio
from itertools import pairwise
from typing import Any

import httpx2
import pytest

from services.api.tests.kit import Api
from sextant_api.models import collaborations, nodes, organizations, studies
from sextant_shared.contract.events import MembershipChanged


def statuses(answers: list[httpx2.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


@pytest.mark.parametrize("resource", ["organization", "collaboration", "study", "node"])
async def test_of_many_who_want_the_same_name_one_gets_it(api: Api, resource: str) -> None:
    tables = {"organization": organizations, "collaboration": collaborations, "study": studies, "node": nodes}
    members = [await api.add_organization(f"member {index}") for index in range(4)]
    collaboration = await api.add_collaboration("together", members)
    bodies: dict[str, list[dict[str, Any]]] = {
        "organization": [{}] * 4,
        "collaboration": [{"organization_ids": members, "encrypted": False}] * 4,
        "study": [{"collaboration_id": collaboration, "organization_ids": members}] * 4,
        "node": [{"collaboration_id": collaboration, "organization_id": member} for member in members],
    }
    before = await api.count(tables[resource])

    answers = await asyncio.gather(
        *(api.post(f"/api/{resource}", api.root, name="wanted", **body) for body in bodies[resource])
    )

    assert statuses(answers)[1:] == [400, 400, 400]
    assert await api.count(tables[resource]) == before + 1


async def test_an_organization_gets_one_node_in_a_collaboration_however_many_ask(api: Api) -> None:
    member = await api.add_organization("member")
    collaboration = await api.add_collaboration("together", [member])

    answers = await asyncio.gather(
        *(
            api.post(
                "/api/node", api.root, organization_id=member, collaboration_id=collaboration, name=f"station {index}"
            )
            for index in range(4)
        )
    )

    assert statuses(answers) == [201, 400, 400, 400]
    assert await api.count(nodes) == 1
    assert len(api.auth.credentials) == 1


async def test_revisions_of_changes_at_the_same_time_follow_each_other(api: Api) -> None:
    members = [await api.add_organization(f"member {index}") for index in range(6)]
    collaboration = await api.add_collaboration("together", members[:1])
    path = f"/api/collaboration/{collaboration}/organization"

    answers = await asyncio.gather(
        *(api.post(path, api.root, id=member) for member in members[1:]),
        api.delete(path, api.root, id=members[0]),
    )

    assert statuses(answers) == [200] * 6
    changes = [MembershipChanged.opened(envelope) for envelope in await api.events(MembershipChanged)]
    by_revision = sorted(changes, key=lambda change: change.revision)
    assert [change.revision for change in by_revision] == [2, 3, 4, 5, 6, 7]
    assert sorted(by_revision[-1].organization_ids) == members[1:]
    for one, other in pairwise(by_revision):
        assert len(set(one.organization_ids) ^ set(other.organization_ids)) == 1


async def test_no_node_stays_where_its_organization_is_no_member(api: Api) -> None:
    for attempt in range(8):
        member = await api.add_organization(f"member {attempt}")
        collaboration = await api.add_collaboration(f"collaboration {attempt}", [member])

        made, _ = await asyncio.gather(
            api.post("/api/node", api.root, organization_id=member, collaboration_id=collaboration),
            api.delete(f"/api/collaboration/{collaboration}/organization", api.root, id=member),
        )

        assert made.status_code in (201, 400)
        if made.status_code == 201:
            node = (await api.get(f"/api/node/{made.json()['id']}", api.root)).json()
            assert node["collaboration"] is None


async def test_nobody_takes_part_in_a_study_who_left_its_collaboration(api: Api) -> None:
    for attempt in range(8):
        stays, leaves = [await api.add_organization(f"{name} {attempt}") for name in ("stays", "leaves")]
        collaboration = await api.add_collaboration(f"collaboration {attempt}", [stays, leaves])
        study = await api.add_study(f"study {attempt}", collaboration, [stays])

        added, left = await asyncio.gather(
            api.post(f"/api/study/{study}/organization", api.root, id=leaves),
            api.delete(f"/api/collaboration/{collaboration}/organization", api.root, id=leaves),
        )

        assert (added.status_code in (200, 400), left.status_code) == (True, 200)
        shown = (await api.get(f"/api/study/{study}", api.root, include="organizations")).json()
        assert [organization["id"] for organization in shown["organizations"]] == [stays]


async def test_deleting_an_organization_while_it_joins_leaves_no_trace_of_it(api: Api) -> None:
    for attempt in range(8):
        member = await api.add_organization(f"member {attempt}")
        collaboration = await api.add_collaboration(f"collaboration {attempt}", [])

        joined, deleted = await asyncio.gather(
            api.post(f"/api/collaboration/{collaboration}/organization", api.root, id=member),
            api.call("DELETE", f"/api/organization/{member}", api.root, params={"delete_dependents": "1"}),
        )

        assert (joined.status_code in (200, 404), deleted.status_code) == (True, 200)
        [shown] = (await api.get("/api/collaboration", api.root, name=f"collaboration {attempt}")).json()["data"]
        listed = (await api.get("/api/organization", api.root, collaboration_id=shown["id"])).json()["data"]
        assert listed == []
