"""`/api/organization` as clients see it."""

from typing import Any

import pytest

from services.api.tests.kit import ROOT_ORGANIZATION, Api
from sextant_api.models import nodes, organizations
from sextant_shared.contract.events import MembershipChanged, NodeChanged, OrganizationChanged

KEY = "LS0tLS1CRUdJTiBQVUJMSUMgS0VZLS0tLS0="


async def test_a_new_organization_is_shown_in_full(api: Api) -> None:
    answer = await api.post("/api/organization", api.root, name="hospital", country="NL", public_key=KEY)

    assert answer.status_code == 201
    made = answer.json()
    id_ = made.pop("id")
    assert made == {
        "name": "hospital",
        "domain": "",
        "address1": "",
        "address2": None,
        "zipcode": "",
        "country": "NL",
        "public_key": KEY,
        "collaborations": f"/api/collaboration?organization_id={id_}",
        "nodes": f"/api/node?organization_id={id_}",
        "users": f"/api/user?organization_id={id_}",
        "tasks": f"/api/task?init_org_id={id_}",
        "runs": f"/api/run?organization_id={id_}",
        "studies": f"/api/study?organization_id={id_}",
    }
    assert (await api.get(f"/api/organization/{id_}", api.root)).json() == {"id": id_, **made}


async def test_making_and_renaming_one_is_told_and_other_changes_are_not(api: Api) -> None:
    id_ = (await api.post("/api/organization", api.root, name="hospital")).json()["id"]
    await api.patch(f"/api/organization/{id_}", api.root, country="BE")
    await api.patch(f"/api/organization/{id_}", api.root, name="clinic")
    await api.patch(f"/api/organization/{id_}", api.root, name="clinic")

    told = [OrganizationChanged.opened(envelope) for envelope in await api.events()]

    assert told == [
        OrganizationChanged(organization_id=id_, name="hospital"),
        OrganizationChanged(organization_id=id_, name="clinic"),
    ]


async def test_a_change_leaves_alone_what_was_not_sent(api: Api) -> None:
    id_ = await api.add_organization("hospital", country="NL", zipcode="1234")

    answer = await api.patch(f"/api/organization/{id_}", api.root, zipcode="5678")

    assert answer.status_code == 200
    assert {"name": "hospital", "country": "NL", "zipcode": "5678"}.items() <= answer.json().items()
    assert (await api.patch(f"/api/organization/{id_}", api.root)).json() == answer.json()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "12345"},
        {"name": "x" * 129},
        {"name": 5},
        {"name": None},
        {"name": ["x"]},
        {"name": "with\0null"},
        {"name": "x", "country": 5},
        {"name": "x", "country": None},
        {"name": "x", "zipcode": "y" * 129},
        {"name": "x", "public_key": "12345"},
        {"name": "x", "public_key": None},
        {"name": "x", "public_key": "üñï"},
        {"name": "x", "id": 7},
        {"name": "x", "unheard_of": True},
    ],
)
async def test_bad_fields_are_named_and_nothing_is_made(plain_api: Api, body: dict[str, Any]) -> None:
    answer = await plain_api.call("POST", "/api/organization", plain_api.root, json=body)

    assert answer.status_code == 400
    wrong = [field for field in body if field != "name"] or ["name"]
    assert list(answer.json()["errors"]) == wrong
    assert await plain_api.count(organizations) == 1


async def test_names_are_unique(api: Api) -> None:
    other = await api.add_organization("other")
    await api.add_organization("hospital")

    made = await api.post("/api/organization", api.root, name="hospital")
    renamed = await api.patch(f"/api/organization/{other}", api.root, name="hospital")

    assert (made.status_code, renamed.status_code) == (400, 400)
    assert (made.json()["msg"], renamed.json()["code"]) == (
        "There is already an organization of this name",
        "bad_request",
    )


async def test_a_public_key_is_changed_by_members_alone(api: Api) -> None:
    id_ = await api.add_organization("hospital")
    admin = api.auth.add_user(organization_id=id_, role="Organization Admin")

    assert (await api.patch(f"/api/organization/{id_}", api.root, public_key=KEY)).status_code == 401
    assert (await api.patch(f"/api/organization/{id_}", admin, public_key=KEY)).json()["public_key"] == KEY


async def test_a_node_changes_the_public_key_of_its_own_organization_and_nothing_else(api: Api) -> None:
    own = await api.add_organization("own")
    partner = await api.add_organization("partner")
    node = await api.add_node(own, await api.add_collaboration("together", [own, partner]))

    assert (await api.patch(f"/api/organization/{own}", node, public_key=KEY)).status_code == 200
    assert (await api.patch(f"/api/organization/{own}", node, name="x")).status_code == 401
    assert (await api.patch(f"/api/organization/{own}", node, public_key=KEY, zipcode="1")).status_code == 401
    assert (await api.patch(f"/api/organization/{partner}", node, public_key=KEY)).status_code == 401


