"""Who works with whom: organizations, collaborations, studies, nodes with their presence, and algorithm stores.

Owns these tables; what references them (tasks, runs) is in `work`. What a deletion takes with it, a foreign key says.
"""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from sextant_api.models._base import metadata
from sextant_shared.contract.statuses import Presence
from sextant_shared.db.model import UtcDateTime, big_id, id_column
from sextant_shared.db.patterns import pattern_index

NAME_LENGTH = 128

organizations = Table(
    "organizations",
    metadata,
    id_column(),
    Column("name", String(NAME_LENGTH), nullable=False, unique=True),
    Column("address1", String(NAME_LENGTH)),
    Column("address2", String(NAME_LENGTH)),
    Column("zipcode", String(NAME_LENGTH)),
    Column("country", String(NAME_LENGTH), index=True),
    Column("domain", String(NAME_LENGTH)),
    Column("public_key", Text, nullable=False, server_default=""),
    sqlite_autoincrement=True,
)

collaborations = Table(
    "collaborations",
    metadata,
    id_column(),
    Column("name", String(NAME_LENGTH), nullable=False, unique=True),
    Column("encrypted", Boolean, nullable=False, server_default=false(), index=True),
    # grows with every change of the members, so that consumers can tell an old announcement from a new one
    Column("revision", Integer, nullable=False, server_default=text("1")),
    sqlite_autoincrement=True,
)

memberships = Table(
    "memberships",
    metadata,
    Column(
        "collaboration_id",
        big_id,
        ForeignKey("collaborations.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
    ),
    Column(
        "organization_id",
        big_id,
        ForeignKey("organizations.id", ondelete="CASCADE"),
        primary_key=True,
        autoincrement=False,
        index=True,
    ),
    # its place in the order in which they joined; those from before places were counted share the first
    Column("place", Integer, nullable=False, server_default=text("0")),
)

studies = Table(
    "studies",
    metadata,
    id_column(),
    Column("name", String(NAME_LENGTH), nullable=False, unique=True),
    Column(
        "collaboration_id",
        big_id,
        ForeignKey("collaborations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    # says nothing that the primary key does not, but gives `study_members` something to refer to
    UniqueConstraint("id", "collaboration_id"),
    sqlite_autoincrement=True,
)

study_members = Table(
    "study_members",
    metadata,
    Column("study_id", big_id, primary_key=True, autoincrement=False),
    Column("organization_id", big_id, primary_key=True, autoincrement=False),
    Column("collaboration_id", big_id, nullable=False),
    # as in `memberships`
    Column("place", Integer, nullable=False, server_default=text("0")),
    ForeignKeyConstraint(
        ["study_id", "collaboration_id"], ["studies.id", "studies.collaboration_id"], ondelete="CASCADE"
    ),
    # a study's organizations are members of its collaboration; who leaves the one leaves the other
    ForeignKeyConstraint(
        ["collaboration_id", "organization_id"],
        ["memberships.collaboration_id", "memberships.organization_id"],
        ondelete="CASCADE",
    ),
    Index(None, "collaboration_id", "organization_id"),
    Index(None, "organization_id"),
)

nodes = Table(
    "nodes",
    metadata,
    id_column(),
    Column("name", String(NAME_LENGTH), nullable=False, unique=True),
    Column(
        "organization_id",
        big_id,
        ForeignKey("organizations.id", ondelete="CASCADE"),
        nullable=False,
    ),
    # null: taken out of its collaboration, and waiting for another
    Column("collaboration_id", big_id, ForeignKey("collaborations.id", ondelete="SET NULL"), index=True),
    Column("ip", String(45), index=True),
    Column("last_seen", UtcDateTime, index=True),
    Column("status", String(16), nullable=False, server_default=Presence.OFFLINE.value, index=True),
    # when the node last said how it is configured; a report that is older than this one is not news
    Column("config_reported_at", UtcDateTime),
    # when the node was last told to look for work, by a connection that came up or by healing
    Column("sync_requested_at", UtcDateTime),
    UniqueConstraint("organization_id", "collaboration_id"),
    sqlite_autoincrement=True,
)

node_configs = Table(
    "node_configs",
    metadata,
    id_column(),
    Column("node_id", big_id, ForeignKey("nodes.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("key", Text, nullable=False),
    Column("value", Text),
    sqlite_autoincrement=True,
)

connections = Table(
    "connections",
    metadata,
    Column("connection_id", String(128), primary_key=True),
    Column("node_id", big_id, ForeignKey("nodes.id", ondelete="CASCADE"), nullable=False),
    Column("online_until", UtcDateTime, nullable=False, index=True),
    # a closed connection stays for a while, so that an opening that arrives late does not bring it back to life
    Column("closed_at", UtcDateTime),
    Index(None, "node_id", "online_until"),
)

algorithm_stores = Table(
    "algorithm_stores",
    metadata,
    id_column(),
    Column("name", String(NAME_LENGTH), nullable=False),
    Column("url", String(1024), nullable=False),
    # null: for all collaborations
    Column("collaboration_id", big_id, ForeignKey("collaborations.id", ondelete="CASCADE"), index=True),
    # whoever added it insisted on an address that is not a public one
    Column("is_forced", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("url", "collaboration_id"),
    sqlite_autoincrement=True,
)
# nulls differ from each other in the constraint above
Index(
    "uq_algorithm_stores_url",
    algorithm_stores.c.url,
    unique=True,
    postgresql_where=algorithm_stores.c.collaboration_id.is_(None),
    sqlite_where=algorithm_stores.c.collaboration_id.is_(None),
)

# names are searched for by any part of them
pattern_index("ix_organizations_patterns", organizations.c.name)
pattern_index("ix_collaborations_patterns", collaborations.c.name)
pattern_index("ix_studies_patterns", studies.c.name)
pattern_index("ix_nodes_patterns", nodes.c.name)
pattern_index("ix_algorithm_stores_patterns", algorithm_stores.c.name, algorithm_stores.c.url)
