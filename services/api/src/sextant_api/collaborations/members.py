"""The members of collaborations: who comes and goes, and that everybody hears of it in the right order.

Whoever changes members calls `revise` first: it locks the collaboration, so that revisions and the memberships they
announce cannot pass each other.
"""

from collections.abc import Collection, Mapping

from sextant_api.collaborations import repository
from sextant_shared.contract.events import MembershipChanged, NodeChanged
from sextant_shared.db import Session, Transaction


async def revise(session: Session, collaboration_ids: Collection[int]) -> Mapping[int, int]:
    """Lock collaborations and give each its next revision; those that are gone are left out.

    Returns:
        The new revision of each.
    """
    if not collaboration_ids:
        return {}
    return await repository.next_revisions(session, collaboration_ids)


async def announce(tx: Transaction, revisions: Mapping[int, int]) -> None:
    """Tell who the members are now."""
    if not revisions:
        return
    members = await repository.member_ids(tx.session, revisions)
    for collaboration_id, revision in revisions.items():
        tx.record(
            MembershipChanged(
                collaboration_id=collaboration_id, organization_ids=members[collaboration_id], revision=revision
            )
        )


async def take_out(tx: Transaction, collaboration_id: int, organization_ids: Collection[int]) -> None:
    """End memberships; the nodes of those who leave leave with them, and the studies forget them."""
    if not organization_ids:
        return
    for node in await repository.release_nodes(tx.session, collaboration_id, organization_ids):
        tx.record(
            NodeChanged(node_id=node.id, name=node.name, organization_id=node.organization_id, collaboration_id=None)
        )
    await repository.remove_members(tx.session, collaboration_id, organization_ids)