async def test_one_with_dependents_is_deleted_only_if_that_is_wanted(api: Api) -> None:
    id_ = await api.add_organization("hospital")
    other = await api.add_organization("other")
    collaboration = await api.add_collaboration("together", [id_, other])
    node = await api.add_node(id_, collaboration, name="station")

    for query in ({}, {"delete_dependents": "0"}, {"delete_dependents": ""}):
        kept = await api.call("DELETE", f"/api/organization/{id_}", api.root, params=query)
        assert kept.status_code == 400
    deleted = await api.call("DELETE", f"/api/organization/{id_}", api.root, params={"delete_dependents": "true"})

    assert deleted.status_code == 200
    assert (await api.get(f"/api/organization/{id_}", api.root)).status_code == 404
    assert await api.count(nodes) == 0
    assert [MembershipChanged.opened(each) for each in await api.events(MembershipChanged)] == [
        MembershipChanged(collaboration_id=collaboration, organization_ids=[other], revision=2)
    ]
    assert [NodeChanged.opened(each) for each in await api.events(NodeChanged)] == [
        NodeChanged(node_id=node.id, name="station", organization_id=id_, collaboration_id=collaboration, deleted=True)
    ]
    assert [OrganizationChanged.opened(each) for each in await api.events(OrganizationChanged)] == [
        OrganizationChanged(organization_id=id_, name="hospital", deleted=True)
    ]


async def test_ones_own_organization_cannot_be_deleted(api: Api) -> None:
    answer = await api.call(
        "DELETE", f"/api/organization/{ROOT_ORGANIZATION}", api.root, params={"delete_dependents": "1"}
    )

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["root", "alpha", "beta", "gamma_x"]),
        ({"name": "ALPHA"}, ["alpha"]),
        ({"name": "%a"}, ["alpha", "beta"]),
        ({"name": "_eta"}, ["beta"]),
        ({"name": "back\\"}, []),
        ({"name": ""}, []),
        ({"country": "NL"}, ["alpha"]),
        ({"country": "nl"}, []),
        ({"sort": "-name"}, ["root", "gamma_x", "beta", "alpha"]),
        ({"sort": "country,-id"}, ["gamma_x", "root", "beta", "alpha"]),
        ({"per_page": "2", "page": "2"}, ["beta", "gamma_x"]),
        ({"page": "9"}, []),
        ({"page": "2147483647", "per_page": "2147483647"}, []),
    ],
)
async def test_lists_are_filtered_sorted_and_paged(api: Api, query: dict[str, str], expected: list[str]) -> None:
    await api.add_organization("alpha", country="NL")
    await api.add_organization("beta", country="BE")
    await api.add_organization("gamma_x", country="")

    answer = await api.get("/api/organization", api.root, **query)

    assert [item["name"] for item in answer.json()["data"]] == expected


async def test_lists_are_filtered_by_collaboration_study_and_ids(api: Api) -> None:
    one, two, three = [await api.add_organization(name) for name in ("one", "two", "three")]
    collaboration = await api.add_collaboration("together", [one, two])
    study = await api.add_study("closer", collaboration, [two])

    async def ids(**query: Any) -> list[int]:
        answer = await api.get("/api/organization", api.root, **query)
        return [item["id"] for item in answer.json()["data"]]

    assert await ids(collaboration_id=collaboration) == [one, two]
    assert await ids(study_id=study) == [two]
    assert await ids(ids=[one, three]) == [one, three]
    assert await ids(collaboration_id=987654) == []
    assert await ids(study_id=2**62) == []


@pytest.mark.parametrize(
    "query",
    [
        {"collaboration_id": "abc"},
        {"collaboration_id": ""},
        {"study_id": "1.5"},
        {"ids": "x"},
        {"name": "\0"},
        {"page": "0"},
        {"page": "abc"},
        {"page": "9" * 5000},
        {"per_page": "-1"},
        {"sort": "public_key"},
        {"sort": "__class__"},
        {"collaboration_id": "99999999999999999999"},
    ],
)
async def test_a_query_that_makes_no_sense_is_the_callers_mistake(plain_api: Api, query: dict[str, str]) -> None:
    answer = await plain_api.get("/api/organization", plain_api.root, **query)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(query)


@pytest.mark.parametrize("path", ["abc", "1.5", "99999999999999999999", "-1", "987654"])
async def test_an_id_that_cannot_be_or_is_not_there_is_404(plain_api: Api, path: str) -> None:
    answer = await plain_api.get(f"/api/organization/{path}", plain_api.root)

    assert answer.status_code == 404
    assert "msg" in answer.json()


async def test_a_page_takes_the_same_few_statements_however_long_it_is(api: Api) -> None:
    for index in range(30):
        await api.add_organization(f"organization {index}")
    collaboration = await api.add_collaboration("all", list(range(1, 31)))
    study = await api.add_study("some", collaboration, [2, 3])
    member = api.auth.add_user(organization_id=2, role="Viewer")
    await api.get("/api/organization", member)

    counts = []
    for per_page in ("2", "100"):
        with api.counting() as statements:
            await api.get(
                "/api/organization", member, per_page=per_page, collaboration_id=collaboration, study_id=study
            )
        counts.append(len(statements))

    assert counts[0] == counts[1] <= 5
