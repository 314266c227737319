"""What api answers about a run."""

from pydantic import BaseModel, ConfigDict

from sextant_shared.contract.statuses import Presence, RunStatus


class Standing(BaseModel):
    """Whose a run is, and how it and its node are doing.

    Attributes:
        id: of the run.
        task_id: of its task.
        parent_id: of its task's parent.
        organization_id: that runs it.
        collaboration_id: of its task.
        node_id: that runs it, if there is one.
        node_ip: that node's address in the VPN.
        node_status: whether that node is connected.
        status: of the run.
        ports_revision: of the ports that api shows.
    """

    model_config = ConfigDict(frozen=True)

    id: int
    task_id: int
    parent_id: int | None
    organization_id: int
    collaboration_id: int
    node_id: int | None
    node_ip: str | None
    node_status: Presence | None
    status: RunStatus
    ports_revision: int
