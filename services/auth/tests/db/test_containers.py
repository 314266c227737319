"""Nodes get tokens for the algorithm containers that they start."""

from typing import Any

import pytest

from services.auth.tests.kit import FINISHED, WRONG_IMAGE, Auth, claims_of

GRANT = {
    "organization_id": 3,
    "collaboration_id": 2,
    "study_id": None,
    "store_id": 4,
    "databases": [{"label": "default", "parameters": "{}"}],
    "image": "registry.test/algo:1",
}


async def node_token(auth: Auth, node_id: int = 7) -> str:
    pair = await auth.log_in_node(await auth.add_node(node_id, organization_id=3, collaboration_id=2))
    return str(pair["access_token"])


async def test_a_container_token_says_what_it_may_work_on(auth: Auth) -> None:
    node = await node_token(auth)
    auth.api.grants[11] = GRANT

    answer = await auth.post("/api/token/container", node, task_id=11, image=GRANT["image"])

    assert (answer.status_code, set(answer.json())) == (200, {"container_token"})
    claims = claims_of(answer.json()["container_token"])
    assert claims["sub"] == {"client_type": "container", "node_id": 7, "task_id": 11, **GRANT}
    assert (claims["type"], claims["client_type"], claims["roles"]) == ("access", "container", [])
    assert claims["exp"] - claims["iat"] == 7 * 24 * 3600


async def test_api_is_asked_about_the_node_of_the_token(auth: Auth) -> None:
    node = await node_token(auth, 9)
    auth.api.grants[11] = GRANT

    await auth.post("/api/token/container", node, task_id=11, image="some/image:2")

    assert auth.api.container_questions == [{"task_id": 11, "node_id": 9, "image": "some/image:2"}]


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [(None, 400, "unknown_task"), (FINISHED, 400, "task_finished"), (WRONG_IMAGE, 401, "permission_denied")],
)
async def test_what_api_refuses_is_refused(auth: Auth, answer: Exception | None, status: int, code: str) -> None:
    node = await node_token(auth)
    if answer is not None:
        auth.api.grants[11] = answer

    refused = await auth.post("/api/token/container", node, task_id=11, image="i")

    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_without_api_there_is_no_token_for_now(auth: Auth) -> None:
    node = await node_token(auth)
    auth.api.down = True

    answer = await auth.post("/api/token/container", node, task_id=11, image="i")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_a_number_that_cannot_be_an_id_is_an_unknown_task(auth_on_sqlite: Auth) -> None:
    answer = await auth_on_sqlite.post(
        "/api/token/container", await node_token(auth_on_sqlite), task_id=2**64, image="i"
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_task")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"task_id", "image"}),
        ({"task_id": 0, "image": ""}, {"task_id", "image"}),
        ({"task_id": "abc", "image": 5}, {"task_id", "image"}),
        ({"task_id": 1, "image": "i", "else": 1}, {"else"}),
    ],
)
async def test_a_malformed_request_is_told_field_by_field(
    auth_on_sqlite: Auth, body: dict[str, Any], wrong: set[str]
) -> None:
    answer = await auth_on_sqlite.post("/api/token/container", await node_token(auth_on_sqlite), **body)

    assert (answer.status_code, set(answer.json()["errors"])) == (400, wrong)


async def test_the_tokens_of_a_nodes_containers_end_with_its_key(auth: Auth) -> None:
    node = await node_token(auth)
    auth.api.grants[11] = GRANT
    token = (await auth.post("/api/token/container", node, task_id=11, image="i")).json()["container_token"]
    before = await auth.get("/api/user", token)

    await auth.add_node(7)
    after = await auth.get("/api/user", token)

    # a container has no business here at all; whether its token is good shows in which refusal it gets
    assert before.status_code == 403
    assert after.status_code == 403
    principal = (await auth.get("/internal/principals/container/7", await auth.service_token())).json()
    assert principal["tokens_valid_from"] > claims_of(token)["iat"]
