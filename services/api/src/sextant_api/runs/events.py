"""What is told about runs."""

from sextant_api.runs.repository import RunOfNode
from sextant_shared.contract.events import RunStatusChanged
from sextant_shared.contract.statuses import RunStatus


def status_changed(run: RunOfNode, status: RunStatus, *, announce: bool) -> RunStatusChanged:
    """Say that a run is now in `status`; with `announce`, watchers hear it in so many words."""
    return RunStatusChanged(
        run_id=run.id,
        task_id=run.task_id,
        job_id=run.job_id,
        parent_id=run.parent_id,
        collaboration_id=run.collaboration_id,
        organization_id=run.organization_id,
        node_id=run.node_id,
        status=status,
        announce=announce,
    )
