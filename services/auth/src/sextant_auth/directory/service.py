"""Answers questions about organizations from the projection, and asks api where that is not enough.

The projection may be late by a moment. A "no" that rests on it is therefore checked with api before it is given, so
that "make an organization, then a user in it" works at once.
"""

from typing import Any

from sextant_auth.directory import repository
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.contract.events import MembershipChanged, OrganizationChanged
from sextant_shared.db import Database, Transaction
from sextant_shared.http.peers import Peer


class Directory:
    """Who shares a collaboration with whom.

    Args:
        db: auth's database, with the projection.
        api: the owner.
    """

    def __init__(self, db: Database, api: Peer) -> None:
        self._db = db
        self._api = api

    async def exists(self, organization_id: int) -> bool:
        """Tell whether there is such an organization.

        Raises:
            UnavailableError: it is not known here, and api does not answer.
        """
        async with self._db.read() as session:
            known = await repository.exists(session, organization_id)
        return known if known is not None else await self._ask(organization_id)

    async def are_partners(self, one: int, other: int) -> bool:
        """Tell whether two organizations share a collaboration (or are the same).

        Raises:
            UnavailableError: not as far as is known here, and api does not answer.
        """
        if one == other:
            return True
        async with self._db.read() as session:
            if await repository.share_collaboration(session, one, other):
                return True
        await self._ask(other)
        async with self._db.read() as session:
            return await repository.share_collaboration(session, one, other)

    async def partners(self, organization_id: int) -> set[int]:
        """The organizations that share a collaboration with one, as far as is known here; itself if it is in any."""
        async with self._db.read() as session:
            return await repository.partners(session, organization_id)

    async def takes_part(self, organization_id: int, collaboration_id: int) -> bool:
        """Tell whether an organization is in a collaboration.

        Raises:
            UnavailableError: not as far as is known here, and api does not answer.
        """
        async with self._db.read() as session:
            if await repository.is_member(session, collaboration_id, organization_id):
                return True
        await self._ask(organization_id)
        async with self._db.read() as session:
            return await repository.is_member(session, collaboration_id, organization_id)

    async def follow_organization(self, tx: Transaction, change: OrganizationChanged) -> None:
        """Take over what api says of an organization."""
        await repository.note_organization(tx.session, change.organization_id, deleted=change.deleted)

    async def follow_membership(self, tx: Transaction, change: MembershipChanged) -> None:
        """Take over what api says of a collaboration."""
        members = [] if change.deleted else change.organization_ids
        await repository.note_members(tx.session, change.collaboration_id, members, change.revision)

    async def _ask(self, organization_id: int) -> bool:
        try:
            known: dict[str, Any] = await self._api.get(f"/internal/organizations/{organization_id}")
        except NotFoundError:
            return False
        async with self._db.transaction() as tx:
            await repository.note_organization(tx.session, organization_id)
            for collaboration in known["collaborations"]:
                await repository.note_members(
                    tx.session, collaboration["id"], collaboration["organization_ids"], collaboration["revision"]
                )
        return True
