"""Facts: what happened, in the past tense, told by the one service that owns it.

Every class is one row in `docs/events.md`. The delivery class "fact" holds for all: written in the transaction that
made them true, delivered at least once, to be consumed idempotently by the envelope's id.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.messages import Content
from sextant_shared.contract.statuses import RunStatus


class TaskCreated(Content):
    """A task and its runs exist; their nodes may fetch them."""

    type: ClassVar[str] = "task.created"

    task_id: int
    parent_id: int | None
    job_id: int
    collaboration_id: int
    organization_ids: list[int]


class KilledRun(BaseModel):
    """One entry of a kill list."""

    model_config = ConfigDict(frozen=True)

    task_id: int
    run_id: int
    organization_id: int


class TaskKilled(Content):
    """Runs were ended by a user; their containers should go. Never has an empty list (a node would kill all)."""

    type: ClassVar[str] = "task.killed"

    task_id: int
    collaboration_id: int
    runs: list[KilledRun]


class NodeTasksKilled(Content):
    """Everything that runs at one node was ended by a user."""

    type: ClassVar[str] = "node.tasks-killed"

    node_id: int
    collaboration_id: int
    runs: list[KilledRun]


class RunStatusChanged(Content):
    """A run's stored status changed (`announce`), or something else of it did."""

    type: ClassVar[str] = "run.status-changed"

    run_id: int
    task_id: int
    job_id: int
    parent_id: int | None
    collaboration_id: int
    organization_id: int
    node_id: int | None
    status: RunStatus
    announce: bool = True
    """Whether watchers should hear `algorithm_status_change` beside `status_update`."""


class RunLogAppended(Content):
    """A piece was added to a run's log."""

    type: ClassVar[str] = "run.log-appended"

    run_id: int
    task_id: int
    collaboration_id: int
    organization_id: int
    log: str


class NodeOnline(Content):
    """A node got its first live connection."""

    type: ClassVar[str] = "node.online"

    node_id: int
    name: str
    organization_id: int
    collaboration_id: int


class NodeOffline(Content):
    """A node's last connection closed or its lease ran out."""

    type: ClassVar[str] = "node.offline"

    node_id: int
    name: str
    organization_id: int
    collaboration_id: int


class NodeChanged(Content):
    """A node was made, renamed, moved to another collaboration, or (`deleted`) is no more."""

    type: ClassVar[str] = "node.changed"

    node_id: int
    name: str
    organization_id: int
    collaboration_id: int | None
    """None for one that was taken out of its collaboration and waits for another."""
    deleted: bool = False


class NodeAddressChanged(Content):
    """A node got another address in the VPN, or (None) has none any more."""

    type: ClassVar[str] = "node.address-changed"

    node_id: int
    collaboration_id: int | None
    ip: str | None


class NodeSeen(Content):
    """A node logged in, or went on with a login; told at most once a minute for each node, and of no collaboration.

    When that was, the envelope's time says.
    """

    type: ClassVar[str] = "node.seen"

    node_id: int


class NodeSyncRequested(Content):
    """A node has open runs that it does not seem to know of: tell it to look."""

    type: ClassVar[str] = "node.sync-requested"

    node_id: int
    collaboration_id: int


class OrganizationChanged(Content):
    """An organization was made, renamed, or (`deleted`) is no more."""

    type: ClassVar[str] = "organization.changed"

    organization_id: int
    name: str
    deleted: bool = False


class MembershipChanged(Content):
    """The organizations of a collaboration, all of them, as of now."""

    type: ClassVar[str] = "membership.changed"

    collaboration_id: int
    organization_ids: list[int]
    revision: int
    """Grows with every change of this collaboration, so that a late message cannot undo a newer one."""
    deleted: bool = False


class PrincipalChanged(Content):
    """The rights, the organization or the very existence of a principal changed: forget what you cached."""

    type: ClassVar[str] = "principal.changed"

    client_type: ClientType
    principal_id: int
    principal_version: int


class PrincipalsChanged(Content):
    """A role changed, and with it an unknown number of principals: forget all that you cached."""

    type: ClassVar[str] = "principals.changed"

    role_id: int


class RunPort(BaseModel):
    """A port at which the algorithm of a run listens, on its node's address in the VPN."""

    model_config = ConfigDict(frozen=True)

    id: int
    port: int
    label: str | None


class PortsChanged(Content):
    """The ports that a run shows, all of them, as of now."""

    type: ClassVar[str] = "port.changed"

    run_id: int
    collaboration_id: int
    revision: int
    """Grows with every change of this run's ports, so that a late message cannot undo a newer one."""
    ports: list[RunPort]


EVENTS: tuple[type[Content], ...] = (
    TaskCreated,
    TaskKilled,
    NodeTasksKilled,
    RunStatusChanged,
    RunLogAppended,
    NodeOnline,
    NodeOffline,
    NodeChanged,
    NodeSeen,
    NodeAddressChanged,
    NodeSyncRequested,
    OrganizationChanged,
    MembershipChanged,
    PrincipalChanged,
    PrincipalsChanged,
    PortsChanged,
)
