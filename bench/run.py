"""One shape after the other: bring it up, make the world, measure."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from bench.cpu import CpuSeconds
from bench.http_client import WrongAnswerError
from bench.jobs import HEAR_TASK, JOBS, NODE_LOGIN, Job
from bench.loop import closed_loop, paced
from bench.plan import Plan
from bench.report import Cell
from bench.world import World
from sextant_shared.testing.backing import BackingServers
from tests.shapes import Shape, distributed_shape, standalone_shape

SHAPES: Final[dict[str, Callable[[BackingServers], AbstractContextManager[Shape]]]] = {
    "standalone": standalone_shape,
    "distributed": distributed_shape,
}


@dataclass(frozen=True)
class Run:
    """A run over one shape.

    Attributes:
        tell: says what is going on.
    """

    shape: Shape
    plan: Plan
    tell: Callable[[str], None]

    async def cells(self) -> AsyncIterator[Cell]:
        """Measure everything that is asked for, cell by cell."""
        world = World(self.shape.url, self.plan)
        self.tell("making organizations and users")
        await world.settle(self.shape.root_password)
        for nodes in self.plan.nodes:
            self.tell(f"making nodes, {nodes} in all")
            await world.grow_nodes(nodes)
            if self._asked(NODE_LOGIN):
                async for cell in self._of(NODE_LOGIN, world):
                    yield cell
        await world.grow_nodes(self.plan.organizations)
        self.tell(f"making {self.plan.tasks} tasks")
        await world.grow_tasks(self.plan.tasks)
        for job in JOBS:
            if job is not NODE_LOGIN and self._asked(job):
                async for cell in self._of(job, world):
                    yield cell
        if self._asked(HEAR_TASK):
            yield await self._paced(world)

    def _asked(self, job: Job) -> bool:
        return not self.plan.jobs or job.name in self.plan.jobs

    async def _of(self, job: Job, world: World) -> AsyncIterator[Cell]:
        for clients in self.plan.clients:
            self.tell(f"{job.name}, {clients} clients")
            async with job.steps(world, clients) as steps:
                measured = await closed_loop(
                    steps, warm_up=self.plan.warm_up_seconds, seconds=self.plan.seconds, cpu=self._cpu()
                )
            yield Cell(self.shape.name, job.name, clients, len(world.nodes), measured, job.original)

    async def _paced(self, world: World) -> Cell:
        rate = self.plan.paced_tasks_per_second
        self.tell(f"{HEAR_TASK.name}, {rate:g} tasks a second")
        async with HEAR_TASK.steps(world, max(2, round(rate * 2))) as steps:
            idle = deque(steps)
            for step in steps:
                await step()

            async def next_task() -> Sequence[float] | None:
                if not idle:
                    raise WrongAnswerError("The suite does not keep up with the pace")
                step = idle.popleft()
                try:
                    return await step()
                finally:
                    idle.append(step)

            measured = await paced(next_task, per_second=rate, seconds=self.plan.seconds, cpu=self._cpu())
        return Cell(self.shape.name, HEAR_TASK.name, None, len(world.nodes), measured)

    def _cpu(self) -> CpuSeconds:
        return CpuSeconds(
            {process.pid: service for service, processes in self.shape.processes.items() for process in processes}
        )


async def measure(name: str, plan: Plan, servers: BackingServers, tell: Callable[[str], None]) -> AsyncIterator[Cell]:
    """Bring a shape up and measure it.

    Raises:
        RuntimeError: the shape is not on this machine's loopback.
    """
    tell(f"starting the {name} shape")
    with SHAPES[name](servers) as shape:
        if urlsplit(shape.url).hostname not in ("127.0.0.1", "localhost", "::1"):
            raise RuntimeError("Only a suite on the loopback is measured")
        async for cell in Run(shape, replace(plan), tell).cells():
            yield cell
