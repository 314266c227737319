"""The stage of relay's tests, and a relay on it."""

from collections.abc import AsyncIterator

import pytest

from services.relay.tests.kit import Relay, Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def relay(stage: Stage) -> AsyncIterator[Relay]:
    async with stage.relay() as running:
        yield running
