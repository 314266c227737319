"""Tests of tasks and runs work in the world that `world.py` describes."""

import pytest

from services.api.tests.kit import Api
from services.api.tests.work.world import World


@pytest.fixture
async def world(api: Api) -> World:
    """Two organizations that work together, a node and users of each."""
    return await World.made(api)
