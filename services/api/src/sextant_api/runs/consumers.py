"""Acts upon what nodes say about their runs on their sockets.

relay vouches for who the node is; whether the run is its own is judged here. What is refused is logged and forgotten:
there is nobody to tell.
"""

from collections.abc import Mapping

import structlog

from sextant_api.models import inbox
from sextant_api.runs import repository
from sextant_api.runs.events import status_changed
from sextant_api.runs.repository import RunOfNode
from sextant_api.runs.schemas import without_nulls
from sextant_shared.contract.commands import AppendRunLog, ReportRunStatus
from sextant_shared.contract.events import RunLogAppended
from sextant_shared.contract.messages import Envelope
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.db import Database, Transaction, is_first_delivery
from sextant_shared.messaging import Handler

_log = structlog.get_logger(__name__)


def handlers(db: Database) -> Mapping[str, Handler]:
    """The commands about runs, by type."""

    async def report_status(envelope: Envelope) -> None:
        command = ReportRunStatus.opened(envelope)
        status = _known(command.status)
        if status is None or status.is_final:
            # A node says that a run has ended before it hands in the result: watchers hear of the end when it does.
            _log.debug("run_status_not_announced", run_id=command.run_id, status=command.status)
            return
        async with db.transaction() as tx:
            run = await _own_run(tx, envelope, command.node_id, command.run_id)
            if run is not None and await repository.is_open(tx.session, run.id):
                tx.record(status_changed(run, status, announce=True))

    async def append_log(envelope: Envelope) -> None:
        command = AppendRunLog.opened(envelope)
        async with db.transaction() as tx:
            run = await _own_run(tx, envelope, command.node_id, command.run_id)
            if run is not None:
                piece = without_nulls(command.log)
                # The last lines may arrive after the run's end, which brought the whole log: watchers still hear them.
                if await repository.is_open(tx.session, run.id):
                    await repository.append_log(tx.session, run.id, piece, envelope.time)
                tx.record(
                    RunLogAppended(
                        run_id=run.id,
                        task_id=run.task_id,
                        collaboration_id=run.collaboration_id,
                        organization_id=run.organization_id,
                        log=piece,
                    )
                )

    return {ReportRunStatus.type: report_status, AppendRunLog.type: append_log}


def _known(status: str) -> RunStatus | None:
    try:
        return RunStatus(status)
    except ValueError:
        return None


async def _own_run(tx: Transaction, envelope: Envelope, node_id: int, run_id: int) -> RunOfNode | None:
    """The run that a message is about, if it is the node's and the message is new."""
    if not await is_first_delivery(tx, inbox, envelope):
        return None
    run = await repository.find_run_of_node(tx.session, run_id)
    if run is None or run.node_id != node_id:
        _log.warning("run_message_refused", type=envelope.type, run_id=run_id, node_id=node_id)
        return None
    return run
