"""Lets many clients wait for the status of tasks at next to no cost.

Owns who waits for what, in this process. A change is heard on the bus and looked up once for all who wait for the same
task; nobody holds a database connection while waiting. All statuses that somebody waits for are looked up now and then
as well, in one statement, so a lost message or broker makes answers later, not wrong. Knows nothing of HTTP.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from sextant_api.tasks import repository
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.events import RunStatusChanged, TaskKilled
from sextant_shared.contract.messages import Envelope
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.db import Database

_log = structlog.get_logger(__name__)

BROADCAST_KEYS = (f"{RunStatusChanged.type}.*", f"{TaskKilled.type}.*")
"""What the watch has to hear."""

_AT_ONCE = 500
"""How many tasks are looked up in one statement."""


class Follower:
    """One client that waits for a task's status."""

    def __init__(self, *, hold_seconds: float, settle_seconds: float) -> None:
        self._hold_seconds = hold_seconds
        self._settle_seconds = settle_seconds
        self._told = asyncio.Event()
        self._status: RunStatus | None = None
        self._is_released = False

    def tell(self, status: RunStatus | None) -> None:
        """Say what the status is now; None if the task is gone."""
        self._status = status
        self._told.set()

    def release(self) -> None:
        """Let the client go with what it knows."""
        self._is_released = True
        self._told.set()

    async def until_worth_telling(self, first: RunStatus) -> RunStatus | None:
        """Wait until the task has ended, something else changed, or the time is up.

        A change that is not the end is told after a short pause only, since the end may be close behind; a client
        that is told of one at once would ask again, after a pause that grows each time.

        Args:
            first: the status that was read after the client began to follow.

        Returns:
            The status to tell; None if the task is gone.
        """
        clock = asyncio.get_running_loop()
        until = clock.time() + self._hold_seconds
        status: RunStatus | None = first
        while status is not None and not status.is_final and await self._heard(until):
            if self._status is not first and status is first:
                until = min(until, clock.time() + self._settle_seconds)
            status = self._status
        return status

    async def _heard(self, until: float) -> bool:
        """Wait for the next word; False when there is to be none."""
        try:
            async with asyncio.timeout_at(until):
                await self._told.wait()
        except TimeoutError:
            return False
        if self._is_released:
            return False
        self._told.clear()
        return True


class StatusWatch:
    """Everybody who waits, and the job that tells them.

    Args:
        db: to look statuses up.
        hold_seconds: how long a client waits at most.
        settle_seconds: how long a change that is not the end is kept back.
        recheck_seconds: how often everything is looked up without having been heard of.
    """

    def __init__(self, db: Database, *, hold_seconds: float, settle_seconds: float, recheck_seconds: float) -> None:
        self._db = db
        self._hold_seconds = hold_seconds
        self._settle_seconds = settle_seconds
        self._recheck_seconds = recheck_seconds
        self._followers: dict[int, set[Follower]] = {}
        self._changed: set[int] = set()
        self._woken = asyncio.Event()
        self._is_ending = False

    @contextmanager
    def follow(self, task_id: int) -> Iterator[Follower]:
        """Hear of a task's changes; begin before reading its status, so that no change falls in between."""
        follower = Follower(hold_seconds=self._hold_seconds, settle_seconds=self._settle_seconds)
        if self._is_ending:
            follower.release()
        self._followers.setdefault(task_id, set()).add(follower)
        try:
            yield follower
        finally:
            followers = self._followers[task_id]
            followers.discard(follower)
            if not followers:
                del self._followers[task_id]

    @property
    def waiting(self) -> int:
        """How many clients wait."""
        return sum(len(followers) for followers in self._followers.values())

    async def on_event(self, envelope: Envelope) -> None:
        """Look at a task soon that an event speaks of."""
        task_id = envelope.data["task_id"]
        if task_id in self._followers:
            self._changed.add(task_id)
            self._woken.set()

    async def on_gap(self) -> None:
        """Look at everything: events may have been missed."""
        self._changed.update(self._followers)
        self._woken.set()

    async def release(self) -> None:
        """Let everybody go, because the process is about to end."""
        self._is_ending = True
        for followers in self._followers.values():
            for follower in followers:
                follower.release()

    async def run(self) -> None:
        """Look up and tell until cancelled."""
        while True:
            try:
                async with asyncio.timeout(self._recheck_seconds):
                    await self._woken.wait()
            except TimeoutError:
                self._changed.update(self._followers)
            self._woken.clear()
            changed, self._changed = self._changed, set()
            try:
                await self._tell(sorted(changed))
            except UnavailableError as error:
                # everything is looked up again at the next round anyway
                _log.warning("status_watch_blind", reason=error.msg)

    async def _tell(self, task_ids: list[int]) -> None:
        for begin in range(0, len(task_ids), _AT_ONCE):
            some = task_ids[begin : begin + _AT_ONCE]
            async with self._db.read() as session:
                statuses = await repository.find_statuses(session, some)
            for task_id in some:
                for follower in self._followers.get(task_id, ()):
                    follower.tell(statuses.get(task_id))
