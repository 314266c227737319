"""Which lists there are, what they may be narrowed and sorted by, and what else they may show: read off the documents.

Owns an example for each filter, which the tests demand; must not know how anything is stored.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .crowd import COLLABORATION, EARLY, LATE, ORGANIZATION, ROLE, STORE, STUDY, TASK, USER, node_of, run_of

ROOT: Final = Path(__file__).parent.parent.parent
SERVICES: Final = ("api", "auth", "vpn-registry")
_PAGES: Final = "PageOf"
_NO_FILTER: Final = {"include", "sort", "no_pagination"}
"""What changes the answer and narrows nothing."""


@dataclass(frozen=True)
class ListRoute:
    """A route that answers with pages.

    Attributes:
        service: that has it.
        path: of the route.
        filters: the names of the parameters that narrow it.
        includes: the words that `include` knows.
        sorts: the names by which it may be sorted.
    """

    service: str
    path: str
    filters: tuple[str, ...]
    includes: tuple[str, ...]
    sorts: tuple[str, ...]

    def __str__(self) -> str:
        return self.path

    @property
    def shapes(self) -> Sequence[Mapping[str, str]]:
        """The queries for each `include`, for all of them, and for none."""
        words = [*self.includes, *([",".join(self.includes)] if len(self.includes) > 1 else [])]
        return [{}, *({"include": word} for word in words)]


def list_routes() -> list[ListRoute]:
    """All lists of all services."""
    return [route for service in SERVICES for route in _of_document(service)]


def _of_document(service: str) -> Iterator[ListRoute]:
    document = json.loads((ROOT / "services" / service / "openapi.json").read_text())
    for path, item in document["paths"].items():
        answers = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        shown = answers.get("application/json", {}).get("schema", {}).get("$ref", "")
        if shown.rpartition("/")[2].startswith(_PAGES):
            yield _route(service, path, item["get"]["parameters"])


def _route(service: str, path: str, parameters: Sequence[Mapping[str, Any]]) -> ListRoute:
    described = {parameter["name"]: parameter for parameter in parameters if "name" in parameter}
    includes = described["include"]["schema"]["examples"][0] if "include" in described else []
    sorts = described["sort"]["schema"]["items"]["enum"] if "sort" in described else []
    return ListRoute(
        service,
        path,
        filters=tuple(name for name in described if name not in _NO_FILTER),
        includes=tuple(includes),
        sorts=tuple(name for name in sorts if not name.startswith("-")),
    )


_RUNS: Final[Mapping[str, Any]] = {
    "task_id": TASK,
    "organization_id": ORGANIZATION,
    "collaboration_id": COLLABORATION,
    "node_id": node_of(ORGANIZATION, COLLABORATION),
    "state": "open",
    "assigned_from": LATE,
    "assigned_till": EARLY,
    "started_from": LATE,
    "started_till": EARLY,
    "finished_from": LATE,
    "finished_till": EARLY,
    "port": 8888,
}

EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "/api/algorithmstore": {"name": "%store 0007%", "url": "%/0007%", "collaboration_id": COLLABORATION},
    "/api/collaboration": {
        "name": "%study 0007%",
        "encrypted": "true",
        "organization_id": ORGANIZATION,
        "algorithm_store_id": STORE,
    },
    "/api/node": {
        "name": "%node 0007%",
        "organization_id": ORGANIZATION,
        "collaboration_id": COLLABORATION,
        "study_id": STUDY,
        "status": "online",
        "ip": "10.0.0.7",
        "last_seen_from": LATE,
        "last_seen_till": EARLY,
    },
    "/api/organization": {
        "name": "%hospital 0007%",
        "country": "country 7",
        "collaboration_id": COLLABORATION,
        "study_id": STUDY,
        "ids": [ORGANIZATION, ORGANIZATION + 1],
    },
    "/api/result": _RUNS,
    "/api/role": {
        "name": ["%role 0007%", "%role 0008%"],
        "description": "%for 0007%",
        "organization_id": [ORGANIZATION, ORGANIZATION + 1],
        "collaboration_id": COLLABORATION,
        "rule_id": 86,
        "user_id": USER,
        # narrows nothing by itself, and widens another
        "include_root": "true",
    },
    "/api/rule": {"name": "task", "scope": "GLOBAL", "operation": "VIEW", "role_id": 4, "user_id": USER},
    "/api/run": _RUNS,
    "/api/study": {"name": "%part 0007%", "organization_id": ORGANIZATION, "collaboration_id": COLLABORATION},
    "/api/task": {
        "name": "%average 0007%",
        "description": "%column 0007%",
        "image": "%/0007%",
        "status": "crashed",
        "database": "database 7",
        "collaboration_id": COLLABORATION,
        "study_id": STUDY,
        "store_id": STORE,
        "init_org_id": ORGANIZATION,
        "init_user_id": USER,
        "parent_id": TASK,
        "job_id": TASK,
        "run_id": run_of(TASK),
        "is_user_created": "0",
    },
    "/api/user": {
        "username": "%user0007%",
        "firstname": "%first 0007%",
        "lastname": "%last 0007%",
        "email": "%0007@%",
        "organization_id": ORGANIZATION,
        "collaboration_id": COLLABORATION,
        "role_id": ROLE,
        "rule_id": 86,
        "last_seen_from": LATE,
        "last_seen_till": EARLY,
    },
}
"""A value for each filter that few of many rows have."""

TOGETHER: Final[Mapping[tuple[str, str], Mapping[str, Any]]] = {
    ("/api/role", "include_root"): {"organization_id": ORGANIZATION},
}
"""What has to be asked for beside a filter for it to mean anything."""
