"""What an algorithm does with its own client, inside a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.official_client.given import IMAGE

from .filters import ids
from .registry import step

if TYPE_CHECKING:
    from tests.official_client.stage import Stage


@step
def an_algorithm_makes_a_subtask_and_gets_its_results(stage: Stage) -> None:
    home = stage.home
    task = stage.task(home, [home.organizations[0]], {"method": "central"}, databases=[{"label": "default"}])
    container = stage.container(home.nodes[0], task["id"])
    name = stage.name("sub")
    subtask = container.task.create(
        input_={"method": "partial"}, organizations=[home.organizations[1]], name=name, description=f"about {name}"
    )
    assert (subtask["name"], subtask["description"]) == (name, f"about {name}")
    assert subtask["parent"]["id"] == task["id"]
    assert [database["label"] for database in subtask["databases"]] == ["default"]
    stage.finish(home.nodes[1], subtask["id"], {"partial": 5}, home.organizations[0])
    assert container.wait_for_results(task_id=subtask["id"], interval=0.1) == [{"partial": 5}]
    shown = container.task.get(task_id=subtask["id"])
    assert (shown["id"], shown["status"], shown["image"]) == (subtask["id"], "completed", IMAGE)


@step
def an_algorithm_reads_the_runs_and_results_of_its_subtask(stage: Stage) -> None:
    job = stage.job
    container = job.container
    (run,) = container.run.from_task(task_id=job.subtask["id"])
    assert (run["status"], run["log"]) == ("completed", "done")
    assert container.run.get(id_=run["id"])["id"] == run["id"]
    assert container.result.from_task(task_id=job.subtask["id"]) == [job.partial]
    assert container.result.get(id_=run["id"]) == job.partial


@step
def an_algorithm_knows_its_collaboration(stage: Stage) -> None:
    home, container = stage.home, stage.job.container
    assert container.collaboration.get()["id"] == home.collaboration
    assert sorted(ids(container.organization.list())) == list(home.organizations)
    assert container.organization.get(id_=home.organizations[1])["id"] == home.organizations[1]
    study = stage.root.study.create(stage.name("study"), [home.organizations[0]], home.collaboration)
    assert study["id"] in ids(container.study.list())
    assert container.study.get(id_=study["id"])["name"] == study["name"]


@step
def an_algorithm_finds_no_other_containers_without_a_vpn(stage: Stage) -> None:
    vpn = stage.job.container.vpn
    for flag in ("only_children", "only_parent", "only_siblings", "only_self", "include_children", "include_parent"):
        assert vpn.get_addresses(**{flag: True}) == []
    assert vpn.get_addresses(label="p8888") == []
    assert vpn.get_parent_address() == []
    assert vpn.get_child_addresses() == []
    assert vpn.get_sibling_addresses() == []
    assert vpn.get_own_address() == []
