"""What an application says about itself follows from how its routes are declared."""

from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends
from pydantic import BaseModel, Field

from sextant_shared.contract.claims import ClientType
from sextant_shared.http.access import Anyone, Caller, Peer
from sextant_shared.http.documentation import (
    LIKE,
    REFRESH_TOKEN,
    Document,
    DocumentedApi,
    Id,
    Listed,
    filters,
    refusals,
    secured_by,
    sorted_by,
)
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, requested_page
from sextant_shared.http.query import PathId
from sextant_shared.http.service import make_app
from sextant_shared.security import Principal

User = Annotated[Principal, Depends(Caller(ClientType.USER))]
Everybody = Annotated[Principal, Depends(Caller())]

SORTABLE = {"name": "a column", "id": "another", "owner": None}


class Thing(Document):
    id: Id


class NewThing(BaseModel):
    id: Id
    owner: Id = 0
    name: Annotated[str, Field(min_length=1)] = ""
    note: str = "none"


class ThingChanges(BaseModel):
    note: str = ""


def make() -> DocumentedApi:
    app = make_app(title="things", description="Things")

    @app.get("/thing", response_model=Listed[Thing], openapi_extra=filters(name=LIKE, sort=sorted_by(SORTABLE)))
    async def list_things(_: Everybody, page: Annotated[Page, Depends(requested_page)]) -> JsonResponse:
        """List things. The newest first."""
        return JsonResponse({"page": page.number})

    @app.post("/thing", status_code=201, response_model=Thing)
    async def create_thing(_: User, new: NewThing) -> JsonResponse:
        """Make a thing."""
        return JsonResponse({"id": new.id, "not": "documented"}, status_code=201)

    @app.patch("/thing/{thing_id}", response_model=Thing)
    async def change_thing(_: User, thing_id: PathId, changes: ThingChanges) -> JsonResponse:
        """Change a thing."""
        return JsonResponse({"id": thing_id, "note": changes.note})

    @app.get("/internal/thing", response_model=Thing)
    async def list_things_for_services(_: Annotated[Principal, Depends(Peer())]) -> JsonResponse:
        """List things for services."""
        return JsonResponse({})

    @app.delete("/thing/{thing_id}", responses=refusals(501))
    async def delete_thing(_: Everybody, thing_id: PathId) -> JsonResponse:
        """Delete a thing; there is no way back."""
        return JsonResponse({"msg": f"{thing_id}"})

    @app.get("/open", dependencies=[Depends(Anyone())])
    async def read_open() -> JsonResponse:
        """Show what everybody may see."""
        return JsonResponse({})

    @app.get("/undocumented", dependencies=[Depends(Anyone())], response_model=Thing)
    async def read_undocumented() -> JsonResponse:
        """Show something else than is documented."""
        return JsonResponse({"id": "none", "more": 1})

    @app.post("/refresh", dependencies=[Depends(Anyone())], openapi_extra=secured_by(REFRESH_TOKEN))
    async def refresh() -> JsonResponse:
        """Go on."""
        return JsonResponse({})

    return app


@pytest.fixture
def document() -> dict[str, Any]:
    return make().openapi()


def parameters(operation: dict[str, Any]) -> list[str]:
    return [parameter.get("name") or parameter["$ref"] for parameter in operation["parameters"]]


def refused(operation: dict[str, Any]) -> list[str]:
    return sorted(status for status in operation["responses"] if status >= "400")


@pytest.mark.parametrize(
    ("path", "name"), [("/thing", "list_things"), ("/internal/thing", "internal_list_things_for_services")]
)
def test_the_name_of_a_function_is_the_operation_id(document: dict[str, Any], path: str, name: str) -> None:
    assert document["paths"][path]["get"]["operationId"] == name


@pytest.mark.parametrize(
    ("path", "method", "summary"),
    [
        ("/thing", "get", "List things"),
        ("/thing", "post", "Make a thing"),
        ("/thing/{thing_id}", "delete", "Delete a thing"),
    ],
)
def test_the_summary_is_the_first_clause_of_the_docstring(
    document: dict[str, Any], path: str, method: str, summary: str
) -> None:
    assert document["paths"][path][method]["summary"] == summary


