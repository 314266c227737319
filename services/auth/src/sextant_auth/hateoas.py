"""How users, roles and rules look on the wire."""

from collections.abc import Iterable, Sequence
from typing import Any

from sextant_shared.http.hateoas import link, link_or_none, list_path, wire_time


def user(row: Any) -> dict[str, Any]:
    """A user, from a row with the profile's columns. What is secret is not among them."""
    return {
        "id": row.id,
        "type": "user",
        "username": row.username,
        "firstname": row.firstname,
        "lastname": row.lastname,
        "email": row.email,
        "organization": link("organization", row.organization_id),
        "roles": list_path("role", user_id=row.id),
        "rules": list_path("rule", user_id=row.id),
        "last_seen": wire_time(row.last_seen),
        "last_email_failed_login_sent": wire_time(row.failed_login_mailed_at),
        "last_email_recover_password_sent": wire_time(row.recovery_mailed_at),
        "status": row.status,
        # programs look for these; ours are never told, or not known
        "otp_secret": None,
        "ip": None,
    }


def permissions(
    role_ids: Sequence[int], rule_ids: Sequence[int], organization_ids: Sequence[int]
) -> dict[str, Sequence[int]]:
    """What `include_permissions` adds to a user."""
    return {"roles": role_ids, "rules": rule_ids, "orgs_in_collabs": organization_ids}


def role(row: Any) -> dict[str, Any]:
    """A role."""
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "organization": link_or_none("organization", row.organization_id),
        "is_default_role": row.is_default_role,
        "rules": list_path("rule", role_id=row.id),
        "users": list_path("user", role_id=row.id),
    }


def rule(row: Any) -> dict[str, Any]:
    """A rule."""
    return {
        "id": row.id,
        "name": row.name,
        "scope": row.scope,
        "operation": row.operation,
        "description": row.description,
        "users": list_path("user", rule_id=row.id),
    }


def users(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Several users."""
    return [user(row) for row in rows]


def roles(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Several roles."""
    return [role(row) for row in rows]


def rules(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Several rules."""
    return [rule(row) for row in rows]
