"""A part of the matrix, chosen once and for all by a hash, for suites that cannot be taken back."""

from collections.abc import Iterator
from hashlib import sha256

from . import judge
from .judge import Cell
from .rows import Row
from .world import World

_ONE_IN = 8


def cells_of(row: Row, world: World) -> Iterator[Cell]:
    """One in eight of the requests of whoever is on the server, but none that may change anything; and the first."""
    first = True
    for cell in judge.cells_of(row, world):
        if cell.writes or cell.actor.name not in world.tokens:
            continue
        if first or sha256(f"{row.call} {cell.name}".encode()).digest()[0] % _ONE_IN == 0:
            first = False
            yield cell
