"""Tasks, runs and results as researchers see them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.official_client.fake_store import DIGEST
from tests.official_client.given import IMAGE

from .accounts import LONG_AGO, TOMORROW, YESTERDAY
from .filters import finds, ids, narrows, narrows_one, pages
from .registry import step

if TYPE_CHECKING:
    from tests.official_client.stage import Stage


@step
def a_researcher_makes_a_task_and_waits_for_its_results(stage: Stage) -> None:
    home = stage.home
    name = stage.name("task")
    made = home.researcher.task.create(
        organizations=list(home.organizations),
        name=name,
        image=IMAGE,
        description=f"about {name}",
        input_={"method": "partial_sum", "args": [], "kwargs": {"big": "x" * 100_000}},
        collaboration=home.collaboration,
        databases=[{"label": "default"}, {"label": "second"}],
    )
    assert (made["name"], made["status"]) == (name, "pending")
    assert [database["label"] for database in made["databases"]] == ["default", "second"]
    for node in home.nodes:
        stage.finish(node, made["id"], {"node": node.id}, home.organizations[0])
    answer = home.researcher.wait_for_results(task_id=made["id"], interval=0.1)
    assert sorted(json.loads(item["result"])["node"] for item in answer["data"]) == [node.id for node in home.nodes]


@step
def a_task_is_answered_by_single_fields_if_wanted(stage: Stage) -> None:
    home = stage.home
    for wanted in ({"field": "name"}, {"fields": ["name"]}):
        name = stage.name("task")
        made = home.researcher.task.create(
            [home.organizations[0]], name, IMAGE, "", {"method": "x"}, home.collaboration, **wanted
        )
        assert made == {"name": name}


@step
def tasks_are_found(stage: Stage) -> None:
    job, client = stage.job, stage.job.home.researcher
    home = job.home
    store = stage.linked_store()["id"]
    stage.store.records.setdefault("algorithm", {})[98] = {
        "id": 98,
        "name": "stored",
        "image": "registry.test/stored:1",
        "digest": DIGEST,
    }
    study = stage.root.study.create(stage.name("study"), list(home.organizations), home.collaboration)["id"]
    made = client.task.create(
        organizations=[home.organizations[0]],
        name=stage.name("task"),
        image="registry.test/stored:1",
        description="of a study, from a store",
        input_={"method": "x"},
        study=study,
        store=store,
        server_url=client.base_path,
        databases="special",
    )
    assert (made["study"]["id"], made["algorithm_store"]["id"]) == (study, store)
    assert made["image"] == f"registry.test/stored:1@{DIGEST}"
    run = ids(client.run.list(task=made["id"]))[0]
    elsewhere = stage.collaboration(home.organizations[0])
    finds(
        client.task.list,
        made["id"],
        {
            "initiating_org": home.organizations[1],
            "initiating_user": stage.root.user.list(username=stage.user(home.organizations[0]))["data"][0]["id"],
            "collaboration": elsewhere,
            "study": stage.root.study.create(stage.name("study"), [home.organizations[0]], home.collaboration)["id"],
            "store": stage.linked_store()["id"],
            "image": IMAGE,
            "job": job.task["job_id"],
            "name": "nothing",
            "description": "nothing",
            "database": "default",
            "run": ids(client.run.list(task=job.done["id"]))[0],
            "status": "completed",
            "user_created": False,
        },
        initiating_org=home.organizations[0],
        initiating_user=client.whoami.id_,
        collaboration=home.collaboration,
        study=study,
        store=store,
        image=made["image"],
        job=made["job_id"],
        name=made["name"],
        description="of a study, from a store",
        database="special",
        run=run,
        status="pending",
        user_created=True,
    )
    assert ids(client.task.list(parent=job.task["id"])) == [job.subtask["id"]]
    pages(client.task.list)
    narrows(client.task.list, "name", made["name"])
    (shown,) = client.task.list(job=job.done["job_id"], include_results=True)["data"]
    assert ids(shown["results"]) == ids(client.run.list(task=job.done["id"]))


@step
def a_task_is_shown_with_its_results(stage: Stage) -> None:
    job, client = stage.job, stage.job.home.researcher
    task = client.task.get(id_=job.done["id"], include_results=True)
    assert task["status"] == "completed"
    assert [item["id"] for item in task["results"]] == ids(client.run.list(task=job.done["id"]))
    narrows_one(lambda **kwargs: client.task.get(job.done["id"], **kwargs), "name", job.done["name"])


@step
def a_task_is_killed_and_deleted(stage: Stage) -> None:
    home = stage.home
    task = stage.task(home, [home.organizations[0]], {"method": "x"})
    stage.root.task.kill(id_=task["id"])
    assert home.researcher.task.get(task["id"])["status"] == "killed by user"
    assert [run["status"] for run in home.researcher.run.list(task=task["id"])["data"]] == ["killed by user"]
    stage.root.task.delete(id_=task["id"])
    with stage.refused(404):
        assert "msg" in home.researcher.task.get(task["id"])


@step
def runs_are_found(stage: Stage) -> None:
    job, client = stage.job, stage.job.home.researcher
    home = job.home
    (run,) = client.run.from_task(task_id=job.done["id"])["data"]
    before, now = (LONG_AGO, LONG_AGO), (YESTERDAY, TOMORROW)
    open_task = stage.task(home, [home.organizations[0]], {"method": "open"})
    finds(
        client.run.list,
        run["id"],
        {
            "task": job.subtask["id"],
            "organization": home.organizations[1],
            "state": "open",
            "node": home.nodes[1].id,
            "started": before,
            "assigned": before,
            "finished": before,
            "port": 50_000,
        },
        task=job.done["id"],
        organization=home.organizations[0],
        node=home.nodes[0].id,
        started=now,
        assigned=now,
        finished=now,
    )
    assert ids(client.run.list(task=open_task["id"], state="open")) != []
    assert ids(client.run.list(state="open", task=job.done["id"])) == []
    assert ids(client.run.list(port=50_000)) == []
    pages(client.run.list)
    narrows(client.run.list, "status", "completed")
    (shown,) = client.run.list(task=job.done["id"], include_task=True)["data"]
    assert (shown["task"]["name"], shown["log"]) == (job.done["name"], "done")
    assert json.loads(shown["input"])["method"] == "sum"


@step
def a_run_is_shown_with_its_task(stage: Stage) -> None:
    job, client = stage.job, stage.job.home.researcher
    (run,) = client.run.from_task(job.done["id"])["data"]
    shown = client.run.get(id_=run["id"], include_task=True, decrypt_input=True)
    assert shown["task"]["id"] == job.done["id"]
    assert json.loads(shown["input"])["kwargs"] == {"rounds": 1}
    assert client.run.get(run["id"], decrypt_input=False)["input"] != shown["input"]
    narrows_one(lambda **kwargs: client.run.get(run["id"], **kwargs), "status", "completed")


@step
def the_runs_of_a_task_are_shown(stage: Stage) -> None:
    job, client = stage.job, stage.job.home.researcher
    (run,) = client.run.from_task(task_id=job.done["id"], include_task=True)["data"]
    assert run["task"]["id"] == job.done["id"]
    narrows(lambda **kwargs: client.run.from_task(job.done["id"], **kwargs), "status", "completed")


@step
def a_researcher_reads_results(stage: Stage) -> None:
    job, client = stage.job, stage.job.home.researcher
    (item,) = client.result.from_task(task_id=job.done["id"])["data"]
    assert json.loads(item["result"]) == job.result
    assert json.loads(client.result.get(id_=item["id"])) == job.result
