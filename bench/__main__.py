"""The program: what to measure stands on the command line; it fails when any request did."""

import argparse
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from rich.console import Console

from bench import machine, report
from bench.jobs import JOBS
from bench.plan import QUICK, Plan
from bench.run import SHAPES, measure
from sextant_shared.testing.backing import BackingServers, UnavailableError

_RESULTS = Path(__file__).parent / "results"


def main(arguments: Sequence[str] | None = None, *, servers: BackingServers | None = None) -> int:
    """Measure, print, write; 0 when nothing went wrong.

    Args:
        arguments: of the command line.
        servers: the database, broker and gateway to use; by default this run's own.
    """
    asked = _parser().parse_args(arguments)
    plan = _plan(asked)
    console, progress = Console(width=None if sys.stdout.isatty() else 160), Console(stderr=True)
    began = datetime.now(UTC)
    cells: list[report.Cell] = []

    async def run(servers: BackingServers) -> None:
        for name in plan.shapes:
            async for cell in measure(name, plan, servers, progress.print):
                cells.append(cell)  # noqa: PERF401 - what was measured is kept when the rest fails

    try:
        with nullcontext(servers) if servers else BackingServers() as those:
            uvloop.run(run(those))
    except UnavailableError as error:
        progress.print(str(error), style="red")
        return 1
    finally:
        if cells:
            path = asked.output or _RESULTS / f"{began:%Y%m%dT%H%M%SZ}.json"
            report.write(cells, path, began=began.isoformat(), machine=machine.facts(), plan=asdict(plan))
            report.show(cells, console)
            progress.print(f"written: {path}")
    return 1 if any(cell.measured.errors for cell in cells) or not cells else 0


def _plan(asked: argparse.Namespace) -> Plan:
    plan = QUICK if asked.quick else Plan()
    changes = {
        "shapes": asked.shapes,
        "jobs": asked.only,
        "clients": asked.clients,
        "seconds": asked.seconds,
        "tasks": asked.tasks,
        "nodes": asked.nodes,
    }
    plan = replace(plan, **{name: value for name, value in changes.items() if value is not None})
    return replace(plan, users=max(plan.users, *plan.clients))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only see that everything runs; the numbers mean nothing")
    parser.add_argument("--shapes", type=_one_of(SHAPES), help="e.g. standalone or standalone,distributed")
    parser.add_argument("--only", type=_one_of([job.name for job in JOBS]), help="names of jobs, joined by commas")
    parser.add_argument("--clients", type=_numbers, help="how many clients at once, e.g. 1,16,64")
    parser.add_argument("--nodes", type=_numbers, help="at how many nodes logins are measured, e.g. 1,10,100")
    parser.add_argument("--seconds", type=float, help="length of a cell")
    parser.add_argument("--tasks", type=int, help="tasks in the database")
    parser.add_argument("--output", type=Path, help="the JSON file; by default a new one in bench/results")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _one_of(known: Collection[str]) -> Callable[[str], tuple[str, ...]]:
    def parse(text: str) -> tuple[str, ...]:
        names = tuple(part.strip() for part in text.split(","))
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of: {', '.join(known)}")
        return names

    return parse


if __name__ == "__main__":
    sys.exit(main())
