"""Processor time of the suite's parts, read from /proc where there is one.

Every process of a run descends from this one; which part it is of, its program's name says.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")
_PARTS = {"postgres": "database", "beam.smp": "broker", "haproxy": "gateway"}
BACKING = frozenset(_PARTS.values())
"""The parts that are not ours."""

_TICKS = os.sysconf("SC_CLK_TCK")


class _Process(NamedTuple):
    pid: int
    parent: int
    program: str
    ticks: int


class CpuSeconds:
    """Reads how much processor time the parts have used.

    Args:
        services: names of services by process id; a descendant belongs to the nearest of them.
    """

    def __init__(self, services: Mapping[int, str]) -> None:
        self._services = services
        self._own = os.getpid()

    def now(self) -> dict[str, float]:
        """Seconds so far, by part; empty where it cannot be told."""
        processes = {process.pid: process for process in _processes()}
        seconds: dict[str, float] = defaultdict(float)
        for process in processes.values():
            part = self._part(process, processes)
            if part is not None:
                seconds[part] += process.ticks / _TICKS
        return dict(seconds)

    def _part(self, process: _Process, processes: Mapping[int, _Process]) -> str | None:
        """Name the part, if the process is of the suite at all."""
        part = _PARTS.get(process.program)
        ancestor: _Process | None = process
        while ancestor is not None:
            if ancestor.pid == self._own:
                return part
            part = part or self._services.get(ancestor.pid)
            ancestor = processes.get(ancestor.parent)
        return None


def machine_seconds() -> float | None:
    """Processor time that everybody on this machine has used so far; None where it cannot be told."""
    if not (_PROC / "stat").exists():
        return None
    user, nice, system, _idle, _waiting, *rest = (int(field) for field in (_PROC / "stat").read_text().split()[1:9])
    return (user + nice + system + sum(rest)) / _TICKS


def _processes() -> Iterator[_Process]:
    for folder in _PROC.glob("[0-9]*") if _PROC.is_dir() else ():
        try:
            # `pid (program) state parent ...`; the program's name may hold spaces and brackets
            before, _, after = (folder / "stat").read_text().rpartition(")")
        except OSError:  # it ended meanwhile
            continue
        fields = after.split()
        ticks = sum(int(field) for field in fields[11:15])
        yield _Process(int(folder.name), int(fields[1]), before.partition("(")[2], ticks)
