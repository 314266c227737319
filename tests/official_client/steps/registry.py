"""How a step is declared, and the list of all.

A step is a function that calls methods of the official clients and asserts what they return. Its name is a sentence.
This module is read by the tests too, so no step may import the official libraries.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from tests.official_client.stage import Stage

Suite = Literal["plain", "guarded"]
Play = Callable[["Stage"], None]

STEPS: dict[Suite, dict[str, Play]] = {"plain": {}, "guarded": {}}


def step(play: Play) -> Play:
    """Declare a step for a server with its default settings."""
    STEPS["plain"][play.__name__] = play
    return play


def guarded_step(play: Play) -> Play:
    """Declare a step for a server with two-factor login and an object store."""
    STEPS["guarded"][play.__name__] = play
    return play
