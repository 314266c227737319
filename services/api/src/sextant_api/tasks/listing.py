"""Reads what a list of tasks is narrowed by, and judges whether the caller may ask that.

A filter names something: what does not exist is the caller's mistake, and what lies out of its reach is refused.
"""

from dataclasses import replace

from sextant_api.ownership.policy import Owner, Reach, require
from sextant_api.ownership.repository import Lookups
from sextant_api.tasks.repository import TaskFilter
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import BadRequestError, ValidationFailedError
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.http.query import Query
from sextant_shared.security import Principal
from sextant_shared.security.principal_cache import PrincipalSource

_VIEW = "see these tasks"


def read_filter(query: Query) -> TaskFilter:
    """Read the filters of a query.

    Raises:
        ValidationFailedError: one is not what it should be.
    """
    created_by_user = query.number("is_user_created")
    return TaskFilter(
        name=query.text("name"),
        description=query.text("description"),
        image=query.text("image"),
        status=_status(query),
        database=query.text("database"),
        collaboration_id=query.number("collaboration_id"),
        study_id=query.number("study_id"),
        store_id=query.number("store_id"),
        init_org_id=query.number("init_org_id"),
        init_user_id=query.number("init_user_id"),
        parent_id=query.number("parent_id"),
        job_id=query.number("job_id"),
        run_id=query.number("run_id"),
        is_user_created=None if created_by_user is None else created_by_user != 0,
    )


def _status(query: Query) -> str | None:
    status = query.text("status")
    if status is not None and status not in set(RunStatus):
        raise ValidationFailedError({"status": [f"Must be one of: {', '.join(RunStatus)}"]})
    return status


def lookups(narrowed: TaskFilter, principal: Principal) -> Lookups:
    """Say what has to be known of the things that the filters name."""
    wanted = Lookups(principal.organization_id)
    for name, value, look_up in (
        ("collaboration_id", narrowed.collaboration_id, wanted.collaboration),
        ("study_id", narrowed.study_id, wanted.study),
        ("store_id", narrowed.store_id, wanted.store),
        ("init_org_id", narrowed.init_org_id, wanted.organization),
        ("parent_id", narrowed.parent_id, wanted.task),
        ("job_id", narrowed.job_id, wanted.job),
        ("run_id", narrowed.run_id, wanted.run),
    ):
        if value is not None:
            look_up(name, value)
    return wanted


async def look_up_user(narrowed: TaskFilter, principal: Principal, wanted: Lookups, users: PrincipalSource) -> None:
    """Look up the organization of the user that is named; of another than the caller, auth knows it.

    Raises:
        BadRequestError: there is no such user.
        UnavailableError: auth does not answer.
    """
    if narrowed.init_user_id is None:
        return
    if principal.is_user and narrowed.init_user_id == principal.id:
        organization_id = principal.organization_id
    else:
        user = await users.fetch(ClientType.USER, narrowed.init_user_id)
        if user is None:
            raise BadRequestError(f"There is no user {narrowed.init_user_id}")
        organization_id = user.organization_id
    wanted.organization("init_user_id", organization_id)


def judge(narrowed: TaskFilter, principal: Principal, reach: Reach, found: dict[str, Owner]) -> None:
    """Let the filters pass.

    Raises:
        BadRequestError: one names what does not exist.
        PermissionDeniedError: one names what the caller's reach does not cover.
    """
    for name in ("study_id", "store_id", "parent_id", "job_id", "run_id"):
        if getattr(narrowed, name) is not None and name not in found:
            raise BadRequestError(f"Nothing is known under this {name}")
    if narrowed.collaboration_id is not None:
        nowhere = Owner(narrowed.collaboration_id, None, None, is_near=False)
        require(reach, principal, found.get("collaboration_id", nowhere), _VIEW)
    for name in ("parent_id", "job_id"):
        if name in found:
            # what descends from a task may be of other organizations: its collaboration counts, not who made it
            require(reach, principal, replace(found[name], organization_id=None, user_id=None), _VIEW)
    for name in ("study_id", "init_org_id"):
        if name in found:
            require(reach, principal, found[name], _VIEW)
    if "init_user_id" in found:
        organization = found["init_user_id"]
        user = Owner(None, organization.organization_id, narrowed.init_user_id, organization.is_near)
        require(reach, principal, user, _VIEW)
