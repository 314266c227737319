"""A relay without a broker sends its sockets away, once for each loss, and not for a moment's loss."""

import pytest

from services.relay.tests.kit import Stage, eventually
from sextant_relay.isolation import Isolation
from sextant_shared.contract.errors import UnavailableError


class Broker:
    """A broker that can be lost, and a clock."""

    def __init__(self) -> None:
        self.lost = False
        self.now = 100.0
        self.sent_away = 0

    async def ping(self) -> None:
        if self.lost:
            raise UnavailableError("lost")

    async def send_away(self) -> None:
        self.sent_away += 1

    async def pass_seconds(self, isolation: Isolation, seconds: int) -> None:
        for _ in range(seconds):
            self.now += 1
            await isolation.check()


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def isolation(broker: Broker) -> Isolation:
    return Isolation(broker.ping, patience_seconds=10, send_away=broker.send_away, monotonic=lambda: broker.now)


async def test_a_broker_that_is_there_moves_nobody(broker: Broker, isolation: Isolation) -> None:
    await broker.pass_seconds(isolation, 60)
    assert broker.sent_away == 0


async def test_a_loss_is_borne_for_a_while(broker: Broker, isolation: Isolation) -> None:
    broker.lost = True
    await broker.pass_seconds(isolation, 10)
    assert broker.sent_away == 0
    await broker.pass_seconds(isolation, 1)
    assert broker.sent_away == 1


async def test_sockets_that_come_back_during_a_loss_may_stay(broker: Broker, isolation: Isolation) -> None:
    broker.lost = True
    await broker.pass_seconds(isolation, 600)
    assert broker.sent_away == 1


async def test_the_next_loss_counts_anew(broker: Broker, isolation: Isolation) -> None:
    for _ in range(2):
        broker.lost = True
        await broker.pass_seconds(isolation, 15)
        broker.lost = False
        await broker.pass_seconds(isolation, 1)
    assert broker.sent_away == 2


async def test_two_short_losses_are_no_long_one(broker: Broker, isolation: Isolation) -> None:
    for _ in range(2):
        broker.lost = True
        await broker.pass_seconds(isolation, 8)
        broker.lost = False
        await broker.pass_seconds(isolation, 1)
    assert broker.sent_away == 0


async def test_a_socket_of_an_isolated_relay_is_closed_so_that_it_comes_back(stage: Stage) -> None:
    async with stage.relay(isolation_seconds=0) as relay:
        relay_node = stage.node(7, organization_id=2, collaboration_id=3)
        ear = await relay.ear(reconnection=True).connect(stage.auth.token(relay_node))
        await ear.until("sync")
        stage.bus.down = True
        await eventually(lambda: ear.left)
        await ear.until("sync", 2)
        await ear.client.shutdown()
