"""The server that the made-up requests go to, with one of each thing, and callers of each kind."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sextant_shared.testing.backing import BackingServers
from tests.shapes import Shape, standalone_shape

SETTINGS = {
    "SEXTANT_STATUS_HOLD_SECONDS": "0",  # a held poll has the same answer, later
    "SEXTANT_LOG_LEVEL": "warning",
}


@dataclass(frozen=True)
class Target:
    """A server of its own, because nothing on it is as it was afterwards.

    Attributes:
        url: where it is.
        headers: of each kind of caller.
        user_id: of the user among them, who has to stay.
    """

    url: str
    headers: Mapping[str, Mapping[str, str]]
    user_id: int


@pytest.fixture(scope="session")
def target(backing_servers: BackingServers) -> Iterator[Target]:
    """A standalone server: what is asked here is a matter of the services, not of the shape."""
    with standalone_shape(backing_servers, settings=SETTINGS) as shape:
        yield _prepare(shape)


def _prepare(shape: Shape) -> Target:
    password = f"Aa1!{secrets.token_urlsafe(12)}"
    with httpx2.Client(base_url=f"{shape.url}/api") as http:

        def post(path: str, body: Mapping[str, Any], **headers: str) -> Any:
            answer = http.post(path, json=body, headers=headers)
            assert answer.is_success, f"{path}: {answer.text}"
            return answer.json()

        def log_in(kind: str, **body: str) -> str:
            return f"Bearer {post(f'/token/{kind}', body)['access_token']}"

        http.headers["Authorization"] = log_in("user", username="root", password=shape.root_password)
        organization = post("/organization", {"name": "Hospital of Bruges"})["id"]
        user = post(
            "/user",
            {
                "username": "berta",
                "password": password,
                "email": "berta@bruges.example",
                "organization_id": organization,
                "roles": [1],
            },
        )["id"]
        berta = log_in("user", username="berta", password=password)
        http.headers["Authorization"] = berta
        collaboration = post(
            "/collaboration", {"name": "Common tumours", "organization_ids": [1, organization], "encrypted": False}
        )["id"]
        post("/study", {"name": "Deaths", "collaboration_id": collaboration, "organization_ids": [organization]})
        key = post("/node", {"collaboration_id": collaboration, "organization_id": organization})["api_key"]
        post("/role", {"name": "Data steward", "rules": [1]})
        task = {
            "name": "Average age",
            "image": "image",
            "collaboration_id": collaboration,
            "organizations": [{"id": organization, "input": "e30="}],
            "databases": [{"label": "default"}],
        }
        task_id = post("/task", task)["id"]
        node = log_in("node", api_key=key)
        container = post("/token/container", {"task_id": task_id, "image": "image"}, Authorization=node)
    headers = {
        "user": {"Authorization": berta},
        "node": {"Authorization": node},
        "container": {"Authorization": f"Bearer {container['container_token']}"},
        "nobody": {},
        "forger": {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOjF9."},
        "babbler": {"Authorization": "Bearer what is this"},
    }
    return Target(shape.url, headers, user)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let what takes things away come after what asks for them."""
    places = [place for place, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    in_order = sorted((items[place] for place in places), key=_how_late)
    for place, item in zip(places, in_order, strict=True):
        items[place] = item


_LATE = (
    "[POST /api/kill",  # ends the container
    "[POST /api/recover/node",  # ends the node
    "[DELETE",
    "to_the_end",
)
_CALLERS = ("[container]", "[node]")
"""Who may be gone after what others ask: a node ends the run that the container belongs to."""


def _how_late(item: pytest.Item) -> tuple[int, int]:
    what = next((rank for rank, part in enumerate(_LATE, 1) if part in item.name), 0)
    who = next((rank for rank, part in enumerate(_CALLERS) if part in item.name), len(_CALLERS))
    return what, who
