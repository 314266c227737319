"""What a run says: a table for people, JSON for comparing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from bench.cpu import BACKING
from bench.loop import Measurement

_COMPARED_CLIENTS = 16
_CAPTION = (
    "services, others (database, broker, gateway), client: processor time for one request, ms; "
    "noise: processors busy with something else"
)
_INSTANCES = {"standalone": 0, "distributed": 1}


@dataclass(frozen=True)
class Cell:
    """One measurement and what it is of.

    Attributes:
        clients: how many at once; None for a paced one.
        nodes: in the database.
        original: requests a second of the original at 16 clients with one instance and with two.
    """

    shape: str
    job: str
    clients: int | None
    nodes: int
    measured: Measurement
    original: tuple[float, float] | None = None

    def as_json(self) -> dict[str, Any]:
        """The cell as it stands in the file."""
        measured = self.measured
        return {
            "shape": self.shape,
            "job": self.job,
            "clients": self.clients,
            "nodes": self.nodes,
            "requests": measured.requests,
            "seconds": round(measured.seconds, 3),
            "per_second": _rounded(self.per_second),
            "p50_ms": _ms(measured.percentile(50)),
            "p95_ms": _ms(measured.percentile(95)),
            "p99_ms": _ms(measured.percentile(99)),
            "max_ms": _ms(max(measured.samples, default=None)),
            "errors": measured.errors.total(),
            "error_texts": dict(measured.errors.most_common(5)),
            "cpu_ms_per_request": {part: self.cpu_ms(seconds) for part, seconds in sorted(measured.cpu.items())},
            "client_cpu_ms_per_request": self.cpu_ms(measured.client_cpu),
            "other_cpus": _rounded(self.other_cpus),
        }

    @property
    def per_second(self) -> float:
        """How often the work was done in a second."""
        return self.measured.requests / self.measured.seconds if self.measured.seconds else 0.0

    @property
    def times_original(self) -> float | None:
        """How many times the original's throughput, where both were measured with as many clients."""
        if self.original is None or self.clients != _COMPARED_CLIENTS:
            return None
        return self.per_second / self.original[_INSTANCES[self.shape]]

    @property
    def other_cpus(self) -> float | None:
        """How many processors were busy with something else."""
        if self.measured.other_cpu is None or not self.measured.seconds:
            return None
        return self.measured.other_cpu / self.measured.seconds

    def cpu_ms(self, seconds: float) -> float | None:
        """Processor time for one request."""
        return round(seconds * 1000 / self.measured.requests, 3) if self.measured.requests else None


def show(cells: Sequence[Cell], console: Console) -> None:
    """Print a table for each shape."""
    for shape in dict.fromkeys(cell.shape for cell in cells):
        table = Table(title=f"Sextant, {shape}", title_justify="left", caption=_CAPTION, caption_justify="left")
        table.add_column("work")
        for name in (
            "clients",
            "nodes",
            "req/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "errors",
            "x original",
            "services",
            "others",
            "client",
            "noise",
        ):
            table.add_column(name, justify="right")
        before = ""
        for cell in (cell for cell in cells if cell.shape == shape):
            if before not in ("", cell.job):
                table.add_section()
            table.add_row(cell.job if cell.job != before else "", *_row(cell))
            before = cell.job
        console.print(table)
    for cell in cells:
        for text, count in cell.measured.errors.most_common(3):
            console.print(
                f"{cell.shape}, {cell.job}, {cell.clients} clients: {count} x {text}", style="red", markup=False
            )


def write(cells: Sequence[Cell], path: Path, **facts: Any) -> None:
    """Write everything into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"format": 1, **facts, "cells": [cell.as_json() for cell in cells]}
    path.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def _row(cell: Cell) -> list[str]:
    measured = cell.measured
    times = cell.times_original
    return [
        "paced" if cell.clients is None else str(cell.clients),
        str(cell.nodes),
        f"{cell.per_second:,.1f}" if cell.per_second < 100 else f"{cell.per_second:,.0f}",  # noqa: PLR2004
        *(_shown(measured.percentile(percent)) for percent in (50, 95, 99)),
        f"[red]{measured.errors.total()}[/red]" if measured.errors else "0",
        "" if times is None else f"{times:,.1f}",
        *(
            f"{cell.cpu_ms(seconds):.2f}" if measured.requests else ""
            for seconds in (
                sum(seconds for part, seconds in measured.cpu.items() if part not in BACKING),
                sum(measured.cpu.get(part, 0.0) for part in BACKING),
                measured.client_cpu,
            )
        ),
        "" if cell.other_cpus is None else f"{cell.other_cpus:.1f}",
    ]


def _shown(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:,.1f}"


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 2)
