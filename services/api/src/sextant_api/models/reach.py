"""How far scopes reach, in SQL: who shares a collaboration with whom.

Only fragments of queries; the queries themselves stand in the repositories.
"""

from sqlalchemy import BindParameter, Select, literal, select

from sextant_api.models.structure import memberships
from sextant_shared.db.model import big_id


def an_id(value: int | None) -> BindParameter[int]:
    """An id as a value in SQL; PostgreSQL would take a bare number for a shorter one."""
    return literal(value, big_id)


def collaborations_of(organization_id: int) -> Select[tuple[int]]:
    """The ids of the collaborations that an organization is a member of."""
    return select(memberships.c.collaboration_id).where(memberships.c.organization_id == organization_id)


def partners_of(organization_id: int) -> Select[tuple[int]]:
    """The ids of the organizations that share a collaboration with one; itself among them if it is in any."""
    return select(memberships.c.organization_id).where(
        memberships.c.collaboration_id.in_(collaborations_of(organization_id))
    )
