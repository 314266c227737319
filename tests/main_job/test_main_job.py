"""The main job, from root's first login to the researcher's results, with the official clients.

One module for every shape: what holds on a laptop holds behind the gateway.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.clients.driver import Researcher, Station, eventually
from tests.shapes import Shape

from .conftest import Job
from .world import (
    NUMBERS,
    PARTNERS,
    PASSWORD,
    Spare,
    World,
    begin_waiting,
    post_task,
    results_of,
)

pytestmark = pytest.mark.slow

TASK_KEYS = {
    "id", "name", "description", "image", "job_id", "status", "created_at", "finished_at",
    "collaboration", "init_org", "init_user", "parent", "children", "runs", "results",
    "databases", "study", "algorithm_store",
}  # fmt: skip
RUN_KEYS = {
    "id", "task", "organization", "node", "results", "ports", "input", "status", "log",
    "assigned_at", "started_at", "finished_at", "cleanup_at", "blob_storage_used",
}  # fmt: skip
RESULT_KEYS = {"id", "run", "task", "result", "cleanup_at", "blob_storage_used"}
STATUS_CHANGE_KEYS = {
    "status", "run_id", "task_id", "job_id", "collaboration_id", "node_id", "organization_id",
    "parent_id",
}  # fmt: skip
OF_TASKS = ("new_task", "algorithm_status_change", "status_update", "algorithm_log")


def runs_of(author: Researcher, task: dict[str, Any]) -> list[dict[str, Any]]:
    return list(author.call("run.from_task", task_id=task["id"])["data"])


def ask(world: World, user: Researcher, path: str, **query: Any) -> httpx2.Response:
    """Ask as the user without the client between, to see headers and raw bodies."""
    return httpx2.get(
        f"{world.url}/api/{path}",
        params=query,
        headers={"Authorization": f"Bearer {user.token()}"},
        timeout=30,
    )


def node_shown(world: World, name: str) -> dict[str, Any]:
    return dict(world.root.call("node.get", id_=world.nodes[name]["id"]))


def test_the_researcher_gets_every_stations_result(world: World, main_job: Job) -> None:
    expected = [
        {
            "organization": world.organizations[name],
            "sum": sum(NUMBERS[name]),
            "count": len(NUMBERS[name]),
        }
        for name in PARTNERS
    ]
    assert sorted(main_job.results, key=lambda result: result["organization"]) == expected


@pytest.mark.parametrize("name", PARTNERS)
def test_a_station_hears_of_the_task_exactly_once(world: World, main_job: Job, name: str) -> None:
    heard = world.stations[name].heard("new_task", id=main_job.task["id"])
    assert heard == [{"id": main_job.task["id"], "parent_id": None}]


def test_every_organization_has_one_completed_run(world: World, main_job: Job) -> None:
    runs = runs_of(world.researcher, main_job.task)
    assert sorted((run["organization"]["id"], run["status"]) for run in runs) == [
        (organization, "completed") for organization in sorted(world.partners())
    ]


@pytest.mark.parametrize("name", PARTNERS)
def test_a_station_takes_up_its_own_run_of_the_task(world: World, main_job: Job, name: str) -> None:
    runs = runs_of(world.researcher, main_job.task)
    taken = set(world.stations[name].taken())
    assert {run["node"]["id"] for run in runs if run["id"] in taken} == {world.nodes[name]["id"]}


def test_a_run_keeps_the_lines_that_its_algorithm_logged(world: World, main_job: Job) -> None:
    logs = [run["log"].splitlines() for run in runs_of(world.researcher, main_job.task)]
    assert logs == [["started partial_sum", "finished partial_sum"]] * len(PARTNERS)


def test_a_run_shows_when_it_was_assigned_started_and_finished(world: World, main_job: Job) -> None:
    for run in runs_of(world.researcher, main_job.task):
        assert run["assigned_at"] < run["started_at"] < run["finished_at"]


def test_the_task_is_completed_when_its_last_run_is(world: World, main_job: Job) -> None:
    task = world.researcher.call("task.get", id_=main_job.task["id"])
    last = max(run["finished_at"] for run in runs_of(world.researcher, main_job.task))
    assert (task["status"], task["finished_at"]) == ("completed", last)


@pytest.mark.usefixtures("main_job")
@pytest.mark.parametrize("name", PARTNERS)
def test_no_request_of_a_station_is_refused(world: World, name: str) -> None:
    assert world.stations[name].complaints() == []


@pytest.mark.usefixtures("main_job")
@pytest.mark.parametrize("who", ["root", "researcher"])
def test_no_request_of_a_user_is_refused(world: World, who: str) -> None:
    assert getattr(world, who).complaints() == []


@pytest.mark.parametrize("who", ["researcher", "viewer"])
def test_a_user_of_the_collaboration_hears_of_the_task(world: World, main_job: Job, who: str) -> None:
    heard = getattr(world, who).await_event("new_task", id=main_job.task["id"])
    assert heard == [{"id": main_job.task["id"], "parent_id": None}]


@pytest.mark.parametrize("status", ["active", "completed"])
def test_the_researcher_hears_each_run_change_its_status_once(world: World, main_job: Job, status: str) -> None:
    heard = world.researcher.await_event(
        "algorithm_status_change",
        count=len(PARTNERS),
        task_id=main_job.task["id"],
        status=status,
    )
    assert sorted(change["organization_id"] for change in heard) == sorted(world.partners())


def test_a_status_change_tells_all_that_the_contract_names(world: World, main_job: Job) -> None:
    change = world.researcher.await_event(
        "algorithm_status_change",
        task_id=main_job.task["id"],
        node_id=world.nodes["south"]["id"],
        status="completed",
    )[0]
    run = next(
        run
        for run in runs_of(world.researcher, main_job.task)
        if run["organization"]["id"] == world.organizations["south"]
    )
    assert change == {
        "status": "completed",
        "run_id": run["id"],
        "task_id": main_job.task["id"],
        "job_id": main_job.task["job_id"],
        "collaboration_id": world.collaboration,
        "node_id": world.nodes["south"]["id"],
        "organization_id": world.organizations["south"],
        "parent_id": None,
    }


def test_the_end_of_a_run_is_stored_before_it_is_announced(world: World, main_job: Job) -> None:
    runs = [run["id"] for run in runs_of(world.researcher, main_job.task)]
    seen = [world.researcher.await_event("looked up", run_id=run)[0] for run in runs]
    assert seen == [{"run_id": run, "status": "completed"} for run in runs]


def test_the_researcher_hears_a_status_update_for_every_run(world: World, main_job: Job) -> None:
    for run in runs_of(world.researcher, main_job.task):
        assert world.researcher.await_event("status_update", run_id=run["id"])[0] == {"run_id": run["id"]}


def test_the_researcher_hears_the_log_lines_of_every_run(world: World, main_job: Job) -> None:
    heard = world.researcher.await_event("algorithm_log", count=2 * len(PARTNERS), task_id=main_job.task["id"])
    assert sorted((line["run_id"], line["log"]) for line in heard) == sorted(
        (run["id"], line)
        for run in runs_of(world.researcher, main_job.task)
        for line in ("started partial_sum", "finished partial_sum")
    )


@pytest.mark.usefixtures("main_job")
def test_an_outsider_hears_only_of_its_own_collaboration(world: World) -> None:
    own = post_task(world.outsider, world.elsewhere, [world.organizations["island"]])
    world.outsider.await_event("new_task", id=own["id"])
    heard = [event for name in OF_TASKS for event in world.outsider.heard(name)]
    assert heard == [{"id": own["id"], "parent_id": None}]


def test_a_task_in_the_list_has_the_keys_of_the_contract(world: World, main_job: Job) -> None:
    tasks = world.researcher.call("task.list", job=main_job.task["job_id"])["data"]
    assert [set(task) for task in tasks] == [TASK_KEYS]


def test_a_run_in_the_list_has_the_keys_of_the_contract(world: World, main_job: Job) -> None:
    runs = ask(world, world.researcher, "run", task_id=main_job.task["id"]).json()["data"]
    assert [set(run) for run in runs] == [RUN_KEYS] * len(PARTNERS)


def test_a_result_in_the_list_has_the_keys_of_the_contract(world: World, main_job: Job) -> None:
    results = ask(world, world.researcher, "result", task_id=main_job.task["id"]).json()["data"]
    assert [set(result) for result in results] == [RESULT_KEYS] * len(PARTNERS)


def test_a_page_links_to_the_next_one(world: World, main_job: Job) -> None:
    path = f"/api/run?task_id={main_job.task['id']}"
    answer = ask(world, world.researcher, "run", task_id=main_job.task["id"], page=1, per_page=1)
    assert answer.json()["links"] == {
        "first": f"{path}&page=1&per_page=1",
        "self": f"{path}&page=1&per_page=1",
        "next": f"{path}&page=2&per_page=1",
        "last": f"{path}&page=3&per_page=1",
    }


def test_the_number_of_all_items_is_in_a_header(world: World, main_job: Job) -> None:
    answer = ask(world, world.researcher, "run", task_id=main_job.task["id"], per_page=1)
    assert answer.headers["total-count"] == str(len(PARTNERS))


def test_a_central_algorithm_combines_what_its_subtask_returned(world: World, central_job: Job) -> None:
    south, east = world.organizations["south"], world.organizations["east"]
    result = central_job.results[0]
    assert (result["from"], result["sum"]) == (
        sorted([south, east]),
        sum(NUMBERS["south"]) + sum(NUMBERS["east"]),
    )


def test_a_container_sees_the_organizations_of_its_collaboration(world: World, central_job: Job) -> None:
    assert central_job.results[0]["members"] == sorted(world.partners())


def test_a_subtask_belongs_to_the_job_and_the_user_of_its_parent(world: World, central_job: Job) -> None:
    subtask = world.researcher.call("task.get", id_=central_job.results[0]["subtask"])
    parent = central_job.task
    assert (
        subtask["parent"]["id"],
        subtask["job_id"],
        subtask["init_user"],
        subtask["image"],
        subtask["databases"],
    ) == (
        parent["id"],
        parent["job_id"],
        parent["init_user"],
        parent["image"],
        parent["databases"],
    )


def test_a_subtask_is_initiated_by_the_organization_whose_node_made_it(world: World, central_job: Job) -> None:
    subtask = world.researcher.call("task.get", id_=central_job.results[0]["subtask"])
    assert subtask["init_org"]["id"] == world.organizations["north"]


@pytest.mark.parametrize("name", ["south", "east"])
def test_a_station_hears_whose_child_a_subtask_is(world: World, central_job: Job, name: str) -> None:
    subtask = central_job.results[0]["subtask"]
    assert world.stations[name].heard("new_task", id=subtask) == [{"id": subtask, "parent_id": central_job.task["id"]}]


@pytest.fixture(scope="module")
def failed_task(world: World) -> dict[str, Any]:
    """A task whose only run crashes, waited for until its end."""
    task = post_task(world.researcher, world.collaboration, [world.organizations["south"]], method="unknown")
    begin_waiting(world.researcher, task).result(60)
    return task


def test_a_crashed_run_ends_the_wait_of_the_researcher(world: World, failed_task: dict[str, Any]) -> None:
    task = world.researcher.call("task.get", id_=failed_task["id"])
    assert task["status"] == "crashed"


def test_a_crashed_run_shows_its_log(world: World, failed_task: dict[str, Any]) -> None:
    run = runs_of(world.researcher, failed_task)[0]
    assert run["log"].splitlines()[-1] == "crashed: KeyError('unknown')"


@pytest.fixture
def spare(world: World) -> Spare:
    """A collaboration of one organization with a node of its own, for tests that break things."""
    return world.make_spare()


@pytest.fixture
def station(world: World, spare: Spare) -> Iterator[Station]:
    """The logged-in station of the spare collaboration; not connected."""
    with Station(world.interpreter, world.url) as program:
        program.login(spare.node["api_key"], NUMBERS["north"])
        yield program


@pytest.fixture
def visitor(world: World) -> Iterator[Researcher]:
    """The researcher at another computer; not connected."""
    with Researcher(world.interpreter, world.url) as program:
        program.login(world.names["rosalind"], PASSWORD)
        yield program


@dataclass(frozen=True)
class Visit:
    """What a user heard while a station came and left, and what was shown when it had left."""

    came: list[Any]
    went: list[Any]
    status: str
    expected: dict[str, Any]


@pytest.fixture(scope="module")
def visit(world: World) -> Visit:
    """A station that came and left."""
    spare = world.make_spare()
    with Researcher(world.interpreter, world.url) as visitor, Station(world.interpreter, world.url) as station:
        visitor.login(world.names["rosalind"], PASSWORD)
        visitor.listen()
        visitor.await_room(spare.collaboration)
        station.login(spare.node["api_key"], NUMBERS["north"])
        station.connect()
        came = visitor.await_event("node-online", id=spare.node["id"])
        station.ask("disconnect")
        went = visitor.await_event("node-offline", seconds=60, id=spare.node["id"])
    return Visit(
        came=came,
        went=went,
        status=world.root.call("node.get", id_=spare.node["id"])["status"],
        expected={"id": spare.node["id"], "name": spare.node["name"], "org_id": world.organizations["north"]},
    )


def spare_result(world: World, spare: Spare) -> list[dict[str, Any]]:
    """Post a task for the spare station and wait for what comes back."""
    task = post_task(world.researcher, spare.collaboration, [world.organizations["north"]])
    return results_of(begin_waiting(world.researcher, task))


def north_sum(world: World) -> list[dict[str, Any]]:
    return [{"organization": world.organizations["north"], "sum": 6.0, "count": 3}]


def test_a_connected_station_is_shown_online(world: World) -> None:
    nodes = world.researcher.call("node.list", collaboration=world.collaboration)["data"]
    assert {node["name"]: node["status"] for node in nodes} == {
        world.nodes[name]["name"]: "online" for name in PARTNERS
    }


def test_the_stations_are_spread_over_all_relays(shape: Shape, world: World) -> None:
    used = {world.stations[name].ask("cookies").get("SEXTANT_RELAY") for name in PARTNERS}
    assert len(used) == len(shape.processes.get("relay", [None]))


def test_a_station_shows_the_settings_that_it_shared(world: World) -> None:
    node = eventually(lambda: node_shown(world, "north"), lambda node: bool(node["config"]))
    assert {(item["key"], item["value"]) for item in node["config"]} == {
        ("encryption", "0"),
        ("allowed_algorithms", "all"),
        ("database_labels", "default"),
        ("db_type_default", "csv"),
        ("columns_default", "number"),
    }


def test_the_collaboration_hears_a_station_come(visit: Visit) -> None:
    assert visit.came == [visit.expected]


def test_the_collaboration_hears_a_station_go(visit: Visit) -> None:
    assert visit.went == [visit.expected]


def test_a_station_that_left_is_shown_offline(visit: Visit) -> None:
    assert visit.status == "offline"


def test_a_task_posted_while_the_station_is_away_is_done_when_it_returns(
    world: World, spare: Spare, station: Station
) -> None:
    task = post_task(world.researcher, spare.collaboration, [world.organizations["north"]])
    station.connect()
    assert results_of(begin_waiting(world.researcher, task)) == north_sum(world)


def test_a_station_that_only_polls_gets_its_task(world: World, spare: Spare, station: Station) -> None:
    assert station.connect(["polling"]) == "polling"
    station.await_event("sync")
    assert spare_result(world, spare) == north_sum(world)


def test_a_station_is_upgraded_to_a_websocket(station: Station) -> None:
    assert station.connect() == "websocket"


def test_a_station_may_start_with_a_websocket_at_once(world: World, spare: Spare, station: Station) -> None:
    assert station.connect(["websocket"]) == "websocket"
    station.await_event("sync")
    assert spare_result(world, spare) == north_sum(world)


def test_a_user_that_only_polls_hears_of_a_task(world: World, spare: Spare, visitor: Researcher) -> None:
    visitor.listen(["polling"])
    visitor.await_room(spare.collaboration)
    task = post_task(world.researcher, spare.collaboration, [world.organizations["north"]])
    assert visitor.await_event("new_task", id=task["id"]) == [{"id": task["id"], "parent_id": None}]


def test_a_station_that_lost_its_connection_comes_back_with_its_first_token(
    world: World, spare: Spare, station: Station
) -> None:
    station.connect()
    station.await_event("sync")
    station.ask("refresh")
    station.ask("drop")
    station.await_event("sync", count=2)
    assert spare_result(world, spare) == north_sum(world)


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_a_station_with_a_forged_token_is_told_and_logs_in_anew(
    world: World, spare: Spare, station: Station, transport: str
) -> None:
    station.connect([transport], forged=True)
    station.await_event("invalid_token")
    station.await_event("sync")
    assert spare_result(world, spare) == north_sum(world)


def test_a_wrong_api_key_is_refused_with_a_clear_error(world: World) -> None:
    answer = httpx2.post(
        f"{world.url}/api/token/node",
        json={"api_key": "00000000-0000-4000-8000-000000000000"},
        timeout=30,
    )
    assert (answer.status_code, set(answer.json()) >= {"msg", "code", "request_id"}) == (401, True)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A private key for each of two organizations."""
    folder = tmp_path_factory.mktemp("keys")
    made = {}
    for name in ("north", "south"):
        made[name] = folder / f"{name}.pem"
        made[name].write_bytes(
            rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
    return made


@pytest.fixture(scope="module")
def sealed_job(world: World, keys: dict[str, Path]) -> Job:
    """A task in an encrypted collaboration: both stations and the researcher have keys."""
    collaboration = world.root.call(
        "collaboration.create",
        name=f"sealed-{world.tag}",
        organizations=[world.organizations[name] for name in keys],
        encrypted=True,
    )["id"]
    with ExitStack() as programs:
        for name, key in keys.items():
            station = programs.enter_context(Station(world.interpreter, world.url))
            station.login(world.make_node(name, collaboration)["api_key"], NUMBERS[name], key)
            station.connect()
        author = programs.enter_context(Researcher(world.interpreter, world.url))
        author.login(world.names["rosalind"], PASSWORD)
        author.ask("setup_encryption", private_key=str(keys["north"]))
        task = post_task(author, collaboration, [world.organizations[name] for name in keys])
        return Job(task, results_of(begin_waiting(author, task)))


def test_results_of_an_encrypted_collaboration_can_be_read_by_their_researcher(world: World, sealed_job: Job) -> None:
    assert sorted((result["organization"], result["sum"]) for result in sealed_job.results) == sorted(
        (world.organizations[name], sum(NUMBERS[name])) for name in ("north", "south")
    )


def test_the_server_holds_an_encrypted_result_only_sealed(world: World, sealed_job: Job) -> None:
    results = ask(world, world.researcher, "result", task_id=sealed_job.task["id"]).json()["data"]
    assert [len(result["result"].split("$")) for result in results] == [3, 3]
