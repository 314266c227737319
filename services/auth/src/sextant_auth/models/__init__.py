"""The tables of auth. Nobody else writes them; only repositories and migrations read this package."""

from sextant_auth.models._base import inbox, metadata, outbox
from sextant_auth.models.accounts import node_credentials, role_rules, roles, rules, user_roles, user_rules, users
from sextant_auth.models.audit import audit_log
from sextant_auth.models.directory import collaborations, memberships, organizations
from sextant_auth.models.mail import mail_queue
from sextant_auth.models.presence import user_connections
from sextant_auth.models.recovery import recovery_tokens
from sextant_auth.models.tokens import refresh_families, signing_keys

__all__ = [
    "audit_log",
    "collaborations",
    "inbox",
    "mail_queue",
    "memberships",
    "metadata",
    "node_credentials",
    "organizations",
    "outbox",
    "recovery_tokens",
    "refresh_families",
    "role_rules",
    "roles",
    "rules",
    "signing_keys",
    "user_connections",
    "user_roles",
    "user_rules",
    "users",
]
