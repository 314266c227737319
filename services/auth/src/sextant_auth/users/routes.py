"""`/api/user` and `/api/password/change`."""

from typing import Annotated, Any

from fastapi import Depends, Request

from sextant_auth import hateoas
from sextant_auth.dependencies import Address, Parts, ReadQuery, User
from sextant_auth.users import documents
from sextant_auth.users.repository import Filters
from sextant_auth.users.schemas import NewUser, PasswordChange, UserChanges
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Listed, Message, refusals
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId

router = Router(prefix="/api", tags=["users"])

_CREATED = 201


@router.get("/user", response_model=Listed[documents.User], openapi_extra=documents.FILTERS)
async def list_users(
    request: Request,
    caller: User,
    query: ReadQuery,
    page: Annotated[Page, Depends(requested_page)],
    parts: Parts,
) -> JsonResponse:
    """List the users that the caller sees; without any right at least oneself, by `username`."""
    filters = Filters(
        username=query.text("username"),
        firstname=query.text("firstname"),
        lastname=query.text("lastname"),
        email=query.text("email"),
        organization_id=query.id("organization_id"),
        collaboration_id=query.id("collaboration_id"),
        role_id=query.id("role_id"),
        rule_id=query.id("rule_id"),
        last_seen_from=query.moment("last_seen_from"),
        last_seen_till=query.moment("last_seen_till"),
    )
    rows, total = await parts.users.listed(caller, filters, page)
    return page_response(request, page, hateoas.users(rows), total)


@router.post("/user", status_code=_CREATED, response_model=documents.User, responses=refusals(404))
async def create_user(caller: User, new: NewUser, parts: Parts) -> JsonResponse:
    """Make a user, with roles and rules that the caller holds."""
    parts.password_policy.check(new.password, field="password")
    admitted = await parts.users.admit_new(caller, new)
    async with parts.judged(), parts.change() as tx:
        row = await parts.users.create(tx, caller, new, admitted)
    return JsonResponse(hateoas.user(row), status_code=_CREATED)


@router.get("/user/{user_id}", response_model=documents.ReadUser, openapi_extra=documents.ONE)
async def read_user(caller: User, user_id: PathId, query: ReadQuery, parts: Parts) -> JsonResponse:
    """Show one user; `include_permissions` adds what it may do."""
    row = await parts.users.read(caller, user_id)
    body: dict[str, Any] = hateoas.user(row)
    if query.flag("include_permissions"):
        async with parts.db.read() as session:
            held = await parts.users.permissions(session, row)
        body["permissions"] = hateoas.permissions(held.role_ids, held.rule_ids, held.organization_ids)
    return JsonResponse(body)


@router.patch("/user/{user_id}", response_model=documents.User)
async def change_user(caller: User, user_id: PathId, changes: UserChanges, parts: Parts) -> JsonResponse:
    """Change a user; passwords have a route of their own."""
    await parts.users.admit_change(caller, user_id, changes)
    async with parts.judged(), parts.change() as tx:
        row = await parts.users.change(tx, caller, user_id, changes)
    return JsonResponse(hateoas.user(row))


@router.delete("/user/{user_id}", response_model=Message, openapi_extra=documents.DELETION)
async def delete_user(caller: User, user_id: PathId, query: ReadQuery, parts: Parts) -> JsonResponse:
    """Delete a user, and its tasks if that is wanted."""
    with_dependents = query.flag("delete_dependents") is True
    async with parts.judged():
        await parts.users.admit_deletion(caller, user_id)
    await parts.users.part_with_tasks(user_id, with_dependents=with_dependents)
    async with parts.judged(), parts.change() as tx:
        await parts.users.delete(tx, caller, user_id)
    return JsonResponse({"msg": f"The user {user_id} is deleted"})


@router.patch("/password/change", response_model=Message)
async def change_password(caller: User, body: PasswordChange, parts: Parts, address: Address) -> JsonResponse:
    """Change one's own password; every token from before stops working."""
    parts.password_policy.check(body.new_password, field="new_password")
    async with parts.judged():
        admitted = await parts.passwords.admit(caller, body.current_password, body.new_password, address=address)
        async with parts.change() as tx:
            await parts.passwords.change(tx, caller, admitted, address=address)
    return JsonResponse({"msg": "The password is changed"})
