"""Who may do what: users, roles, rules, and the credentials of nodes.

A `version` grows with each change of what a principal is or may do; tokens carry it. `tokens_valid_from` (Unix time)
refuses every token that was issued before.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from sextant_auth.models._base import metadata
from sextant_shared.db import UtcDateTime, big_id, utc_now
from sextant_shared.db.model import id_column
from sextant_shared.db.patterns import pattern_index

users = Table(
    "users",
    metadata,
    id_column(),
    Column("username", String(128), nullable=False),
    # names and addresses that differ in case only are the same; the folded column is what is compared
    Column("username_folded", String(128), nullable=False, unique=True),
    Column("email", String(320), nullable=False),
    Column("email_folded", String(320), nullable=False, unique=True),
    Column("firstname", String(128)),
    Column("lastname", String(128)),
    Column("organization_id", big_id, nullable=False, index=True),
    Column("password_hash", String(255), nullable=False),
    Column("failed_logins", Integer, nullable=False, server_default="0"),
    Column("locked_until", UtcDateTime),
    Column("otp_secret_encrypted", Text),
    # a secret that was shown but not yet proven by a code
    Column("otp_pending_encrypted", Text),
    # the last time step whose code was accepted: a code counts once
    Column("otp_last_step", big_id),
    Column("otp_failures", Integer, nullable=False, server_default="0"),
    Column("otp_locked_until", UtcDateTime),
    Column("failed_login_mailed_at", UtcDateTime),
    Column("recovery_mailed_at", UtcDateTime),
    Column("otp_recovery_mailed_at", UtcDateTime),
    Column("last_seen", UtcDateTime, index=True),
    # online or offline; null for one that was never connected
    Column("status", String(16), index=True),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("tokens_valid_from", big_id, nullable=False, server_default="0"),
    Column("created_at", UtcDateTime, nullable=False, server_default=utc_now()),
    sqlite_autoincrement=True,
)
pattern_index("ix_users_patterns", users.c.username, users.c.firstname, users.c.lastname, users.c.email)

rules = Table(
    "rules",
    metadata,
    # the catalogue gives the ids, the same in every installation
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(32), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("operation", String(16), nullable=False),
    Column("description", String(255), nullable=False),
    UniqueConstraint("name", "scope", "operation"),
)

roles = Table(
    "roles",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    Column("description", String(1024)),
    # null for the default roles, which belong to everybody
    Column("organization_id", big_id, index=True),
    Column("is_default_role", Boolean, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)
pattern_index("ix_roles_patterns", roles.c.name, roles.c.description)
# those that everybody sees, whatever else is asked for
Index("ix_roles_default", roles.c.id, postgresql_where=roles.c.is_default_role, sqlite_where=roles.c.is_default_role)

role_rules = Table(
    "role_rules",
    metadata,
    Column("role_id", big_id, ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True),
    Column("rule_id", Integer, ForeignKey("rules.id", ondelete="CASCADE"), primary_key=True, index=True),
)

user_roles = Table(
    "user_roles",
    metadata,
    Column("user_id", big_id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", big_id, ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True, index=True),
)

user_rules = Table(
    "user_rules",
    metadata,
    Column("user_id", big_id, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("rule_id", Integer, ForeignKey("rules.id", ondelete="CASCADE"), primary_key=True, index=True),
)

node_credentials = Table(
    "node_credentials",
    metadata,
    # the node's id, which api gives
    Column("node_id", big_id, primary_key=True, autoincrement=False),
    Column("organization_id", big_id, nullable=False, index=True),
    # null while the node is in none
    Column("collaboration_id", big_id, index=True),
    Column("name", String(128), nullable=False),
    # HMAC-SHA-256 of the API key: found by one look-up, whatever the number of nodes
    Column("key_hmac", String(64), unique=True),
    # of an adopted database, until the node's first login fills key_hmac
    Column("legacy_hash", String(255)),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("tokens_valid_from", big_id, nullable=False, server_default="0"),
    # as of which message organization, collaboration and name are known: an older one changes nothing
    Column("profile_as_of", UtcDateTime, nullable=False, server_default=utc_now()),
    # when api was last told that the node was seen
    Column("seen_told_at", UtcDateTime),
)

Index(
    "ix_node_credentials_legacy",
    node_credentials.c.node_id,
    postgresql_where=node_credentials.c.legacy_hash.is_not(None),
    sqlite_where=node_credentials.c.legacy_hash.is_not(None),
)
