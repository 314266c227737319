"""Commands: what a connection asks of the service that owns the matter, in the imperative; they may be refused.

relay sends them for a socket whose identity it has checked; ids of principals come from its session, never from a
payload. The delivery class "command" holds: durable, acknowledged after commit, retried with a delay, parked at last.
"""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from sextant_shared.contract.messages import Content
from sextant_shared.contract.routing import API, AUTH


class Command(Content):
    """What all commands have in common."""

    owner: ClassVar[str] = API
    """The service that owns the matter, and takes the command from its queue."""


class OpenConnection(Command):
    """A node's connection came up."""

    type: ClassVar[str] = "connection.open"

    connection_id: str
    node_id: int
    collaboration_id: int
    lease_seconds: int


class CloseConnection(Command):
    """A node's connection is gone for certain."""

    type: ClassVar[str] = "connection.close"

    connection_id: str
    node_id: int


class LiveConnection(BaseModel):
    """One connection of a batch."""

    model_config = ConfigDict(frozen=True)

    connection_id: str
    node_id: int


class TouchConnections(Command):
    """These connections are alive; newest wins (delivery class "lease": never stored, never retried)."""

    type: ClassVar[str] = "connections.touch"

    connections: list[LiveConnection]
    lease_seconds: int


class OpenUserConnection(Command):
    """A user's connection came up."""

    type: ClassVar[str] = "user-connection.open"
    owner: ClassVar[str] = AUTH

    connection_id: str
    user_id: int
    lease_seconds: int


class CloseUserConnection(Command):
    """A user's connection is gone for certain."""

    type: ClassVar[str] = "user-connection.close"
    owner: ClassVar[str] = AUTH

    connection_id: str
    user_id: int


class LiveUserConnection(BaseModel):
    """One connection of a batch."""

    model_config = ConfigDict(frozen=True)

    connection_id: str
    user_id: int


class TouchUserConnections(Command):
    """These connections of users are alive; newest wins."""

    type: ClassVar[str] = "user-connections.touch"
    owner: ClassVar[str] = AUTH

    connections: list[LiveUserConnection]
    lease_seconds: int


class ReportRunStatus(Command):
    """A node says what one of its runs does. Whether the run is the node's, api decides."""

    type: ClassVar[str] = "run.report-status"

    node_id: int
    run_id: int
    status: str


class AppendRunLog(Command):
    """A node sends a piece of one of its runs' logs."""

    type: ClassVar[str] = "run.append-log"

    node_id: int
    run_id: int
    log: str


class ReportNodeInfo(Command):
    """A node shares its configuration; replaces what it shared before."""

    type: ClassVar[str] = "node.report-info"

    node_id: int
    info: dict[str, Any]


class ReportNodeMetrics(Command):
    """A node says how it fares."""

    type: ClassVar[str] = "node.report-metrics"

    node_id: int
    metrics: dict[str, Any]


COMMANDS: tuple[type[Command], ...] = (
    OpenConnection,
    CloseConnection,
    TouchConnections,
    OpenUserConnection,
    CloseUserConnection,
    TouchUserConnections,
    ReportRunStatus,
    AppendRunLog,
    ReportNodeInfo,
    ReportNodeMetrics,
)
