"""A node on the event channel: how it gets in, what it hears and what it can say."""

import pytest

from services.relay.tests.kit import Relay, Stage

TRANSPORTS = pytest.mark.parametrize("transports", [["websocket"], ["polling"], None], ids=str)


@TRANSPORTS
async def test_a_node_is_told_to_sync_when_it_connects(
    stage: Stage, relay: Relay, transports: list[str] | None
) -> None:
    node = stage.node(7, organization_id=2, collaboration_id=3)
    ear = await relay.ear().connect(stage.auth.token(node), transports=transports)
    assert await ear.until("sync") == [None]
