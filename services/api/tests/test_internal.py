"""What the other services ask api."""

import pytest

from services.api.tests.kit import Api
from sextant_shared.contract.routing import API, AUTH, RELAY, VPN_REGISTRY


async def test_it_says_who_works_together_with_an_organization(api: Api) -> None:
    one, two, three = [await api.add_organization(name) for name in ("one", "two", "three")]
    first = await api.add_collaboration("first", [one, two])
    await api.add_collaboration("second", [two, three])
    third = await api.add_collaboration("third", [three, one])
    await api.patch(f"/api/collaboration/{third}", api.root, organization_ids=[one])

    answer = await api.get(f"/internal/organizations/{one}", api.auth.service_token(AUTH))

    assert answer.json() == {
        "id": one,
        "name": "one",
        "collaborations": [
            {"id": first, "organization_ids": [one, two], "revision": 1},
            {"id": third, "organization_ids": [one], "revision": 2},
        ],
    }


async def test_an_organization_without_collaborations_is_known_all_the_same(api: Api) -> None:
    alone = await api.add_organization("alone")

    answer = await api.get(f"/internal/organizations/{alone}", api.auth.service_token(RELAY))

    assert answer.json() == {"id": alone, "name": "alone", "collaborations": []}


async def test_an_unknown_organization_is_404(plain_api: Api) -> None:
    answer = await plain_api.get("/internal/organizations/987654", plain_api.auth.service_token(AUTH))

    assert answer.status_code == 404


async def test_it_names_all_collaborations(api: Api) -> None:
    ids = [await api.add_collaboration(f"collaboration {index}", []) for index in range(12)]

    answer = await api.get("/internal/collaborations", api.auth.service_token(RELAY))

    assert answer.json() == {"ids": ids}


@pytest.mark.parametrize(
    ("path", "allowed"), [("/internal/organizations/1", {AUTH, RELAY}), ("/internal/collaborations", {RELAY})]
)
async def test_internal_routes_are_for_the_services_that_need_them(
    plain_api: Api, path: str, allowed: set[str]
) -> None:
    for service in (AUTH, API, RELAY, VPN_REGISTRY):
        answer = await plain_api.get(path, plain_api.auth.service_token(service))
        assert answer.status_code == (200 if service in allowed else 403)

    assert (await plain_api.get(path, plain_api.root)).status_code == 422
    assert (await plain_api.get(path)).status_code == 401
