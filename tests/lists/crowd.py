"""Many rows of everything, written straight into the tables: how many, and the few that the examples speak of.

Ids are counted here, so that who belongs to whom is arithmetic. Values are spread so that a filter finds few.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Table

import sextant_api.models as api
import sextant_auth.models as auth
from sextant_auth.catalogue import DEFAULT_ROLES, RULES
from sextant_shared.contract.statuses import Presence, RunStatus

Rows = Iterator[tuple[Table, Sequence[Mapping[str, Any]]]]

MEMBERS: Final = 3
"""How many organizations a collaboration has."""
RUNS: Final = 2
"""How many runs a task has."""
ROUNDS: Final = 10
"""How many tasks a collaboration has; in the last round some are subtasks of the first."""

ORGANIZATION: Final = 7
COLLABORATION: Final = 7
STUDY: Final = 7
STORE: Final = 7
TASK: Final = 7
USER: Final = 7
"""Of organization 7, as those who ask are."""
ROLE: Final = len(DEFAULT_ROLES) + ORGANIZATION
"""Of organization 7."""

_BEGIN: Final = datetime(2025, 1, 1, tzinfo=UTC)
_DAYS: Final = 300
EARLY: Final = (_BEGIN + timedelta(days=1)).isoformat()
LATE: Final = (_BEGIN + timedelta(days=_DAYS - 1)).isoformat()


def node_of(organization: int, collaboration: int) -> int:
    """The node of one of the members of a collaboration."""
    return MEMBERS * (collaboration - 1) + (organization - collaboration) + 1


def run_of(task: int) -> int:
    """The first run of a task."""
    return RUNS * (task - 1) + 1


def port_of(run: int) -> int:
    """The port at which a run listens."""
    return 8000 + run % 5000


@dataclass(frozen=True)
class Size:
    """How many there are of what.

    Attributes:
        collaborations: and as many studies and stores; ten times as many tasks, twenty times as many runs.
        users: of auth; there are half as many roles.
    """

    collaborations: int
    users: int

    @property
    def organizations(self) -> int:
        """More than collaborations."""
        return self.collaborations + self.collaborations // 2

    def members(self, collaboration: int) -> list[int]:
        """The organizations in a collaboration."""
        return [(collaboration - 1 + place) % self.organizations + 1 for place in range(MEMBERS)]

    @property
    def memberships(self) -> list[dict[str, Any]]:
        """Who takes part in which collaboration."""
        return [
            {"collaboration_id": collaboration, "organization_id": organization}
            for collaboration in range(1, self.collaborations + 1)
            for organization in self.members(collaboration)
        ]


def rows_of_api(size: Size) -> Rows:
    """What is in the tables of api, beside the first organization."""
    yield api.organizations, [_organization(number) for number in range(2, size.organizations + 1)]
    collaborations = range(1, size.collaborations + 1)
    yield (
        api.collaborations,
        [
            {"id": number, "name": f"joint study {number:05}", "encrypted": number % 100 == 0}
            for number in collaborations
        ],
    )
    yield api.memberships, size.memberships
    yield (
        api.studies,
        [{"id": number, "name": f"part {number:05}", "collaboration_id": number} for number in collaborations],
    )
    yield (
        api.study_members,
        [
            {"study_id": number, "organization_id": member, "collaboration_id": number}
            for number in collaborations
            for member in size.members(number)[1:] + ([ORGANIZATION] if number == STUDY else [])
        ],
    )
    yield (
        api.algorithm_stores,
        [
            {
                "id": number,
                "name": f"store {number:05}",
                "url": f"https://stores.example/{number:05}",
                "collaboration_id": None if number % 500 == 0 else number,
            }
            for number in collaborations
        ],
    )
    nodes = [_node(number, row, size) for number, row in enumerate(size.memberships, 1)]
    yield api.nodes, nodes
    yield api.node_configs, [{"node_id": node["id"], "key": "allowed", "value": "all"} for node in nodes]
    yield from _work(size)


def _organization(number: int) -> dict[str, Any]:
    is_vague = number % 50 == 0
    return {
        "id": number,
        "name": f"hospital {number:05}",
        "country": None if is_vague else f"country {number % 300}",
        "domain": None if is_vague else f"{number:05}.example",
        "zipcode": None if is_vague else f"{number % 1000:04}",
        "address1": None if is_vague else f"canal {number:05}",
        "address2": None if number % 2 else f"floor {number % 9}",
        "public_key": "",
    }


def _node(number: int, membership: Mapping[str, Any], size: Size) -> dict[str, Any]:
    is_new = number % 50 == 0
    return {
        "id": number,
        "name": f"node {number:05}",
        **membership,
        "collaboration_id": None if is_new else membership["collaboration_id"],
        "ip": None if is_new else f"10.0.{number // 250}.{number % 250}",
        "last_seen": None if is_new else _moment(number, size.collaborations * MEMBERS),
        "status": Presence.ONLINE.value if number % 100 == 1 else Presence.OFFLINE.value,
    }


def _work(size: Size) -> Rows:
    tasks = [_task(number, size) for number in range(1, size.collaborations * ROUNDS + 1)]
    yield api.tasks, [task for task in tasks if task["parent_id"] is None]
    yield api.tasks, [task for task in tasks if task["parent_id"] is not None]
    yield api.task_databases, [{"task_id": task["id"], "label": task["databases"][0]["label"]} for task in tasks]
    runs = [_run(task, place, size) for task in tasks for place in range(RUNS)]
    yield api.runs, runs
    ids = [run["id"] for run in runs]
    yield api.run_inputs, [{"run_id": number, "input": "input", "reference": None} for number in ids]
    yield api.run_results, [{"run_id": number, "result": "result", "reference": None} for number in ids if number % 2]
    yield (
        api.run_ports,
        [
            {"run_id": number, "revision": 1, "ports": [{"id": number, "port": port_of(number), "label": "http"}]}
            for number in ids
        ],
    )
    yield api.run_port_numbers, [{"run_id": number, "port": port_of(number)} for number in ids]
    yield api.run_logs, [{"run_id": number, "said_at": _BEGIN, "piece": "log"} for number in ids]


def _task(number: int, size: Size) -> dict[str, Any]:
    round_, place = divmod(number - 1, size.collaborations)
    collaboration = place + 1
    parent = collaboration if round_ == ROUNDS - 1 and collaboration % 7 == 0 else None
    status = _status(number)
    created = _moment(number, size.collaborations * ROUNDS)
    return {
        "id": number,
        "job_id": parent or number,
        "name": f"average {number:05}",
        "description": f"of column {number:05}",
        "image": f"registry.example/{number:05}:1",
        "collaboration_id": collaboration,
        "study_id": collaboration if round_ == 1 else None,
        "store_id": collaboration if round_ in (1, 2) else None,
        "init_org_id": size.members(collaboration)[round_ % MEMBERS],
        "init_user_id": number % (size.users // 2) + 1,
        "parent_id": parent,
        "databases": [{"label": f"database {number % (size.collaborations // 2)}", "parameters": "{}"}],
        "created_at": created,
        "status": status.value,
        "finished_at": created + timedelta(hours=1) if status is RunStatus.COMPLETED else None,
    }


def _run(task: Mapping[str, Any], place: int, size: Size) -> dict[str, Any]:
    number = RUNS * (task["id"] - 1) + place + 1
    status = RunStatus(task["status"])
    assigned = task["created_at"]
    return {
        "id": number,
        "task_id": task["id"],
        "organization_id": size.members(task["collaboration_id"])[place],
        "collaboration_id": task["collaboration_id"],
        "status": status.value,
        "assigned_at": assigned,
        "started_at": None if status is RunStatus.PENDING else assigned + timedelta(minutes=1),
        "finished_at": assigned + timedelta(minutes=place + 2) if status.is_final else None,
        "cleanup_at": assigned + timedelta(days=9) if number % 2 else None,
        "blob_storage_used": False,
    }


def _status(number: int) -> RunStatus:
    return {7: RunStatus.CRASHED, 0: RunStatus.PENDING}.get(number % 100, RunStatus.COMPLETED)


def rows_of_auth(size: Size) -> Rows:
    """What is in the tables of auth, beside what the bootstrap makes."""
    yield auth.organizations, [{"id": number} for number in range(2, size.organizations + 1)]
    yield auth.collaborations, [{"id": number, "revision": 1} for number in range(1, size.collaborations + 1)]
    yield auth.memberships, size.memberships
    roles = size.users // 2
    first = len(DEFAULT_ROLES) + 1
    yield (
        auth.roles,
        [
            {
                "id": first + number,
                "name": f"role {number:05}",
                "description": None if number % 50 == 0 else f"for {number:05}",
                "organization_id": number % size.organizations + 1,
                "is_default_role": False,
            }
            for number in range(roles)
        ],
    )
    yield (
        auth.role_rules,
        [
            {"role_id": first + number, "rule_id": rule}
            for number in range(roles)
            for rule in {number % len(RULES) + 1, number * 7 % len(RULES) + 1}
        ],
    )
    users = range(2, size.users + 1)
    # the database counts these from 2 by itself, so that more can follow
    yield auth.users, [_user(number, size) for number in users]
    yield auth.user_roles, [{"user_id": number, "role_id": first + (number - 1) % roles} for number in users]
    yield (
        auth.user_rules,
        [{"user_id": number, "rule_id": number // 10 % len(RULES) + 1} for number in users if number % 10 == 0],
    )


def _user(number: int, size: Size) -> dict[str, Any]:
    is_vague = number % 50 == 0
    email = f"user{number:05}@users.example"
    return {
        "username": f"user{number:05}",
        "username_folded": f"user{number:05}",
        "email": email,
        "email_folded": email,
        "firstname": None if is_vague else f"first {number:05}",
        "lastname": None if is_vague else f"last {number:05}",
        "organization_id": (number - 1) % size.organizations + 1,
        "password_hash": "none that any password has",
        "last_seen": None if is_vague else _moment(number, size.users),
    }


def _moment(number: int, of: int) -> datetime:
    return _BEGIN + _DAYS * timedelta(days=1) * (number / of)
