"""Reads what a list of runs or results is narrowed by, and judges whether the caller may ask that."""

from sextant_api.ownership.policy import Owner, Reach, require
from sextant_api.ownership.repository import Lookups
from sextant_api.runs.repository import RunFilter
from sextant_shared.contract.errors import BadRequestError
from sextant_shared.http.query import Query
from sextant_shared.security import Principal

_VIEW = "see these runs"
_OPEN = "open"


def read_filter(query: Query) -> RunFilter:
    """Read the filters of a query.

    Raises:
        ValidationFailedError: one is not what it should be.
    """
    return RunFilter(
        task_id=query.id("task_id"),
        organization_id=query.id("organization_id"),
        collaboration_id=query.id("collaboration_id"),
        # an empty one counts as none
        node_id=query.id("node_id") if query.text("node_id") else None,
        only_open=query.text("state") == _OPEN,
        assigned_from=query.moment("assigned_from"),
        assigned_till=query.moment("assigned_till"),
        started_from=query.moment("started_from"),
        started_till=query.moment("started_till"),
        finished_from=query.moment("finished_from"),
        finished_till=query.moment("finished_till"),
        port=query.number("port"),
    )


def lookups(narrowed: RunFilter, principal: Principal) -> Lookups:
    """Say what has to be known of the things that the filters name."""
    wanted = Lookups(principal.organization_id)
    for name, value, look_up in (
        ("task_id", narrowed.task_id, wanted.task),
        ("node_id", narrowed.node_id, wanted.node),
        ("collaboration_id", narrowed.collaboration_id, wanted.collaboration),
        ("organization_id", narrowed.organization_id, wanted.organization),
    ):
        if value is not None:
            look_up(name, value)
    return wanted


def judge(narrowed: RunFilter, principal: Principal, reach: Reach, found: dict[str, Owner]) -> None:
    """Let the filters pass.

    Raises:
        BadRequestError: one names what does not exist.
        PermissionDeniedError: one names what the caller's reach does not cover.
    """
    for name in ("task_id", "node_id"):
        if getattr(narrowed, name) is not None and name not in found:
            raise BadRequestError(f"Nothing is known under this {name}")
    if narrowed.collaboration_id is not None:
        nowhere = Owner(narrowed.collaboration_id, None, None, is_near=False)
        require(reach, principal, found.get("collaboration_id", nowhere), _VIEW)
    for name in ("task_id", "node_id", "organization_id"):
        if name in found:
            require(reach, principal, found[name], _VIEW)
