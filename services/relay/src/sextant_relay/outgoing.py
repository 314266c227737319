"""Commands on their way to api and auth: in order for each connection, kept while the broker is away, bounded.

Every connection has a lane of its own, so one that says a lot delays nobody else, and putting a command into a lane
never waits. When too much waits, log lines go first, the oldest before the others; a status report is never dropped.
A lane outlives its connection until it is empty.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from sextant_relay.telemetry import COMMANDS_SENT, COMMANDS_WAITING, LOG_LINES_DROPPED
from sextant_shared.clock import Clock
from sextant_shared.contract.commands import AppendRunLog, Command, ReportNodeInfo, ReportNodeMetrics
from sextant_shared.contract.errors import UnavailableError
from sextant_shared.contract.routing import RELAY
from sextant_shared.ids import new_id
from sextant_shared.messaging import COMMAND_QUEUES, Bus

_log = structlog.get_logger(__name__)

MAX_WAITING: Final = 1000
"""Commands in one lane before its log lines are dropped."""
MAX_LOG_CHARS: Final = 1_000_000
"""Characters of log lines in one lane before the oldest are dropped."""
MAX_UNDROPPABLE: Final = 2000
"""Commands in one lane before it takes no more of those that must not be dropped."""
_BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0)


class _Lane:
    """What one connection has said and its owner has not yet been told."""

    __slots__ = ("log_chars", "task", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Command] = deque()
        self.log_chars = 0
        self.task: asyncio.Task[None] | None = None


class Outgoing:
    """See the module.

    Args:
        bus: takes the commands.
        clock: says when they were given.
    """

    def __init__(self, bus: Bus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}

    def put(self, connection_id: str, command: Command) -> bool:
        """Send a command once those before it are sent.

        Returns:
            False if so much waits already that the connection had better be closed.
        """
        lane = self._lanes.get(connection_id)
        if lane is None:
            lane = self._lanes[connection_id] = _Lane()
        if not self._make_room(lane, command):
            return False
        lane.waiting.append(command)
        COMMANDS_WAITING.inc()
        if isinstance(command, AppendRunLog):
            lane.log_chars += len(command.log)
            self._drop_log_lines(lane)
        if lane.task is None:
            lane.task = asyncio.create_task(self._drive(connection_id, lane))
        return True

    def withdraw(self, connection_id: str, kind: type[Command]) -> bool:
        """Take back commands of a kind that still wait; tells whether there were any."""
        lane = self._lanes.get(connection_id)
        return lane is not None and self._remove_all(lane, lambda command: isinstance(command, kind))

    async def flushed(self) -> None:
        """Wait until everything is sent."""
        while tasks := [lane.task for lane in self._lanes.values() if lane.task is not None]:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Give up on what still waits."""
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _make_room(self, lane: _Lane, command: Command) -> bool:
        if isinstance(command, AppendRunLog):
            return True
        if isinstance(command, ReportNodeInfo | ReportNodeMetrics):
            # Only the newest counts.
            self._remove_all(lane, lambda older: type(older) is type(command))
        return len(lane.waiting) < MAX_UNDROPPABLE

    def _drop_log_lines(self, lane: _Lane) -> None:
        while len(lane.waiting) > MAX_WAITING or lane.log_chars > MAX_LOG_CHARS:
            oldest = next((at for at, each in enumerate(lane.waiting) if isinstance(each, AppendRunLog)), None)
            if oldest is None:
                return
            self._remove(lane, oldest)
            LOG_LINES_DROPPED.inc()

    def _remove_all(self, lane: _Lane, matching: Callable[[Command], bool]) -> bool:
        places = [at for at, each in enumerate(lane.waiting) if matching(each)]
        for at in reversed(places):
            self._remove(lane, at)
        return bool(places)

    def _remove(self, lane: _Lane, at: int) -> None:
        command = lane.waiting[at]
        del lane.waiting[at]
        self._count_out(lane, command)

    def _count_out(self, lane: _Lane, command: Command) -> None:
        COMMANDS_WAITING.dec()
        if isinstance(command, AppendRunLog):
            lane.log_chars -= len(command.log)

    async def _drive(self, connection_id: str, lane: _Lane) -> None:
        """Send what waits, one after the other, until nothing does."""
        try:
            while lane.waiting:
                command = lane.waiting.popleft()
                self._count_out(lane, command)
                try:
                    await self._send(connection_id, command)
                except Exception:  # noqa: BLE001 - whatever is wrong with this command concerns it alone
                    # A fault of ours; holding up all that follows would make it worse.
                    _log.exception("command_lost", type=command.type, connection=connection_id)
        finally:
            for command in lane.waiting:
                self._count_out(lane, command)
            del self._lanes[connection_id]

    async def _send(self, connection_id: str, command: Command) -> None:
        """Send one command, for as long as it takes; its id stays the same, so that a second copy is noticed."""
        envelope = command.enclosed(message_id=new_id(), source=RELAY, time=self._clock.now(), request_id=connection_id)
        failures = 0
        while True:
            try:
                await self._bus.send(COMMAND_QUEUES[command.owner], envelope)
            except UnavailableError as error:
                if failures == 0:
                    _log.warning("command_delayed", type=command.type, connection=connection_id, reason=error.msg)
                pause = _BACKOFF_SECONDS[min(failures, len(_BACKOFF_SECONDS) - 1)]
                failures += 1
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load, guards nothing
            else:
                COMMANDS_SENT.labels(command.type).inc()
                return
