"""The tables of api: all of them, so that whoever imports this has the whole metadata."""

from sextant_api.models._base import inbox, metadata, outbox
from sextant_api.models.structure import (
    algorithm_stores,
    collaborations,
    connections,
    memberships,
    node_configs,
    nodes,
    organizations,
    studies,
    study_members,
)

__all__ = [
    "algorithm_stores",
    "collaborations",
    "connections",
    "inbox",
    "memberships",
    "metadata",
    "node_configs",
    "nodes",
    "organizations",
    "outbox",
    "studies",
    "study_members",
]
