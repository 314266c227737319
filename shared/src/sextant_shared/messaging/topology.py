"""Exchanges, durable queues and bindings: the one place where they are declared.

Every publisher declares all of it whenever it connects, so a wiped broker is whole again before the first message
is published to it, and "returned as unroutable" can only mean that nobody is interested.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sextant_shared.contract.routing import API, AUTH

EVENTS_EXCHANGE: Final = "sextant.events"
"""Topic; routing key `<noun>.<verb>.<collaboration>`."""
COMMANDS_EXCHANGE: Final = "sextant.commands"
"""Direct; routing key = name of the queue of the service that owns the matter."""

RETRY_SUFFIX: Final = ".retry"
PARKING_SUFFIX: Final = ".parking"

RETRY_DELAY_SECONDS: Final = 5.0
"""How long a message whose handler raised waits before it is tried again."""
ATTEMPTS: Final = 5
"""How often a message is tried before it is parked."""


@dataclass(frozen=True)
class DurableQueue:
    """A queue that one service's replicas share and that survives all of them.

    Attributes:
        name: of the queue; `<name>.retry` and `<name>.parking` stand beside it.
        events: binding keys on the events exchange.
        takes_commands: whether commands may be sent to it.
        prefetch: messages that one replica works on at once.
    """

    name: str
    events: Sequence[str] = ()
    takes_commands: bool = False
    prefetch: int = 32


API_COMMANDS: Final = DurableQueue("api.commands", takes_commands=True, prefetch=64)
API_EVENTS: Final = DurableQueue("api.events", events=("port.*.*", "user.*.*", "node.seen.*"))
AUTH_COMMANDS: Final = DurableQueue("auth.commands", takes_commands=True)
AUTH_EVENTS: Final = DurableQueue("auth.events", events=("membership.*.*", "organization.*.*", "node.changed.*"))
VPN_EVENTS: Final = DurableQueue(
    "vpn-registry.events",
    events=(
        "run.status-changed.*",
        "node.changed.*",
        "node.address-changed.*",
        "node.online.*",
        "node.offline.*",
    ),
)

DURABLE_QUEUES: Final = (API_COMMANDS, API_EVENTS, AUTH_COMMANDS, AUTH_EVENTS, VPN_EVENTS)
COMMAND_QUEUES: Final[Mapping[str, DurableQueue]] = {API: API_COMMANDS, AUTH: AUTH_COMMANDS}
"""Where the commands to a service go."""


def key_matches(pattern: str, key: str) -> bool:
    """Tell whether a topic binding takes a routing key (`*` is one word; `#` is not used here)."""
    want, have = pattern.split("."), key.split(".")
    return len(want) == len(have) and all(w in ("*", h) for w, h in zip(want, have, strict=True))