def test_a_description_says_for_whom_a_route_is(document: dict[str, Any]) -> None:
    assert document["paths"]["/thing"]["get"]["description"].endswith("For users, nodes and containers.")
    assert document["paths"]["/thing"]["post"]["description"].endswith("For users.")


def test_a_list_has_its_filters_and_the_parameters_and_headers_of_pages(document: dict[str, Any]) -> None:
    operation = document["paths"]["/thing"]["get"]

    assert parameters(operation) == [
        "name",
        "sort",
        "#/components/parameters/page",
        "#/components/parameters/per_page",
    ]
    assert set(operation["responses"]["200"]["headers"]) == {"total-count", "Link"}


def test_a_list_tells_the_names_that_sort_it_and_not_those_that_change_nothing(document: dict[str, Any]) -> None:
    (sort,) = [part for part in document["paths"]["/thing"]["get"]["parameters"] if part.get("name") == "sort"]

    assert sort["schema"]["items"]["enum"] == ["id", "name", "-id", "-name"]


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/thing", "get", ["400", "401", "422", "503"]),
        ("/thing", "post", ["400", "401", "403", "413", "415", "422", "503"]),
        ("/thing/{thing_id}", "delete", ["400", "401", "404", "422", "501", "503"]),
        ("/open", "get", ["503"]),
    ],
)
def test_refusals_follow_from_how_a_route_is_declared(
    document: dict[str, Any], path: str, method: str, statuses: list[str]
) -> None:
    assert refused(document["paths"][path][method]) == statuses


def test_every_refusal_has_the_one_form_of_errors(document: dict[str, Any]) -> None:
    refusals_of_all = {
        response["$ref"].rpartition("/")[2]
        for item in document["paths"].values()
        for operation in item.values()
        for status, response in operation["responses"].items()
        if status >= "400"
    }
    schemas = {
        document["components"]["responses"][name]["content"]["application/json"]["schema"]["$ref"]
        for name in refusals_of_all
    }

    assert schemas == {"#/components/schemas/Error"}
    assert set(document["components"]["schemas"]["Error"]["required"]) == {"msg", "code", "request_id"}


def test_who_needs_what_to_get_in_is_said(document: dict[str, Any]) -> None:
    assert document["paths"]["/thing"]["get"]["security"] == [{"token": []}]
    assert document["paths"]["/open"]["get"]["security"] == []
    assert document["paths"]["/refresh"]["post"]["security"] == [{REFRESH_TOKEN: []}]
    assert {"token", REFRESH_TOKEN} <= set(document["components"]["securitySchemes"])


def test_a_success_is_described_by_its_model(document: dict[str, Any]) -> None:
    content = document["paths"]["/thing"]["post"]["responses"]["201"]["content"]

    assert content["application/json"]["schema"] == {"$ref": "#/components/schemas/Thing"}


def test_the_bounds_of_ids_are_exact(document: dict[str, Any]) -> None:
    bounds = document["components"]["schemas"]["Thing"]["properties"]["id"]

    assert (bounds["minimum"], bounds["maximum"]) == (1, 2**63 - 1)
    assert isinstance(bounds["maximum"], int)


def test_a_default_that_only_stands_for_absence_is_not_told(document: dict[str, Any]) -> None:
    fields = document["components"]["schemas"]["NewThing"]["properties"]

    assert {name: field.get("default") for name, field in fields.items()} == {
        "id": None,
        "owner": None,
        "name": None,
        "note": "none",
    }


def test_what_a_change_leaves_out_has_no_default(document: dict[str, Any]) -> None:
    assert "default" not in document["components"]["schemas"]["ThingChanges"]["properties"]["note"]


async def test_answers_are_not_validated_on_the_way_out() -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(make()), base_url="http://test") as http:
        answer = await http.get("/undocumented")

    assert answer.json() == {"id": "none", "more": 1}
