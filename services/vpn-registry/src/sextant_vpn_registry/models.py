"""The tables of vpn-registry: ports and their leases, and what it knows of api's runs and nodes.

`runs` and `nodes` are copies: api is asked for them once, its events keep them, and a reconciler mends what was
missed. With them the registry works on while api is away.

A port is what a run shows, until its node takes it back or the run is deleted. Its lease is another matter: it holds
the port against all others at the same address, as long as somebody can be reached there.
"""

from enum import StrEnum

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, String, Table, UniqueConstraint

from sextant_shared.db import NAMING, UtcDateTime, big_id, outbox_table, utc_now
from sextant_shared.db.model import id_column

LABEL_LENGTH = 128
ADDRESS_LENGTH = 64


class Presence(StrEnum):
    """What is known of a node's connection."""

    ONLINE = "online"
    # said to be so by api: what ran there cannot be relied upon
    OFFLINE = "offline"
    # not known to be connected, but it has spoken to us or was never said to have left
    UNKNOWN = "unknown"


metadata = MetaData(naming_convention=NAMING)

outbox = outbox_table(metadata)

nodes = Table(
    "nodes",
    metadata,
    Column("id", big_id, primary_key=True, autoincrement=False),
    Column("ip", String(ADDRESS_LENGTH)),
    Column("presence", String(16), nullable=False),
    # as of when each is known: what is told late cannot undo what is newer
    Column("ip_as_of", UtcDateTime, nullable=False),
    Column("presence_as_of", UtcDateTime, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", big_id, primary_key=True, autoincrement=False),
    Column("task_id", big_id, nullable=False),
    Column("parent_id", big_id),
    Column("organization_id", big_id, nullable=False),
    Column("collaboration_id", big_id, nullable=False),
    # the node that its organization has in its collaboration; another one after that is made anew
    Column("node_id", big_id),
    # when we learnt of its end; there is no way back
    Column("ended_at", UtcDateTime),
    # grows with each change of the ports that it shows
    Column("revision", big_id, nullable=False),
    # when api was last asked about it
    Column("checked_at", UtcDateTime, nullable=False, server_default=utc_now()),
    Index("ix_runs_task_id", "task_id"),
    Index("ix_runs_parent_id", "parent_id"),
    Index("ix_runs_node_id", "node_id"),
    Index("ix_runs_ended_at", "ended_at"),
)
Index(
    "ix_runs_open",
    runs.c.id,
    postgresql_where=runs.c.ended_at.is_(None),
    sqlite_where=runs.c.ended_at.is_(None),
)

ports = Table(
    "ports",
    metadata,
    id_column(),
    Column("run_id", big_id, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    # the node that registered it
    Column("node_id", big_id, nullable=False),
    Column("port", Integer, nullable=False),
    Column("label", String(LABEL_LENGTH)),
    # The lease: where the port is held against all others. Null is none, and nulls do not meet in a unique key.
    # It is the node's address in the VPN, or a word for "wherever this node is" while it has none.
    Column("address", String(ADDRESS_LENGTH)),
    Column("created_at", UtcDateTime, nullable=False, server_default=utc_now()),
    UniqueConstraint("run_id", "port"),
    # decides all races: two who want the same port at the same address
    UniqueConstraint("address", "port"),
    Index("ix_ports_node_id", "node_id"),
    sqlite_autoincrement=True,
)
