"""The settings of relay."""

from pydantic import Field

from sextant_shared.settings import BrokerSettings, HttpSettings, LoggingSettings, PeerSettings


class RelaySettings(HttpSettings, LoggingSettings, BrokerSettings, PeerSettings):
    """What relay can be told."""

    node_token_grace_seconds: int = Field(
        default=30 * 24 * 3600,
        ge=0,
        description="How long after its expiry a node's token still opens a socket: a node repeats its first one",
    )
    socket_ping_interval_seconds: float = Field(
        default=15, gt=0, description="How long after its last answer a socket is pinged"
    )
    socket_ping_timeout_seconds: float = Field(
        default=25, gt=0, description="How long a socket may take to answer a ping before it counts as gone"
    )
    socket_max_packet_bytes: int = Field(
        default=1_000_000, ge=1024, description="Largest packet (websocket) or batch of packets (polling) taken"
    )
    socket_queue_packets: int = Field(
        default=2000, ge=10, description="Packets that may wait for a slow socket before it is closed"
    )
    socket_notice_seconds: float = Field(
        default=2, ge=0, description="How long a socket with a bad token may take to leave by itself once it was told"
    )
    socket_stranger_seconds: float = Field(
        default=60, gt=0, description="How long a session may stay without entering the namespace /tasks"
    )
    lease_seconds: int = Field(default=40, ge=2, description="How long a node's connection counts without a touch")
    lease_touch_seconds: float = Field(default=10, gt=0, description="How often all live connections are touched")
    interest_linger_seconds: float = Field(
        default=30, ge=0, description="How long events of a collaboration are still taken after its last socket left"
    )
    isolation_seconds: float = Field(
        default=10, ge=0, description="How long the broker may be lost before the sockets are sent to another replica"
    )
    drain_notice_seconds: float = Field(
        default=2, ge=0, description="How long the gateway has to see that this replica leaves, before sockets close"
    )
    drain_spread_seconds: float = Field(
        default=5, ge=0, description="Over how long the closing of many sockets is spread when this replica leaves"
    )
