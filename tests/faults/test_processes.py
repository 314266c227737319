"""Processes that die: kill -9 of one replica, of all replicas, of the gateway."""

import asyncio

from sextant_shared.contract.routing import API, RELAY
from tests.faults.suite import GATEWAY, BreakableSuite
from tests.faults.world import Scene


async def test_f05_all_relays_are_killed(suite: BreakableSuite, stage: Scene) -> None:
    """REST is unaffected; after the restart everything heals."""
    await stage.post_many(2)
    await suite.kill_all(RELAY)
    await stage.post_many(3)
    for number in range(2):
        await suite.start_again(RELAY, number)
    await stage.conclude()
