"""How the things of api look on the wire: from rows to JSON.

Owns which field stands where; takes rows that a repository fetched, and must not fetch anything itself.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sextant_shared.db import Row
from sextant_shared.http.hateoas import link, link_or_none, list_path, wire_time


def organization(row: Row[Any]) -> dict[str, Any]:
    """One organization."""
    return {
        "id": row.id,
        "name": row.name,
        "domain": row.domain,
        "address1": row.address1,
        "address2": row.address2,
        "zipcode": row.zipcode,
        "country": row.country,
        "public_key": row.public_key,
        "collaborations": list_path("collaboration", organization_id=row.id),
        "nodes": list_path("node", organization_id=row.id),
        "users": list_path("user", organization_id=row.id),
        "tasks": list_path("task", init_org_id=row.id),
        "runs": list_path("run", organization_id=row.id),
        "studies": list_path("study", organization_id=row.id),
    }


def organizations(rows: Iterable[Row[Any]]) -> list[dict[str, Any]]:
    """Several organizations, in full."""
    return [organization(row) for row in rows]


def collaboration(row: Row[Any], *, members: Sequence[Row[Any]] | None = None) -> dict[str, Any]:
    """One collaboration; with `members`, these stand in it in full."""
    return {
        "id": row.id,
        "name": row.name,
        "encrypted": row.encrypted,
        "organizations": (
            list_path("organization", collaboration_id=row.id) if members is None else organizations(members)
        ),
        "nodes": list_path("node", collaboration_id=row.id),
        "tasks": list_path("task", collaboration_id=row.id),
        "algorithm_stores": list_path("algorithmstore", collaboration_id=row.id),
        "studies": list_path("study", collaboration_id=row.id),
    }


def study(row: Row[Any], *, members: Sequence[Row[Any]] | None = None) -> dict[str, Any]:
    """One study; with `members`, these stand in it in full."""
    return {
        "id": row.id,
        "name": row.name,
        "collaboration": link("collaboration", row.collaboration_id),
        "organizations": list_path("organization", study_id=row.id) if members is None else organizations(members),
        "tasks": list_path("task", study_id=row.id),
    }


def algorithm_store(row: Row[Any]) -> dict[str, Any]:
    """One algorithm store."""
    collaborations = None if row.collaboration_id is None else list_path("collaboration", algorithm_store_id=row.id)
    return {"id": row.id, "name": row.name, "url": row.url, "collaborations": collaborations}


def node(row: Row[Any], config: Sequence[Row[Any]]) -> dict[str, Any]:
    """One node, with what it shares about its configuration."""
    return {
        "id": row.id,
        "type": "node",
        "name": row.name,
        "organization": link("organization", row.organization_id),
        "collaboration": link_or_none("collaboration", row.collaboration_id),
        "ip": row.ip,
        "status": row.status,
        "last_seen": wire_time(row.last_seen),
        "config": [{"key": entry.key, "value": entry.value} for entry in config],
    }


def node_of_collaboration(row: Row[Any]) -> dict[str, Any]:
    """One node, as the answer to adding one to a collaboration lists it."""
    return {
        "id": row.id,
        "name": row.name,
        "organization": link("organization", row.organization_id),
        "ip": row.ip,
        "status": row.status,
        "last_seen": wire_time(row.last_seen),
    }
