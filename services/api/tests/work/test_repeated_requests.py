"""A request for a task that is repeated because its answer got lost makes no second task."""

from collections.abc import MutableMapping
from typing import Any

import orjson
import pytest

from services.api.tests.work.world import World
from sextant_api.models import tasks, unheard_tasks
from sextant_shared.security import Principal
from sextant_shared.testing.fakes import bearer


class KilledError(BaseException):
    """Ends a request as a killed process would: nothing that follows is done."""


@pytest.fixture
async def impatient(world: World) -> World:
    """A world whose api does not wait for what other replicas may be about to note."""
    world.api.collaborators.repeats._patience_seconds = 0
    return world


async def post_and_lose_the_answer(world: World, caller: Principal | str, **changes: Any) -> None:
    """Ask for a task, and let the process die when it is about to answer."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": orjson.dumps(world.asked(**changes)), "more_body": False}

    async def send(_message: MutableMapping[str, Any]) -> None:
        raise KilledError

    scope = _scope(world, caller)
    with pytest.raises(KilledError):
        await world.api.service.asgi(scope, receive, send)


def _scope(world: World, caller: Principal | str) -> dict[str, Any]:
    """An HTTP request for a task as the server hands it on."""
    token = world.api.auth.token(caller) if isinstance(caller, Principal) else caller
    headers = {"content-type": "application/json", "host": "api", **bearer(token)}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/api/task",
        "raw_path": b"/api/task",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("192.0.2.1", 1),
        "server": ("api", 80),
    }


async def repeat(world: World, caller: Principal | str, **changes: Any) -> dict[str, Any]:
    """Ask for a task with the same bytes."""
    token = world.api.auth.token(caller) if isinstance(caller, Principal) else caller
    answer = await world.api.http.post(
        "/api/task",
        content=orjson.dumps(world.asked(**changes)),
        headers={"content-type": "application/json", **bearer(token)},
    )
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_repeated_request_gets_the_task_that_was_made(impatient: World) -> None:
    world = impatient
    await post_and_lose_the_answer(world, world.researcher)
    await world.api.pass_time(2)

    task = await repeat(world, world.researcher)

    assert await world.api.count(tasks) == 1
    assert await world.status(task) == "pending"


async def test_the_third_request_after_an_answer_makes_a_task_of_its_own(impatient: World) -> None:
    world = impatient
    await post_and_lose_the_answer(world, world.researcher)
    await world.api.pass_time(2)
    first = await repeat(world, world.researcher)

    second = await repeat(world, world.researcher)

    assert second["id"] != first["id"]


async def test_equal_requests_that_were_answered_make_a_task_each(world: World) -> None:
    first = await repeat(world, world.researcher)
    await world.api.pass_time(2)
    second = await repeat(world, world.researcher)

    assert first["id"] != second["id"]
    await world.api.collaborators.repeats.flush()
    assert await world.api.count(unheard_tasks) == 0


async def test_an_equal_request_of_a_user_within_a_second_is_no_repetition(impatient: World) -> None:
    world = impatient
    await post_and_lose_the_answer(world, world.researcher)

    await repeat(world, world.researcher)

    assert await world.api.count(tasks) == 2


async def test_somebody_else_with_the_same_request_gets_a_task_of_their_own(impatient: World) -> None:
    world = impatient
    await post_and_lose_the_answer(world, world.researcher)
    await world.api.pass_time(2)

    await repeat(world, world.colleague)

    assert await world.api.count(tasks) == 2


async def test_another_request_makes_another_task(impatient: World) -> None:
    world = impatient
    await post_and_lose_the_answer(world, world.researcher)
    await world.api.pass_time(2)

    await repeat(world, world.researcher, name="other")

    assert await world.api.count(tasks) == 2


async def test_a_container_may_repeat_at_once(impatient: World) -> None:
    world = impatient
    container = world.container(await world.task())
    await post_and_lose_the_answer(world, container)

    subtask = await repeat(world, container)

    assert await world.api.count(tasks) == 2
    assert subtask["parent"] is not None


async def test_after_a_while_the_same_request_makes_a_new_task(impatient: World) -> None:
    world = impatient
    await post_and_lose_the_answer(world, world.researcher)
    await world.api.pass_time(world.api.settings.repeat_window_seconds + 1)

    await repeat(world, world.researcher)

    assert await world.api.count(tasks) == 2
    await world.api.collaborators.repeats.tidy()
    await world.api.collaborators.repeats.flush()
    assert await world.api.count(unheard_tasks) == 0


async def test_a_task_that_was_deleted_meanwhile_is_made_anew(impatient: World) -> None:
    world = impatient
    await post_and_lose_the_answer(world, world.researcher)
    (lost,) = (await world.api.get("/api/task", world.researcher)).json()["data"]
    answer = await world.api.delete(f"/api/task/{lost['id']}", world.api.root)
    assert answer.status_code == 200, answer.text
    await world.api.pass_time(2)

    assert (await repeat(world, world.researcher))["id"] != lost["id"]


async def test_who_hung_up_before_the_answer_has_not_heard_it(impatient: World) -> None:
    world = impatient
    body = orjson.dumps(world.asked())
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(_message: MutableMapping[str, Any]) -> None:
        """Take what nobody reads."""

    await world.api.service.asgi(_scope(world, world.researcher), receive, send)
    await world.api.pass_time(2)

    await repeat(world, world.researcher)

    assert await world.api.count(tasks) == 1
