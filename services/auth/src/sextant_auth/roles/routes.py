"""`/api/role`, and the rules of each role."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError

from sextant_auth import hateoas
from sextant_auth.dependencies import Parts, ReadQuery, User
from sextant_auth.roles.documents import DELETION, FILTERS, Role, RoleError
from sextant_auth.roles.repository import Filters
from sextant_auth.roles.schemas import NewRole, RoleChanges
from sextant_auth.rules.documents import Rule
from sextant_shared.contract.errors import ValidationFailedError
from sextant_shared.contract.permissions import Operation
from sextant_shared.http.access import GuardedRoute, Router
from sextant_shared.http.documentation import Listed, Message, refusals
from sextant_shared.http.exception_handlers import field_errors, says_json
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId

_CREATED = 201
_REFUSED: dict[int | str, dict[str, Any]] = {400: {"model": RoleError, "description": RoleError.__doc__}}


class _RoleRoute(GuardedRoute):
    """A route that names wrong fields under `msg` (beside `errors`), which the wire does for roles alone."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the ordinary handling."""
        handle = super().get_route_handler()

        async def handle_role(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                problems = error.errors()
                about_fields = all(
                    problem["loc"][0] == "body" and problem["type"] != "json_invalid" for problem in problems
                )
                if not about_fields or not says_json(request):
                    raise
                failed = ValidationFailedError(field_errors(error))
                failed.extra["msg"] = failed.extra["errors"]
                raise failed from None

        return handle_role


router = Router(prefix="/api/role", tags=["roles"], route_class=_RoleRoute)


@router.get("", response_model=Listed[Role], responses=refusals(404), openapi_extra=FILTERS)
async def list_roles(
    request: Request,
    caller: User,
    query: ReadQuery,
    page: Annotated[Page, Depends(requested_page)],
    parts: Parts,
) -> JsonResponse:
    """List the roles that the caller sees."""
    filters = Filters(
        names=query.texts("name"),
        descriptions=query.texts("description"),
        organization_ids=query.ids("organization_id"),
        collaboration_id=query.id("collaboration_id"),
        rule_id=query.any_id("rule_id"),
        user_id=query.id("user_id"),
        with_default_roles=query.flag("include_root") is True,
    )
    rows, total = await parts.roles.listed(caller, filters, page)
    return page_response(request, page, hateoas.roles(rows), total)


@router.post("", status_code=_CREATED, response_model=Role, responses={**refusals(404), **_REFUSED})
async def create_role(caller: User, new: NewRole, parts: Parts) -> JsonResponse:
    """Make a role of rules that the caller holds."""
    organization_id = await parts.roles.admit_new(caller, new)
    async with parts.judged(), parts.change() as tx:
        row = await parts.roles.create(tx, caller, new, organization_id)
    return JsonResponse(hateoas.role(row), status_code=_CREATED)


@router.get("/{role_id}", response_model=Role)
async def read_role(caller: User, role_id: PathId, parts: Parts) -> JsonResponse:
    """Show one role."""
    async with parts.db.read() as session:
        row = await parts.roles.read(session, caller, role_id)
    return JsonResponse(hateoas.role(row))


@router.patch("/{role_id}", response_model=Role, responses=_REFUSED)
async def change_role(caller: User, role_id: PathId, changes: RoleChanges, parts: Parts) -> JsonResponse:
    """Change a role."""
    await parts.roles.admit_change(caller, role_id, Operation.EDIT)
    async with parts.judged(), parts.change() as tx:
        row = await parts.roles.change(tx, caller, role_id, changes)
    return JsonResponse(hateoas.role(row))


@router.delete("/{role_id}", response_model=Message, openapi_extra=DELETION)
async def delete_role(caller: User, role_id: PathId, query: ReadQuery, parts: Parts) -> JsonResponse:
    """Delete a role."""
    with_dependents = query.flag("delete_dependents") is True
    await parts.roles.admit_change(caller, role_id, Operation.DELETE)
    async with parts.change() as tx:
        await parts.roles.delete(tx, caller, role_id, with_dependents=with_dependents)
    return JsonResponse({"msg": f"The role {role_id} is deleted"})


@router.post("/{role_id}/rule/{rule_id}", status_code=_CREATED, response_model=list[Rule])
async def give_rule(caller: User, role_id: PathId, rule_id: PathId, parts: Parts) -> JsonResponse:
    """Put a rule into a role; the answer lists the rules it has then."""
    await parts.roles.admit_change(caller, role_id, Operation.EDIT)
    async with parts.judged(), parts.change() as tx:
        rows = await parts.roles.give_rule(tx, caller, role_id, rule_id)
    return JsonResponse(hateoas.rules(rows), status_code=_CREATED)


@router.delete("/{role_id}/rule/{rule_id}", response_model=list[Rule])
async def take_rule(caller: User, role_id: PathId, rule_id: PathId, parts: Parts) -> JsonResponse:
    """Take a rule out of a role; the answer lists the rules it has then."""
    await parts.roles.admit_change(caller, role_id, Operation.EDIT)
    async with parts.judged(), parts.change() as tx:
        rows = await parts.roles.take_rule(tx, caller, role_id, rule_id)
    return JsonResponse(hateoas.rules(rows))
