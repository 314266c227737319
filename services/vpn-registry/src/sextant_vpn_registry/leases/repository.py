"""Who holds which port at which address: never decided for itself, always derived from what is known.

A port is held while its run goes on at the node that registered it and that node has not left, at the node's address
in the VPN (or, while it has none, wherever the node is). Whatever changes what is known lets the leases be settled
again in the same transaction. Two who want the same are judged by the unique key.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import String, case, cast, func, literal, null, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from sextant_shared.db.conflicts import breaks_unique
from sextant_shared.db.model import utc_after
from sextant_vpn_registry.leases.errors import PortTakenError
from sextant_vpn_registry.models import ADDRESS_LENGTH, Presence, nodes, ports, runs

FRESH_SECONDS: Final = 5.0
"""How long an answer of api about a run is good enough to refuse somebody else a port."""

_DUE = case(
    (
        or_(
            runs.c.ended_at.is_not(None),
            runs.c.node_id.is_distinct_from(ports.c.node_id),
            func.coalesce(nodes.c.presence, Presence.UNKNOWN.value) == Presence.OFFLINE.value,
        ),
        null(),
    ),
    else_=func.coalesce(nodes.c.ip, literal("node ") + cast(ports.c.node_id, String(ADDRESS_LENGTH))),
)
"""The address at which a port should be held, null for "not at all"."""

_KNOWN = ports.join(runs, runs.c.id == ports.c.run_id).outerjoin(nodes, nodes.c.id == ports.c.node_id)


async def settle(session: AsyncSession, *, run_ids: Collection[int] = (), node_ids: Collection[int] = ()) -> None:
    """Give and take the leases of some runs and of some nodes so that they are as they should be.

    What somebody else holds stays with him; it is given when he lets go, at the latest by the reconciler.
    """
    of_these = or_(ports.c.run_id.in_(run_ids), ports.c.node_id.in_(node_ids))
    wrong = (
        await session.execute(
            select(ports.c.id, ports.c.port, ports.c.address, _DUE.label("due"))
            .select_from(_KNOWN)
            .where(of_these, ports.c.address.is_distinct_from(_DUE))
            .order_by(ports.c.id)
            .with_for_update(of=ports)
        )
    ).all()
    # what is moved to another address leaves its old one first: two ports may change places
    if leaving := [row.id for row in wrong if row.address is not None]:
        await session.execute(update(ports).where(ports.c.id.in_(leaving)).values(address=null()))
    other = ports.alias()
    for row in wrong:
        if row.due is not None:
            taken = select(other.c.id).where(other.c.address == row.due, other.c.port == row.port).exists()
            await session.execute(update(ports).where(ports.c.id == row.id, ~taken).values(address=row.due))


async def hold(session: AsyncSession, port_id: int) -> None:
    """Give one port the lease that it should have.

    Raises:
        PortTakenError: somebody else holds it.
    """
    found = (
        await session.execute(
            select(ports.c.port, ports.c.address, _DUE.label("due")).select_from(_KNOWN).where(ports.c.id == port_id)
        )
    ).one()
    try:
        await session.execute(update(ports).where(ports.c.id == port_id).values(address=found.due))
    except IntegrityError as error:
        if breaks_unique(error, ports.c.address, ports.c.port):
            raise PortTakenError(found.port, found.due) from error
        raise


@dataclass(frozen=True)
class Holder:
    """Who holds a port.

    Attributes:
        run_id: of the run.
        is_fresh: whether api was asked about it a moment ago.
    """

    run_id: int
    is_fresh: bool


async def find_holder(session: AsyncSession, address: str, port: int) -> Holder | None:
    """Find who holds a port at an address."""
    held = (
        await session.execute(
            select(ports.c.run_id, (runs.c.checked_at > utc_after(-FRESH_SECONDS)).label("is_fresh"))
            .join(runs, runs.c.id == ports.c.run_id)
            .where(ports.c.address == address, ports.c.port == port)
        )
    ).one_or_none()
    return None if held is None else Holder(held.run_id, bool(held.is_fresh))
