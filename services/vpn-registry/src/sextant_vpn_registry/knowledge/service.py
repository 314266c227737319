"""What is known of runs and nodes, and where it comes from: the own copy first, then api.

The copy is kept by events (`consumers`) and mended by `check`, so a refusal never rests on the copy alone.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sextant_shared.clock import Clock
from sextant_shared.contract.errors import NotFoundError, PermissionDeniedError, UnavailableError
from sextant_shared.contract.statuses import Presence
from sextant_shared.db import Database, Transaction
from sextant_shared.http.peers import Peer
from sextant_shared.security import Principal
from sextant_vpn_registry.knowledge import repository
from sextant_vpn_registry.knowledge.standing import Standing
from sextant_vpn_registry.leases import repository as leases
from sextant_vpn_registry.ports import repository as ports_repository


class Knowledge:
    """See the module.

    Args:
        db: vpn-registry's database.
        api: to ask api.
        clock: says as of when an answer is true.
    """

    def __init__(self, db: Database, api: Peer, clock: Clock) -> None:
        self._db = db
        self._api = api
        self._clock = clock

    async def of_own_run(self, node: Principal, run_id: int, *, even_if_ended: bool = True) -> None:
        """Make sure that a node runs a run, and that we know of both.

        Args:
            node: that says so.
            run_id: of the run.
            even_if_ended: be content with what is known of a run that has ended; it may have been deleted since.

        Raises:
            NotFoundError: there is no such run.
            PermissionDeniedError: another node runs it.
            UnavailableError: nothing is known of the run, and api does not answer.
        """
        async with self._db.read() as session:
            run = await repository.find_run(session, run_id)
        if run is not None and run.node_id == node.id:
            if run.ended_at is None or even_if_ended:
                return
            try:
                await self._ask(run_id)
            except UnavailableError:
                return
        elif await self._ask(run_id) != node.id:
            raise PermissionDeniedError("Only the node that executes a run may speak for its ports")

    async def parent_of(self, task_id: int) -> int | None:
        """The parent of a task, if it has one.

        Raises:
            UnavailableError: nothing is known of the task, and api does not answer.
        """
        async with self._db.read() as session:
            found = await repository.find_parent(session, task_id)
        if found is not None:
            return found[0]
        try:
            parent_id: int | None = (await self._api.get(f"/internal/tasks/{task_id}/parent"))["parent_id"]
        except NotFoundError:
            return None
        return parent_id

    async def check(self, run_ids: Collection[int], *, tell_again: bool = False) -> None:
        """Ask api about runs, and mend what is known of them and of their nodes.

        Args:
            run_ids: of the runs.
            tell_again: tell api once more of ports that it should have heard of by now.

        Raises:
            UnavailableError: api does not answer.
        """
        as_of = self._clock.now()
        answer = await self._api.get("/internal/runs", params={"id": list(run_ids)})
        found = [Standing.model_validate(standing) for standing in answer["runs"]]
        async with self._db.transaction() as tx:
            await repository.forget_runs(tx.session, set(run_ids) - {standing.id for standing in found})
            behind = await self._keep(tx, found, as_of)
            if tell_again:
                for change in await ports_repository.as_shown(tx.session, behind):
                    tx.record(change)

    async def _ask(self, run_id: int) -> int | None:
        """Ask api about one run; returns its node."""
        as_of = self._clock.now()
        try:
            standing = Standing.model_validate(await self._api.get(f"/internal/runs/{run_id}"))
        except NotFoundError:
            await self._forget(run_id)
            raise NotFoundError(f"There is no run {run_id}") from None
        async with self._db.transaction() as tx:
            await self._keep(tx, [standing], as_of)
        return standing.node_id

    async def _forget(self, run_id: int) -> None:
        async with self._db.read() as session:
            known = await repository.find_run(session, run_id)
        if known is not None:
            async with self._db.transaction() as tx:
                await repository.forget_runs(tx.session, [run_id])

    async def _keep(self, tx: Transaction, found: Sequence[Standing], as_of: datetime) -> Sequence[int]:
        """Write down what api says; returns the runs of whose ports it knows less than we."""
        of_nodes = {standing.node_id: standing for standing in found if standing.node_id is not None}
        for node_id, standing in sorted(of_nodes.items()):
            await repository.put_node(
                tx.session,
                node_id,
                ip=standing.node_ip,
                is_online=standing.node_status is Presence.ONLINE,
                as_of=as_of,
            )
        behind = [
            standing.id
            for standing in sorted(found, key=lambda each: each.id)
            if await repository.put_run(tx.session, standing) > standing.ports_revision
        ]
        await leases.settle(tx.session, run_ids=[standing.id for standing in found], node_ids=of_nodes.keys())
        return behind
