"""Decides about ports: who may register and release them, and what is told of it.

Everything is committed before api is told; what it does not hear directly, the event tells it.
"""

import structlog

from sextant_shared.contract.errors import NotFoundError, UnavailableError
from sextant_shared.contract.events import PortsChanged, RunPort
from sextant_shared.db import Database, Transaction
from sextant_shared.http.peers import Peer, PeerRefusedError
from sextant_shared.security import Principal
from sextant_vpn_registry.knowledge import repository as knowledge_repository
from sextant_vpn_registry.knowledge.service import Knowledge
from sextant_vpn_registry.leases import repository as leases
from sextant_vpn_registry.leases.errors import PortTakenError
from sextant_vpn_registry.ports import repository
from sextant_vpn_registry.ports.schemas import PortRequest

_log = structlog.get_logger(__name__)


class Ports:
    """See the module.

    Args:
        db: vpn-registry's database.
        knowledge: of runs and nodes.
        api: to tell api at once, so that whoever registers a port sees it in the run.
    """

    def __init__(self, db: Database, knowledge: Knowledge, api: Peer) -> None:
        self._db = db
        self._knowledge = knowledge
        self._api = api

    async def register(self, node: Principal, asked: PortRequest) -> RunPort:
        """Let a run show a port and, while the run goes on, hold it against all others.

        Saying the same again changes nothing.

        Raises:
            NotFoundError: there is no such run.
            PermissionDeniedError: another node runs it.
            PortTakenError: another run listens there.
            UnavailableError: nothing is known of the run, and api does not answer.
        """
        await self._knowledge.of_own_run(node, asked.run_id, even_if_ended=False)
        try:
            port, change = await self._write(node, asked)
        except PortTakenError as taken:
            # who holds it may be gone without our having heard of it
            if not await self._holder_was_gone(taken):
                raise
            port, change = await self._write(node, asked)
        if change is not None:
            await self._tell(change)
        return port

    async def release(self, node: Principal, run_id: int) -> bool:
        """Forget all ports of a run; tells whether there were any.

        Raises:
            NotFoundError: there is no such run.
            PermissionDeniedError: another node runs it.
            UnavailableError: nothing is known of the run, and api does not answer.
        """
        await self._knowledge.of_own_run(node, run_id)
        async with self._db.read() as session:
            if not await repository.shows_any(session, run_id):
                # the common case: every node says this of every run, with a VPN or without
                return False
        async with self._db.transaction() as tx:
            await knowledge_repository.hold_run(tx.session, run_id)
            if not await repository.remove_all(tx.session, run_id):
                return False
            change = await _changed(tx, run_id)
        await self._tell(change)
        return True

    async def _write(self, node: Principal, asked: PortRequest) -> tuple[RunPort, PortsChanged | None]:
        async with self._db.transaction() as tx:
            await knowledge_repository.greet_node(tx.session, node.id)
            if await knowledge_repository.hold_run(tx.session, asked.run_id) is None:
                raise NotFoundError(f"There is no run {asked.run_id}")
            found = await repository.find_port(tx.session, asked.run_id, asked.port)
            if found is None:
                port_id = await repository.add(
                    tx.session, run_id=asked.run_id, node_id=node.id, port=asked.port, label=asked.label
                )
            else:
                port_id = found.id
                await repository.change(tx.session, port_id, node_id=node.id, label=asked.label)
            await leases.hold(tx.session, port_id)
            is_news = found is None or found.label != asked.label
            change = await _changed(tx, asked.run_id) if is_news else None
        return RunPort(id=port_id, port=asked.port, label=asked.label), change

    async def _holder_was_gone(self, taken: PortTakenError) -> bool:
        async with self._db.read() as session:
            holder = await leases.find_holder(session, taken.address, taken.port)
        if holder is None or holder.is_fresh:
            return holder is None
        try:
            await self._knowledge.check([holder.run_id])
        except UnavailableError:
            return False
        async with self._db.read() as session:
            return await leases.find_holder(session, taken.address, taken.port) is None

    async def _tell(self, change: PortsChanged) -> None:
        path = f"/internal/runs/{change.run_id}/ports"
        try:
            await self._api.request("PUT", path, json=change.model_dump(mode="json"))
        except (UnavailableError, NotFoundError, PeerRefusedError) as error:
            _log.info("ports_not_told_directly", run_id=change.run_id, reason=str(error))


async def _changed(tx: Transaction, run_id: int) -> PortsChanged:
    await repository.next_revision(tx.session, run_id)
    (change,) = await repository.as_shown(tx.session, [run_id])
    tx.record(change)
    return change
