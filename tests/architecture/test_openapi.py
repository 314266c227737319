"""The OpenAPI documents: up to date, valid, complete, and true about what is read from a query."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest
from fastapi.routing import iter_route_contexts
from openapi_spec_validator import validate
from pydantic import SecretStr

from sextant_shared.http.access import declared_calls, declared_routes
from sextant_shared.http.query import Query
from sextant_shared.http.service import Service
from sextant_standalone.app import Standalone, create_standalone
from sextant_standalone.settings import StandaloneSettings

ROOT = Path(__file__).parent.parent.parent
MERGED = ROOT / "services/api/src/sextant_api/documentation/openapi.json"
OF_SERVICES = sorted(ROOT.glob("services/*/openapi.json"))
NOT_PUBLIC = ("/internal", "/livez", "/readyz", "/metrics")
NOT_DESCRIBED = {"GET /api/docs/{name}"}
"""What the page of the documentation loads."""
PASSWORD = "Correct-horse-7"
NOWHERE = 999


def read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def successes(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [response for status, response in operation["responses"].items() if status.startswith("2")]


@pytest.fixture
async def standalone(tmp_path: Path) -> AsyncIterator[Standalone]:
    server = await create_standalone(StandaloneSettings(data=tmp_path, root_password=SecretStr(PASSWORD)))
    yield server
    for give_back in server.close:
        await give_back()


def public_routes(services: list[Service]) -> list[str]:
    routes = [route for service in services for route in declared_routes(service.app)]
    return [route for route in routes if not route.partition(" ")[2].startswith(NOT_PUBLIC)]


def test_the_documents_are_up_to_date() -> None:
    command = [sys.executable, "scripts/openapi.py", "--check"]
    told = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603 -- ours

    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("file", [*OF_SERVICES, MERGED], ids=lambda file: file.relative_to(ROOT).parts[1])
def test_a_document_is_valid(file: Path) -> None:
    validate(read(file))


async def test_every_public_route_is_in_exactly_one_document(standalone: Standalone) -> None:
    described = Counter(route for file in OF_SERVICES for route, _ in operations(read(file)))

    assert described == Counter(set(public_routes(list(standalone.services))) - NOT_DESCRIBED)


def test_the_merged_document_has_all_operations_of_the_others() -> None:
    described = {route: operation for file in OF_SERVICES for route, operation in operations(read(file))}

    assert dict(operations(read(MERGED))) == described


def test_operation_ids_are_unique_over_all_services() -> None:
    ids = Counter(operation["operationId"] for _, operation in operations(read(MERGED)))

    assert [operation_id for operation_id, count in ids.items() if count > 1] == []


@pytest.mark.parametrize("what", ["summary", "description", "tags"])
def test_every_operation_says_what_it_is(what: str) -> None:
    assert [route for route, operation in operations(read(MERGED)) if not operation.get(what)] == []


def test_every_operation_says_what_lets_callers_in() -> None:
    document = read(MERGED)
    known = set(document["components"]["securitySchemes"])

    unknown = {
        route: operation.get("security")
        for route, operation in operations(document)
        if "security" not in operation or not {name for way in operation["security"] for name in way} <= known
    }
    assert unknown == {}


def test_every_operation_describes_its_success_or_that_it_is_not_offered() -> None:
    silent = [
        route
        for route, operation in operations(read(MERGED))
        if not all(
            content.get("schema") for response in successes(operation) for content in response["content"].values()
        )
        or not (successes(operation) or "501" in operation["responses"])
    ]

    assert silent == []


def test_every_body_has_an_example_that_is_valid() -> None:
    document = read(MERGED)
    bodies = {
        route: operation["requestBody"]["content"]["application/json"]["schema"]
        for route, operation in operations(document)
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    for route, schema in bodies.items():
        examples = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]].get("examples", [])
        assert examples, route
        for example in examples:
            jsonschema.validate(example, {**schema, "components": document["components"]})


async def test_what_is_read_from_a_query_is_what_is_described(standalone: Standalone) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=standalone.asgi), base_url="http://all") as http:
        await make_one_of_each(http)
        asked: set[str] = set()
        readers = set()
        for service in standalone.services:
            service.app.dependency_overrides[Query] = recorder(asked)
            readers |= {
                f"{method} {route.path}"
                for route in iter_route_contexts(service.app.routes)
                for method in route.methods or ()
                if Query in declared_calls(route)
            }
        described, found = {}, {}
        for route, operation in operations(read(MERGED)):
            if route in readers:
                asked.clear()
                await ask(http, route)
                found[route] = set(asked)
                # `sort` is read with the page: tests/lists walks all that it may be
                described[route] = {
                    parameter["name"] for parameter in operation["parameters"] if parameter.get("in") == "query"
                } - {"sort"}

    assert readers == set(described)
    assert found == described


def recorder(asked: set[str]) -> Any:
    class RecordingQuery(Query):
        def __getattribute__(self, name: str) -> Any:
            read_parameter = super().__getattribute__(name)
            if name.startswith("_"):
                return read_parameter

            def remember(parameter: str) -> Any:
                asked.add(parameter)
                return read_parameter(parameter)

            return remember

    return RecordingQuery


async def make_one_of_each(http: httpx2.AsyncClient) -> None:
    """Log in as root, and make what can only be looked at once it is there."""
    answer = await http.post("/api/token/user", json={"username": "root", "password": PASSWORD})
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    for path, body in (
        ("collaboration", {"name": "one", "organization_ids": [1], "encrypted": False}),
        ("study", {"name": "one", "collaboration_id": 1, "organization_ids": [1]}),
        ("node", {"collaboration_id": 1, "organization_id": 1}),
        ("task", {"image": "image", "collaboration_id": 1, "organizations": [{"id": 1, "input": "e30="}]}),
    ):
        made = await http.post(f"/api/{path}", json=body)
        assert made.is_success, made.text


async def ask(http: httpx2.AsyncClient, route: str) -> None:
    """Look at the first of what a route is about; delete nothing that is there."""
    method, _, path = route.partition(" ")
    head, _, tail = path.partition("{")
    chosen = 1 if method == "GET" else NOWHERE
    await http.request(method, f"{head}{chosen}{tail.partition('}')[2]}" if tail else head)
