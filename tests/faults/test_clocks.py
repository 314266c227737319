"""Clocks that are wrong, and tokens that have grown old."""

import pytest

from sextant_shared.contract.routing import API, AUTH, RELAY
from tests.faults.history import Heard, Refused
from tests.faults.suite import REPLICAS, BreakableSuite
from tests.faults.world import Scene

_SEVEN_HOURS = 7 * 3600
_UNAUTHORIZED = 401

_CASES = [(AUTH, 90), (AUTH, -90), (API, 90), (API, -90), (API, -3600), (RELAY, 90), (RELAY, -90), (RELAY, -3600)]

pytestmark = pytest.mark.long_form


async def test_f26_tokens_expire_while_sockets_live_and_then_the_network_fails(
    suite: BreakableSuite, stage: Scene
) -> None:
    """A node comes back with the token of its first connect: it is taken in, and not told that it expired."""
    for service, count in REPLICAS.items():
        for number in range(count):
            suite.shift_clock(service, number, _SEVEN_HOURS)
    mark = stage.history.mark()
    stage.injected("seven hours pass, and all connections are lost")
    for entry in suite.entries[RELAY]:
        entry.cut()
    await stage.until_online()
    await stage.post_many(2)
    await stage.conclude()
    told = {(each.listener, each.event) for each in stage.history.since(mark, Heard) if each.event.endswith("_token")}
    assert [each for each in told if each[0].startswith("node")] == []
    assert [stage.history.heard(station.name, "sync", since=mark) != [] for station in stage.stations] == [True] * 20


@pytest.mark.parametrize(("service", "seconds"), _CASES)
async def test_f28_the_clock_of_one_replica_is_wrong(
    suite: BreakableSuite, stage: Scene, service: str, seconds: int
) -> None:
    """Tokens are judged with leeway, leases use the database's clock, and nobody is logged out."""
    mark = stage.history.mark()
    suite.shift_clock(service, 0, seconds)
    stage.injected(f"the clock of {service} 0 is off by {seconds} s")
    for station in stage.stations[:6]:
        await stage.replace(station)
    await stage.until_online()
    for _ in range(4):
        await stage.researcher.log_in()
        await stage.post()
    await stage.conclude()
    assert [each for each in stage.history.since(mark, Refused) if each.status == _UNAUTHORIZED] == []
    assert [each for each in stage.history.since(mark, Heard) if each.event.endswith("_token")] == []
    assert stage.told_offline(mark) == []
