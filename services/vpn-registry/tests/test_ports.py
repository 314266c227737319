"""What nodes may say about ports, and what a run shows by it."""

import httpx2
import pytest

from sextant_shared.contract.events import RunPort
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.testing.fakes import bearer

from .kit import Registry

FINAL = [status for status in RunStatus if status.is_final]


async def test_a_node_registers_ports_of_its_run_and_api_hears_of_them_at_once_and_again(registry: Registry) -> None:
    node = registry.node(1)
    registry.run(7, node)

    first = await registry.register(node, 7, 50001, label="web")
    second = await registry.register(node, 7, 50002)

    assert (first.status_code, second.status_code) == (201, 201)
    ids = first.json()["id"], second.json()["id"]
    assert first.json() == {"id": ids[0], "port": 50001, "label": "web"}
    assert second.json() == {"id": ids[1], "port": 50002, "label": None}
    shown = [RunPort(id=ids[0], port=50001, label="web"), RunPort(id=ids[1], port=50002, label=None)]
    assert registry.api.told[7].ports == shown
    events = await registry.events()
    assert [(event.run_id, event.collaboration_id, event.revision, event.ports) for event in events] == [
        (7, 2, 1, shown[:1]),
        (7, 2, 2, shown),
    ]


async def test_saying_the_same_again_changes_nothing_and_another_label_changes_the_label(registry: Registry) -> None:
    node = registry.node(1)
    registry.run(7, node)
    port_id = await registry.registered(node, 7, 50001, "web")

    assert await registry.registered(node, 7, 50001, "web") == port_id
    assert len(await registry.events()) == 1
    assert await registry.registered(node, 7, 50001, "app") == port_id
    assert [event.ports[0].label for event in await registry.events()] == ["web", "app"]


async def test_releasing_succeeds_whether_there_are_ports_or_not(registry: Registry) -> None:
    node = registry.node(1)
    registry.run(7, node)

    assert (await registry.release(node, 7)).status_code == 200
    assert await registry.events() == []
    await registry.registered(node, 7, 50001)
    await registry.registered(node, 7, 50002)
    for _ in range(2):
        answer = await registry.release(node, 7)
        assert (answer.status_code, list(answer.json())) == (200, ["msg"])
    assert registry.api.told[7].ports == []
    assert [event.revision for event in await registry.events()] == [1, 2, 3]
    assert await registry.shown(7) == []


async def test_an_id_of_a_port_is_never_used_again(registry: Registry) -> None:
    node = registry.node(1)
    registry.run(7, node)
    first = await registry.registered(node, 7)
    await registry.release(node, 7)

    assert await registry.registered(node, 7) > first


@pytest.mark.parametrize("status", FINAL)
async def test_a_run_that_has_ended_may_still_register_and_release_but_holds_nothing(
    plain_registry: Registry, status: RunStatus
) -> None:
    node = plain_registry.node(1)
    plain_registry.run(7, node, status=status)

    await plain_registry.registered(node, 7)

    assert await plain_registry.shown(7) == [5000]
    assert await plain_registry.found(node) == []
    assert (await plain_registry.release(node, 7)).status_code == 200


async def test_only_the_node_that_runs_a_run_may_speak_for_it(registry: Registry) -> None:
    node, other = registry.node(1), registry.node(2)
    registry.run(7, node)
    await registry.registered(node, 7)

    for answer in (await registry.register(other, 7, 5001), await registry.release(other, 7)):
        assert (answer.status_code, answer.json()["code"]) == (401, "permission_denied")
    assert await registry.shown(7) == [5000]


async def test_a_run_that_does_not_exist_is_not_found(registry: Registry) -> None:
    node = registry.node(1)

    for answer in (await registry.register(node, 987654), await registry.release(node, 987654)):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_nothing_more_is_registered_for_a_run_that_was_deleted(registry: Registry) -> None:
    node = registry.node(1)
    registry.run(7, node)
    await registry.registered(node, 7)
    await registry.end(7, RunStatus.KILLED)
    del registry.api.runs[7]

    assert (await registry.register(node, 7, 5001)).status_code == 404
    assert await registry.known_runs() == {}
    assert await registry.shown(7) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("port", value) for value in (0, -5, 65536, "abc", None, 1.5, [])),
        *(("run_id", value) for value in (0, -1, 2**63, "abc", "", None, 1.5, {})),
        *(("label", value) for value in ("x" * 129, "a\0b", 5)),
        ("extra", 1),
    ],
)
async def test_what_makes_no_port_is_refused_by_name(plain_registry: Registry, name: str, value: object) -> None:
    node = plain_registry.node(1)

    answer = await plain_registry.register(node, **{"run_id": 7, "port": 5000, name: value})

    assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])


async def test_labels_and_ports_at_the_limits_are_accepted(plain_registry: Registry) -> None:
    node = plain_registry.node(1)
    plain_registry.run(7, node)

    await plain_registry.registered(node, 7, 1, "x" * 128)
    await plain_registry.registered(node, 7, 65535, "")

    assert await plain_registry.shown(7) == [1, 65535]


@pytest.mark.parametrize("run_id", ["abc", "", "-1", "0", str(2**63), None])
async def test_a_run_id_that_is_none_is_a_bad_request(plain_registry: Registry, run_id: str | None) -> None:
    node = plain_registry.node(1)
    token = plain_registry.auth.token(node)
    params = {"run_id": run_id} if run_id is not None else {}

    answer = await plain_registry.http.delete("/api/port", params=params, headers=bearer(token))

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["run_id"])


@pytest.mark.parametrize(("method", "path"), [("GET", "/vpn"), ("POST", "/port"), ("DELETE", "/port?run_id=1")])
async def test_only_nodes_ask_for_profiles_and_ports(plain_registry: Registry, method: str, path: str) -> None:
    auth, node = plain_registry.auth, plain_registry.node(1)
    user = auth.token(auth.add_user(organization_id=1, role="Root"))
    container = auth.container_token(node, task_id=9, image="image")

    async def ask(headers: dict[str, str]) -> httpx2.Response:
        return await plain_registry.http.request(method, f"/api{path}", headers=headers)

    assert [(await ask(headers)).status_code for headers in (bearer(user), bearer(container), {})] == [403, 403, 401]


async def test_there_is_no_list_of_ports(plain_registry: Registry) -> None:
    answer = await plain_registry.http.get(
        "/api/port", headers=bearer(plain_registry.auth.token(plain_registry.node(1)))
    )

    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, OPTIONS, POST")


async def test_there_is_no_source_of_profiles(plain_registry: Registry) -> None:
    answer = await plain_registry.http.get(
        "/api/vpn", headers=bearer(plain_registry.auth.token(plain_registry.node(1)))
    )

    assert (answer.status_code, answer.json()["code"]) == (501, "not_configured")
