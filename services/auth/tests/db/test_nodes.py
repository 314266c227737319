"""Nodes log in with keys that api asks us to make."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.auth.tests.kit import Auth, running
from sextant_auth.models import node_credentials
from sextant_shared.contract.events import NodeChanged, NodeSeen, PrincipalChanged


async def test_a_node_logs_in_with_its_key(auth: Auth) -> None:
    key = await auth.add_node(7)

    answer = await auth.post("/api/token/node", api_key=key)

    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"access_token", "refresh_token", "refresh_url", "node_url"}
    assert (body["refresh_url"], body["node_url"]) == ("/api/token/refresh", "/api/node/7")
    assert answer.headers["jwt-token"] == body["access_token"]
    assert str(UUID(key, version=4)) == key


async def test_the_token_says_whose_it_is(auth: Auth) -> None:
    pair = await auth.log_in_node(await auth.add_node(7, organization_id=3, name="station"))

    answer = await auth.post("/api/token/node/validate", pair["access_token"])

    assert {key: value for key, value in answer.json().items() if key != "msg"} == {
        "node_id": 7,
        "name": "station",
        "organization_id": 3,
    }


@pytest.mark.parametrize("key", ["5a28bb04-9ca9-4536-b2b3-5a28bb049ca9", "", "not a key", "\u00fc" * 50])
async def test_an_unknown_key_opens_nothing_and_leaves_a_trace(auth: Auth, key: str) -> None:
    answer = await auth.post("/api/token/node", api_key=key)

    assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")
    assert [(trace.outcome, trace.reason) for trace in await auth.audit("node.logged-in")] == [
        ("refused", "unknown_key")
    ]


@pytest.mark.parametrize(
    ("body", "wrong"), [({}, "api_key"), ({"api_key": 5}, "api_key"), ({"api_key": "a", "b": 1}, "b"), ([], "_schema")]
)
async def test_a_malformed_login_is_told_field_by_field(auth_on_sqlite: Auth, body: object, wrong: str) -> None:
    answer = await auth_on_sqlite.call("POST", "/api/token/node", json=body)

    assert (answer.status_code, set(answer.json()["errors"])) == (400, {wrong})


async def test_a_login_costs_the_same_whatever_the_number_of_nodes(auth: Auth) -> None:
    key = await auth.add_node(1)
    await auth.log_in_node(key)
    with auth.counting() as alone:
        await auth.log_in_node(key)
    for node_id in range(2, 30):
        await auth.add_node(node_id)
    with auth.counting() as among_many:
        await auth.log_in_node(key)
    await auth.post("/api/token/node", api_key="00000000-9ca9-4536-b2b3-5a28bb049ca9")
    with auth.counting() as wrong_key:
        await auth.post("/api/token/node", api_key="5a28bb04-9ca9-4536-b2b3-5a28bb049ca9")

    assert among_many.texts == alone.texts
    assert len(alone) <= 3
    assert len(wrong_key) <= 2


async def test_the_key_itself_is_stored_nowhere(auth: Auth) -> None:
    key = await auth.add_node(7)

    (row,) = await auth.rows(node_credentials)

    assert key not in str(row)
    assert len(row.key_hmac) == 64


async def test_another_pepper_knows_no_key(auth: Auth, database_url: str) -> None:
    key = await auth.add_node(7)

    async with running(database_url) as other:
        other.parts.node_grant._keys = type(other.parts.node_grant._keys)(
            other.settings.api_key_pepper.__class__("another pepper of some length")
        )
        assert (await other.post("/api/token/node", api_key=key)).status_code == 401


async def test_a_new_key_ends_the_old_one_and_all_that_rests_on_it(auth: Auth) -> None:
    old_key = await auth.add_node(7)
    old = await auth.log_in_node(old_key)

    new_key = await auth.add_node(7)

    assert (await auth.post("/api/token/node", api_key=old_key)).status_code == 401
    assert (await auth.post("/api/token/node/validate", old["access_token"])).status_code == 401
    assert (await auth.refresh(old["refresh_token"])).status_code == 401
    new = await auth.log_in_node(new_key)
    assert (await auth.post("/api/token/node/validate", new["access_token"])).status_code == 200
    assert (await auth.refresh(new["refresh_token"])).status_code == 200


async def test_a_removed_credential_ends_everything_and_may_be_removed_again(auth: Auth) -> None:
    key = await auth.add_node(7)
    pair = await auth.log_in_node(key)
    service = await auth.service_token()

    answers = [await auth.delete("/internal/nodes/7/credential", service) for _ in range(2)]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(200, {}), (200, {})]
    assert (await auth.post("/api/token/node", api_key=key)).status_code == 401
    assert (await auth.post("/api/token/node/validate", pair["access_token"])).status_code == 401
    assert (await auth.refresh(pair["refresh_token"])).status_code == 401


async def test_changes_of_credentials_are_told_with_a_growing_version(auth: Auth) -> None:
    await auth.add_node(7)
    await auth.add_node(7)
    await auth.delete("/internal/nodes/7/credential", await auth.service_token())

    told = [PrincipalChanged.opened(envelope) for envelope in await auth.events()]
    assert [(change.client_type, change.principal_id, change.principal_version) for change in told] == [
        ("node", 7, 1),
        ("node", 7, 2),
        ("node", 7, 3),
    ]


async def test_only_api_may_make_credentials(auth: Auth) -> None:
    body = {"organization_id": 1, "collaboration_id": 1, "name": "n"}

    for token, status in (
        (await auth.service_token("relay"), 403),
        (await auth.token_of("root"), 422),
        (None, 401),
    ):
        answer = await auth.call("PUT", "/internal/nodes/7/credential", token, json=body)
        assert answer.status_code == status
        assert (await auth.delete("/internal/nodes/7/credential", token)).status_code == status


async def test_what_api_says_of_a_node_is_followed(auth: Auth) -> None:
    pair = await auth.log_in_node(await auth.add_node(7, organization_id=1, collaboration_id=1, name="old"))
    change = NodeChanged(node_id=7, name="new", organization_id=2, collaboration_id=5)

    await auth.tell(change, moved=timedelta(seconds=5))

    answer = await auth.post("/api/token/node/validate", pair["access_token"])
    assert (answer.json()["name"], answer.json()["organization_id"]) == ("new", 2)
    principal = (await auth.get("/internal/principals/node/7", await auth.service_token())).json()
    assert (principal["organization_id"], principal["collaboration_id"]) == (2, 5)


async def test_a_late_message_about_a_node_changes_nothing(auth: Auth) -> None:
    await auth.add_node(7, name="old")
    await auth.tell(
        NodeChanged(node_id=7, name="newest", organization_id=1, collaboration_id=1), moved=timedelta(seconds=9)
    )

    await auth.tell(
        NodeChanged(node_id=7, name="late", organization_id=1, collaboration_id=1), moved=timedelta(seconds=5)
    )

    assert [row.name for row in await auth.rows(node_credentials)] == ["newest"]


async def test_a_deleted_node_is_a_principal_no_more(auth: Auth) -> None:
    await auth.add_node(7)

    await auth.tell(NodeChanged(node_id=7, name="n", organization_id=1, collaboration_id=1, deleted=True))

    answer = await auth.get("/internal/principals/node/7", await auth.service_token())
    assert answer.status_code == 404
    assert await auth.parked() == 0


async def seen(auth: Auth) -> list[int]:
    return [NodeSeen.opened(envelope).node_id for envelope in await auth.events() if envelope.type == NodeSeen.type]


async def test_a_login_counts_as_having_seen_the_node(auth: Auth) -> None:
    await auth.log_in_node(await auth.add_node(7))

    assert await seen(auth) == [7]


async def test_a_crowd_of_logins_of_one_node_is_told_once_a_minute(auth: Auth) -> None:
    key, other = await auth.add_node(7), await auth.add_node(8)
    for _ in range(3):
        pair = await auth.log_in_node(key)
        assert (await auth.refresh(pair["refresh_token"])).status_code == 200
    await auth.log_in_node(other)
    auth.clock.move(seconds=61)
    assert (await auth.refresh(pair["refresh_token"])).status_code == 200

    assert await seen(auth) == [7, 8, 7]


async def test_a_refused_login_has_seen_nobody(auth: Auth) -> None:
    await auth.add_node(7)
    await auth.post("/api/token/node", api_key="3f0c2d1e-6b7a-4c59-9d11-0a4b8c7e5f21")

    assert await seen(auth) == []
