"""Where tables are held against the server, from tests that are not asynchronous themselves."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest

from .judge import Cell, judged
from .world import World


@dataclass(frozen=True)
class Court:
    """A server with the scene on it.

    Attributes:
        runner: on whose loop it lives.
        world: what there is.
    """

    runner: asyncio.Runner
    world: World

    def hold(self, cells: Callable[[World], Iterable[Cell]]) -> None:
        """Make all the requests, and fail with everything that was not as the table says."""
        verdicts = self.runner.run(judged(cells(self.world), self.world))
        assert verdicts.count > 0
        if verdicts.wrong:
            head = f"{len(verdicts.wrong)} of {verdicts.count} are not as the table says:"
            pytest.fail("\n".join([head, *verdicts.wrong]), pytrace=False)
