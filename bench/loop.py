"""Closed loops: so many clients, each of which begins anew as soon as it is done."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.cpu import CpuSeconds, machine_seconds
from bench.http_client import WrongAnswerError

Step = Callable[[], Awaitable[Sequence[float] | None]]
"""Does a client's work once.

Returns how long what it looks at took, in seconds; None where that is the work itself.
"""

_AFTER_ERROR_SECONDS = 0.05


class ExhaustedError(Exception):
    """There is no more work for a client."""


@dataclass
class Measurement:
    """What came of one cell.

    Attributes:
        requests: how often the work was done, begun in the warm-up or not.
        seconds: in which time.
        samples: how long it took, in seconds, unsorted; only of what was begun after the warm-up.
        errors: what went wrong, and how often.
        cpu: seconds of processor time that the parts of the suite took meanwhile.
        client_cpu: and those of the benchmark itself.
        other_cpu: and those of everybody else on the machine, if that can be told.
    """

    requests: int = 0
    seconds: float = 0.0
    samples: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    cpu: dict[str, float] = field(default_factory=dict)
    client_cpu: float = 0.0
    other_cpu: float | None = None

    def percentile(self, percent: float) -> float | None:
        """The value below which so many per cent of the samples lie, in seconds (nearest rank)."""
        if not self.samples:
            return None
        rank = max(0, -(-len(self.samples) * percent // 100) - 1)
        return sorted(self.samples)[int(rank)]


async def closed_loop(steps: Sequence[Step], *, warm_up: float, seconds: float, cpu: CpuSeconds) -> Measurement:
    """Keep one client busy with each step until the time is over."""
    measured = Measurement()
    begin = time.perf_counter() + warm_up
    end = begin + seconds

    async def client(step: Step) -> None:
        while (began := time.perf_counter()) < end:
            try:
                samples = await step()
            except ExhaustedError:
                return
            except (WrongAnswerError, OSError) as error:
                measured.errors[f"{type(error).__name__}: {error}"[:300]] += 1
                await asyncio.sleep(_AFTER_ERROR_SECONDS)
            else:
                ended = time.perf_counter()
                # what was under way when the time began costs processor time in it, so it counts
                if ended >= begin:
                    measured.requests += 1
                if began >= begin:
                    measured.samples.extend(samples or [ended - began])

    clients = [asyncio.create_task(client(step)) for step in steps]
    await asyncio.sleep(warm_up)
    async with _clocked(measured, cpu):
        await asyncio.gather(*clients)
    return measured


async def paced(step: Step, *, per_second: float, seconds: float, cpu: CpuSeconds) -> Measurement:
    """Begin the work at fixed times, whether the last is done or not."""
    measured = Measurement()
    began = time.perf_counter()

    async def once(number: int) -> None:
        await asyncio.sleep(began + number / per_second - time.perf_counter())
        try:
            samples = await step()
        except (WrongAnswerError, OSError) as error:
            measured.errors[f"{type(error).__name__}: {error}"[:300]] += 1
        else:
            measured.requests += 1
            measured.samples.extend(samples or ())

    async with _clocked(measured, cpu):
        await asyncio.gather(*(once(number) for number in range(max(1, round(seconds * per_second)))))
    return measured


@asynccontextmanager
async def _clocked(measured: Measurement, cpu: CpuSeconds) -> AsyncIterator[None]:
    """Note the time and the processor time that the block takes."""
    parts, everybody, own, began = cpu.now(), machine_seconds(), time.process_time(), time.perf_counter()
    yield
    measured.seconds = time.perf_counter() - began
    measured.client_cpu = time.process_time() - own
    measured.cpu = {part: max(0.0, total - parts.get(part, 0.0)) for part, total in cpu.now().items()}
    if everybody is not None and (now := machine_seconds()) is not None:
        measured.other_cpu = max(0.0, now - everybody - measured.client_cpu - sum(measured.cpu.values()))
