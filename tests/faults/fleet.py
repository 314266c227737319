"""Scripted nodes, and users who listen, all in one event loop.

A node does what the official one does, in its order (requests that no fault depends on are left out): on `sync` and
`new_task` it fetches its open runs page by page, queues those that it does not have yet, and carries them out one by
one. Owns nothing of the suite; writes everything down in the history.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp

from sextant_shared.contract import socket_events
from sextant_shared.contract.statuses import RunStatus
from tests.faults.channel import Channel
from tests.faults.history import Delivered, Executed, History
from tests.faults.rest import LoginRefusedError, Rest

POLL_SECONDS: Final = 0.1
_OK: Final = 200


@dataclass(frozen=True)
class Identity:
    """A node as the suite knows it."""

    id: int
    organization: int
    collaboration: int
    api_key: str


class Station:
    """One node.

    Args:
        identity: who it is.
        session: carries its requests and its socket.
        url: of the suite.
        socket_url: where its socket goes, if not there.
        history: is told everything.

    Attributes:
        may_end: whether algorithms that run may come to an end.
    """

    def __init__(
        self,
        identity: Identity,
        session: aiohttp.ClientSession,
        url: str,
        history: History,
        *,
        socket_url: str | None = None,
    ) -> None:
        self.identity = identity
        self.name = f"node {identity.id}"
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.rest = Rest(session, url, self.name, ("/api/token/node", {"api_key": identity.api_key}), history)
        self.channel = Channel(self.name, session, socket_url or url, rest=self.rest, history=history, hear=self._hear)
        self._history = history
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._at_hand: set[int] = set()
        self._killed: set[int] = set()
        self._jobs: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Be a node until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.channel.run())
                group.create_task(self._work())
        finally:
            for job in self._jobs:
                job.cancel()
            await asyncio.gather(*self._jobs, return_exceptions=True)

    def is_busy(self) -> bool:
        """Whether it has runs in hand, or is looking for some."""
        return bool(self._at_hand or self._jobs)

    def _hear(self, event: str, payload: Any) -> None:
        match event:
            case socket_events.SYNC:
                self._start(self._look(""))
                self._start(self.channel.say(socket_events.NODE_INFO_UPDATE, {"encryption": False}))
            case socket_events.NEW_TASK:
                self._start(self._look(f"&task_id={payload['id']}"))
            case socket_events.KILL_CONTAINERS:
                mine = [
                    killed["run_id"]
                    for killed in payload["kill_list"]
                    if killed["organization_id"] == self.identity.organization
                ]
                self._killed.update(mine)

    def _start(self, job: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _look(self, narrowed: str) -> None:
        path = f"/api/run?state=open&include=task&node_id={self.identity.id}{narrowed}"
        try:
            runs = await self.rest.pages(path)
        except LoginRefusedError:
            return
        for run in runs:
            if run["id"] not in self._at_hand:
                self._at_hand.add(run["id"])
                self._queue.put_nowait(run)

    async def _work(self) -> None:
        while True:
            run = await self._queue.get()
            try:
                await self._execute(run["id"], run["task"])
            except LoginRefusedError:
                return
            finally:
                self._at_hand.discard(run["id"])

    async def _execute(self, run_id: int, task: dict[str, Any]) -> None:
        if run_id in self._killed:
            return
        await self._patch(run_id, started_at=_now())
        granted = await self.rest.ask("POST", "/api/token/container", {"task_id": task["id"], "image": task["image"]})
        if granted.status != _OK:
            return  # the run has ended meanwhile
        self._history.note(Executed(self.identity.id, run_id, task["id"]))
        await self._patch(run_id, status=RunStatus.ACTIVE)
        await self._announce(run_id, task, RunStatus.ACTIVE)
        await self.rest.ask("DELETE", f"/api/port?run_id={run_id}")
        await self.may_end.wait()
        status = RunStatus.KILLED if run_id in self._killed else RunStatus.COMPLETED
        await self.channel.say(
            socket_events.ALGORITHM_LOG, {"run_id": run_id, "task_id": task["id"], "log": f"run {run_id} is done"}
        )
        await self._announce(run_id, task, status)
        result = base64.b64encode(f"{self.name} did run {run_id}".encode()).decode()
        answer = await self._patch(run_id, status=status, result=result, log="done", finished_at=_now())
        if answer == _OK and status is RunStatus.COMPLETED:
            self._history.note(Delivered(self.identity.id, run_id, result))

    async def _patch(self, run_id: int, **change: Any) -> int:
        return (await self.rest.ask("PATCH", f"/api/run/{run_id}", change)).status

    async def _announce(self, run_id: int, task: dict[str, Any], status: RunStatus) -> None:
        await self.channel.say(
            socket_events.ALGORITHM_STATUS_CHANGE,
            {
                "node_id": self.identity.id,
                "status": status,
                "run_id": run_id,
                "task_id": task["id"],
                "collaboration_id": self.identity.collaboration,
                "organization_id": self.identity.organization,
                "parent_id": None,
            },
        )


class Watcher:
    """A user's socket.

    Args:
        name: of its listener in the history.
        rest: the user.
        session: carries its socket.
        url: of the suite.
        history: is told what it hears.
    """

    def __init__(self, name: str, rest: Rest, session: aiohttp.ClientSession, url: str, history: History) -> None:
        self.name = name
        self.rest = rest
        self.channel = Channel(name, session, url, rest=rest, history=history)


class Fleet:
    """All who take part in one test, running."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._running: dict[Station | Watcher, asyncio.Task[None]] = {}

    def add(self, *members: Station | Watcher) -> None:
        """Let somebody take part."""
        for member in members:
            job = member.run() if isinstance(member, Station) else member.channel.run()
            self._running[member] = self._group.create_task(_until_cancelled(job))

    async def remove(self, member: Station | Watcher) -> None:
        """Let somebody vanish, as a killed process does."""
        member.channel.break_off()
        task = self._running.pop(member)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def is_taking_part(self, member: Station | Watcher) -> bool:
        """Whether somebody was not removed."""
        return member in self._running

    def are_connected(self, members: Iterable[Station | Watcher] | None = None) -> bool:
        """Whether all who take part, or some of them, have an open socket."""
        return all(member.channel.is_open for member in (self._running if members is None else members))

    async def leave(self) -> None:
        """Let all vanish."""
        for member in list(self._running):
            await self.remove(member)


@asynccontextmanager
async def fleet(*members: Station | Watcher) -> AsyncIterator[Fleet]:
    """Let them take part for a while; what goes wrong in one of them ends the test."""
    async with asyncio.TaskGroup() as group:
        made = Fleet(group)
        made.add(*members)
        yield made
        await made.leave()


async def until(
    condition: Callable[[], bool | Awaitable[bool]], within: float, what: str, *, history: History | None = None
) -> None:
    """Poll until a condition holds.

    Raises:
        AssertionError: it does not within so many seconds.
    """
    try:
        async with asyncio.timeout(within):
            while True:
                holds = condition()
                if not (holds if isinstance(holds, bool) else await holds):
                    await asyncio.sleep(POLL_SECONDS)
                else:
                    return
    except TimeoutError:
        told = "" if history is None else f"; the history ends:\n{history.tail()}"
        raise AssertionError(f"not within {within:g} s: {what}{told}") from None


def names(members: Collection[Station | Watcher]) -> frozenset[str]:
    """What they are called in the history."""
    return frozenset(member.name for member in members)


async def _until_cancelled(job: Coroutine[Any, Any, None]) -> None:
    try:
        await job
    except asyncio.CancelledError:
        return


def _now() -> str:
    return datetime.now(UTC).isoformat()
