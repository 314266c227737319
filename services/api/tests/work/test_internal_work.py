"""What other services ask about tasks and runs."""

from typing import Any

from services.api.tests.work.world import IMAGE, World
from sextant_shared.contract.routing import AUTH, RELAY, VPN_REGISTRY


async def grant(world: World, task_id: int, *, node_id: int | None = None, image: str = IMAGE) -> tuple[int, Any]:
    answer = await world.api.get(
        f"/internal/tasks/{task_id}/container-grant",
        world.api.auth.service_token(AUTH),
        node_id=node_id or world.near_node.id,
        image=image,
    )
    body = answer.json()
    return answer.status_code, body.get("code", body)


async def test_a_grant_says_what_the_algorithm_may_act_as(world: World) -> None:
    study = await world.api.add_study("close", world.collaboration, [world.near])
    task = await world.task(world.near, study_id=study, databases=[{"label": "ages", "query": "q"}, {"label": "x"}])

    assert await grant(world, task["id"]) == (
        200,
        {
            "organization_id": world.near,
            "collaboration_id": world.collaboration,
            "study_id": study,
            "store_id": None,
            "databases": [{"label": "ages", "query": "q"}, {"label": "x"}],
            "image": IMAGE,
        },
    )


async def test_a_refused_grant_says_why(world: World) -> None:
    task = await world.task(world.near)

    assert await grant(world, 987654) == (404, "not_found")
    assert await grant(world, task["id"], node_id=world.far_node.id) == (401, "not_your_task")
    assert await grant(world, task["id"], node_id=987654) == (401, "not_your_task")
    assert await grant(world, task["id"], image="registry.example/evil:1") == (401, "wrong_image")
    await world.complete_near(task)
    assert await grant(world, task["id"]) == (400, "task_finished")


async def test_a_grant_ends_with_the_nodes_own_run(world: World) -> None:
    task = await world.task()
    await world.complete_near(task)

    assert await grant(world, task["id"]) == (400, "task_finished")
    assert (await grant(world, task["id"], node_id=world.far_node.id))[0] == 200


async def test_a_run_is_told_with_its_node(world: World) -> None:
    task = await world.task(world.near)
    child = await world.task(world.far, caller=world.container(task))
    run = await world.run_of(child, world.far)
    path = f"/internal/runs/{run['id']}"

    answer = await world.api.get(path, world.api.auth.service_token(VPN_REGISTRY))

    assert answer.json() == {
        "id": run["id"],
        "task_id": child["id"],
        "parent_id": task["id"],
        "organization_id": world.far,
        "collaboration_id": world.collaboration,
        "node_id": world.far_node.id,
        "node_ip": None,
        "node_status": "offline",
        "status": "pending",
        "ports_revision": 0,
    }
    missing = await world.api.get("/internal/runs/987654", world.api.auth.service_token(VPN_REGISTRY))
    assert missing.status_code == 404


async def test_only_the_services_that_need_it_may_ask(world: World) -> None:
    task = await world.task(world.near)
    run = await world.run_of(task, world.near)
    paths = {
        f"/internal/tasks/{task['id']}/container-grant?node_id=1&image=x": AUTH,
        f"/internal/runs/{run['id']}": VPN_REGISTRY,
    }

    for path, service in paths.items():
        for caller in {AUTH, RELAY, VPN_REGISTRY} - {service}:
            assert (await world.api.call("GET", path, world.api.auth.service_token(caller))).status_code == 403
        # a user's token is good for other things only
        assert (await world.api.call("GET", path, world.api.root)).status_code == 422
        assert (await world.api.call("GET", path)).status_code == 401
