"""What api's database holds from the start: the organization of the first user, which has id 1 on the wire.

And the epoch of its history of events.
"""

from uuid import uuid4

from sqlalchemy import select, text

from sextant_api.history import repository as history
from sextant_api.models import organizations
from sextant_shared.contract.events import OrganizationChanged
from sextant_shared.db import Database

ROOT_ORGANIZATION = "root"
ROOT_ORGANIZATION_ID = 1


async def bootstrap(db: Database) -> None:
    """Begin the history, and make the first organization if there is none at all. Safe to repeat."""
    async with db.transaction() as tx:
        if not await history.has_epoch(tx.session):
            await history.begin_epoch(tx.session, uuid4())
        if (await tx.session.execute(select(organizations.c.id).limit(1))).first() is not None:
            return
        await tx.session.execute(organizations.insert().values(id=ROOT_ORGANIZATION_ID, name=ROOT_ORGANIZATION))
        if db.dialect == "postgresql":
            # an id that is given does not move the counter, which SQLite's does by itself
            await tx.session.execute(
                text("SELECT setval(pg_get_serial_sequence('organizations', 'id'), :used)"),
                {"used": ROOT_ORGANIZATION_ID},
            )
        tx.record(OrganizationChanged(organization_id=ROOT_ORGANIZATION_ID, name=ROOT_ORGANIZATION))
