"""Replays whole cases on one server, each from the state in which the recordings found it.

Owns the states of the world: the objects of the suites `lists` and `matrix`, and with those of `calls` beside them.
A case may add its own; after it, and after every request that changed something where requests stand for themselves,
all is taken back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from . import deviations, disposables, flows, observations, recording
from .recording import Cell
from .replay import changes, perform
from .sockets import Stage, play
from .symbols import Symbols
from .world import World, build

_Result = TypeVar("_Result")
Step = Callable[[World], Awaitable[None]]

_MAIN = "main"
_FLOWS = "flows"
_CASE = "case"
_OF_FLOWS = ("calls", "twofa")


@dataclass(frozen=True)
class Outcome:
    """How a cell went.

    Attributes:
        cell: what was asked.
        problems: in what the answer was not right; empty if it was.
        deviation: the rule by which it was judged, if not by the recording.
        left_out: why it could not be compared, if so.
    """

    cell: Cell
    problems: Sequence[str] = ()
    deviation: str | None = None
    left_out: str | None = None


class Session:
    """One server and its world.

    Args:
        runner: on whose loop the server lives.
        world: on an empty server.
        steps: make the world of the suites `lists` and `matrix`, or another one.
    """

    def __init__(
        self,
        runner: asyncio.Runner,
        world: World,
        *,
        steps: Sequence[Step] = (build,),
    ) -> None:
        self._runner = runner
        self.world = world
        self._steps = steps
        self._symbols: dict[str, Symbols] = {}
        self._state = ""
        self._stages: dict[str, Stage] = {}

    def build(self) -> None:
        """Make the world.

        Raises:
            WorldError: the server refuses what it must not refuse.
        """
        self._run(self._build())

    def replay(self, suite: str, case: str) -> list[Outcome]:
        """Make all requests of a case."""
        return self._run(self._replay(suite, case))

    def play(self, transport: str) -> Stage:
        """Let everything of the suite `sockets` happen, once for each transport."""
        if transport not in self._stages:
            self._stages[transport] = self._run(self._play(transport))
        return self._stages[transport]

    async def _play(self, transport: str) -> Stage:
        await self._enter(_MAIN)
        self.world.symbols = self._symbols[_MAIN].copy()
        kept = self.world.belongings()
        try:
            async with self.world.server.sockets() as url:
                return await play(self.world, url, transport)
        finally:
            self.world.symbols = self._symbols[_MAIN]
            self.world.take_back(kept)
            await self.world.server.take_back(_MAIN)

    def _run(self, work: Awaitable[_Result]) -> _Result:
        async def whole() -> _Result:
            return await work

        return self._runner.run(whole())

    async def _build(self) -> None:
        for step in self._steps:
            await step(self.world)
        await self.world.server.keep(_MAIN)
        self._symbols[_MAIN] = self.world.symbols
        self._state = _MAIN

    async def _replay(self, suite: str, case: str) -> list[Outcome]:
        state = _FLOWS if suite == "calls" else _MAIN
        await self._enter(state)
        flow = flows.flow_of(case) if suite in _OF_FLOWS else flows.Flow()
        cells = flows.in_order(recording.cases(suite)[case], flow)
        self.world.symbols = self._symbols[state].copy()
        kept = self.world.belongings()
        self.world.outside.forget()
        changed = False
        if flow.prepare is not None or disposables.prepares(self.world, cells):
            changed = True
            await disposables.prepare(self.world, cells)
            if flow.prepare is not None:
                await flow.prepare(self.world)
            if not flow.order:
                await self.world.server.keep(_CASE)
                state, changed = _CASE, False
        await self.world.server.settle()
        self.world.outside.forget()
        outcomes = []
        for cell in cells:
            if changed and not flow.order:
                await self.world.server.take_back(state)
                changed = False
            outcome, touched = await self._try(cell)
            changed = changed or touched
            outcomes.append(outcome)
        self.world.symbols = self._symbols[self._state]
        self.world.take_back(kept)
        if changed or state == _CASE:
            await self.world.server.take_back(self._state)
        return outcomes

    async def _enter(self, state: str) -> None:
        if state == self._state:
            return
        if state not in self._symbols:
            self._symbols[state] = self.world.symbols = self._symbols[_MAIN].copy()
            await flows.build(self.world)
            await self.world.server.keep(state)
        else:
            await self.world.server.take_back(state)
        self.world.symbols = self._symbols[state]
        self._state = state

    async def _try(self, cell: Cell) -> tuple[Outcome, bool]:
        """Make one request; also tells whether it may have changed something."""
        left_out = observations.left_out(cell, self.world)
        if left_out is not None:
            return Outcome(cell, left_out=left_out), False
        try:
            prepared = await disposables.before(self.world, cell)
            if "observe" in cell.request:
                return Outcome(cell, await observations.observe(cell, self.world)), prepared
            answer = await perform(self.world, cell)
        except KeyError as error:
            return Outcome(cell, [f"the world has no {error}: {self.world.missing.get(error.args[0], '')}"]), False
        flows.told(cell, self.world, answer, answer.made)
        deviation = deviations.deviation_of(cell)
        rule = deviation.rule if deviation is not None else None
        return Outcome(cell, deviations.judge(cell, answer), rule), prepared or changes(cell, answer)
