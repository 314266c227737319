"""The `Bus` port and its two adapters: RabbitMQ, and one inside the process for standalone.

Knows how messages travel, not what they mean.
"""

from sextant_shared.messaging.bus import Broadcast, Bus, Handler
from sextant_shared.messaging.in_process import InProcessBus
from sextant_shared.messaging.rabbitmq import RabbitMqBus
from sextant_shared.messaging.topology import (
    API_COMMANDS,
    API_EVENTS,
    AUTH_COMMANDS,
    AUTH_EVENTS,
    COMMAND_QUEUES,
    VPN_EVENTS,
    DurableQueue,
)

__all__ = [
    "API_COMMANDS",
    "API_EVENTS",
    "AUTH_COMMANDS",
    "AUTH_EVENTS",
    "COMMAND_QUEUES",
    "VPN_EVENTS",
    "Broadcast",
    "Bus",
    "DurableQueue",
    "Handler",
    "InProcessBus",
    "RabbitMqBus",
]
