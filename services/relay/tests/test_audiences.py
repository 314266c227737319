"""Who hears what: one collaboration with all kinds of listeners, and one beside it."""

from dataclasses import dataclass
from typing import Any

import pytest

from services.relay.tests.kit import Ear, Relay, Stage
from sextant_shared.contract.events import (
    KilledRun,
    NodeOffline,
    NodeOnline,
    NodeTasksKilled,
    RunLogAppended,
    RunStatusChanged,
    TaskCreated,
    TaskKilled,
)
from sextant_shared.contract.messages import Content
from sextant_shared.contract.statuses import RunStatus

HOME, ELSEWHERE = 3, 5
HEARD_BY: dict[str, tuple[int, ...]] = {
    "root": (HOME, ELSEWHERE),
    "stranger": (ELSEWHERE,),
    "outsider": (ELSEWHERE,),
    "mute": (),
}
EVERYONE = {"north", "south", "partner", "own", "root", "mute", "stranger", "outsider"}


@dataclass
class Listeners:
    """Those who listen.

    In `HOME` (organizations 1 and 2): nodes `north` (of 1) and `south` (of 2), users `partner` (of 2, hears the
    collaboration), `own` (of 1, hears its organization's part), `mute` (of 1, hears nothing) and `root` (hears all).
    In `ELSEWHERE` (organization 9): node `stranger`, user `outsider`.
    """

    stage: Stage
    ears: dict[str, Ear]

    async def hear(self, content: Content, event: str) -> dict[str, list[Any]]:
        """Publish, and tell who heard what of an event; a later event to everybody marks the end of waiting."""
        await self.stage.publish(content, *(mark(each) for each in (HOME, ELSEWHERE)))
        for name, ear in self.ears.items():
            for collaboration_id in HEARD_BY.get(name, (HOME,)):
                await ear.until_payload("status_update", {"run_id": 900 + collaboration_id})
        await self.ears["mute"].settle()
        heard = {name: ear.of(event) for name, ear in self.ears.items()}
        return {name: payloads for name, payloads in heard.items() if payloads}


def mark(collaboration_id: int) -> RunStatusChanged:
    """Something that everybody who hears of the collaboration hears."""
    return run_status(
        run_id=900 + collaboration_id,
        collaboration_id=collaboration_id,
        organization_id=1 if collaboration_id == HOME else 9,
        announce=False,
    )


def run_status(**changes: Any) -> RunStatusChanged:
    return RunStatusChanged(
        **{
            "run_id": 50,
            "task_id": 40,
            "job_id": 30,
            "parent_id": None,
            "collaboration_id": HOME,
            "organization_id": 2,
            "node_id": 102,
            "status": RunStatus.ACTIVE,
            **changes,
        }
    )


@pytest.fixture
async def listeners(stage: Stage, relay: Relay) -> Listeners:
    auth = stage.auth
    principals = {
        "north": stage.node(101, organization_id=1, collaboration_id=HOME),
        "south": stage.node(102, organization_id=2, collaboration_id=HOME),
        "stranger": stage.node(109, organization_id=9, collaboration_id=ELSEWHERE),
        "partner": auth.add_user(organization_id=2, rules=["event:COLLABORATION:RECEIVE"]),
        "own": auth.add_user(organization_id=1, rules=["event:ORGANIZATION:RECEIVE"]),
        "mute": auth.add_user(organization_id=1, rules=["task:GLOBAL:VIEW"]),
        "root": auth.add_user(organization_id=7, role="Root"),
        "outsider": auth.add_user(organization_id=9, role="Researcher"),
    }
    ears = {name: await relay.ear().connect(auth.token(each)) for name, each in principals.items()}
    for name in ("north", "south", "stranger"):
        await ears[name].until("sync")
    for name in ("partner", "own", "outsider"):
        await ears[name].until("message")
    await relay.until_identified(len(ears))
    assert ears.keys() == EVERYONE
    return Listeners(stage, ears)


async def test_a_task_is_heard_by_the_addressed_nodes_and_by_watchers_once_each(listeners: Listeners) -> None:
    task = TaskCreated(task_id=40, parent_id=8, job_id=30, collaboration_id=HOME, organization_ids=[1])
    assert await listeners.hear(task, "new_task") == {
        name: [{"id": 40, "parent_id": 8}] for name in ("north", "partner", "own", "root")
    }


async def test_a_task_for_others_is_not_heard_by_users_who_hear_only_their_own_organization(
    listeners: Listeners,
) -> None:
    task = TaskCreated(task_id=40, parent_id=None, job_id=30, collaboration_id=HOME, organization_ids=[2])
    assert (await listeners.hear(task, "new_task")).keys() == {"south", "partner", "root"}


async def test_a_status_is_heard_by_the_collaboration_once_each(listeners: Listeners) -> None:
    heard = await listeners.hear(run_status(), "algorithm_status_change")
    expected = {
        "status": "active", "run_id": 50, "task_id": 40, "job_id": 30, "collaboration_id": HOME, "node_id": 102,
        "organization_id": 2, "parent_id": None,
    }  # fmt: skip
    assert heard == {name: [expected] for name in ("north", "south", "partner", "root")}


async def test_the_status_of_an_organizations_own_run_is_heard_by_its_users(listeners: Listeners) -> None:
    heard = await listeners.hear(run_status(organization_id=1, node_id=101), "algorithm_status_change")
    assert heard.keys() == {"north", "south", "partner", "own", "root"}


async def test_a_log_line_is_heard_by_users_alone(listeners: Listeners) -> None:
    line = RunLogAppended(run_id=50, task_id=40, collaboration_id=HOME, organization_id=1, log="hello")
    assert await listeners.hear(line, "algorithm_log") == {
        name: [{"run_id": 50, "task_id": 40, "log": "hello"}] for name in ("partner", "own", "root")
    }


async def test_a_kill_is_heard_by_the_nodes_of_the_killed_runs_and_by_watchers(listeners: Listeners) -> None:
    kill = TaskKilled(task_id=40, collaboration_id=HOME, runs=[KilledRun(task_id=40, run_id=50, organization_id=2)])
    expected = {"kill_list": [{"task_id": 40, "run_id": 50, "organization_id": 2}], "collaboration_id": HOME}
    assert await listeners.hear(kill, "kill_containers") == {name: [expected] for name in ("south", "partner", "root")}


async def test_the_kill_of_all_at_a_node_is_heard_by_that_node_and_by_watchers(listeners: Listeners) -> None:
    kill = NodeTasksKilled(
        node_id=101, collaboration_id=HOME, runs=[KilledRun(task_id=40, run_id=50, organization_id=1)]
    )
    assert (await listeners.hear(kill, "kill_containers")).keys() == {"north", "partner", "own", "root"}


@pytest.mark.parametrize(("kind", "event"), [(NodeOnline, "node-online"), (NodeOffline, "node-offline")])
async def test_presence_is_heard_once_within_the_collaboration_and_not_by_the_node(
    listeners: Listeners, kind: type[NodeOnline | NodeOffline], event: str
) -> None:
    content = kind(node_id=101, name="north", organization_id=1, collaboration_id=HOME)
    assert await listeners.hear(content, event) == {
        name: [{"id": 101, "name": "north", "org_id": 1}] for name in ("south", "partner", "own", "root")
    }
