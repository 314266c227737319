"""`/api/rule`."""

from typing import Annotated

from fastapi import Depends, Request

from sextant_auth import hateoas
from sextant_auth.dependencies import Parts, ReadQuery, User
from sextant_auth.rules.documents import FILTERS, Rule
from sextant_auth.rules.repository import Filters
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Listed
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId

router = Router(prefix="/api/rule", tags=["rules"])

_ALL_ON_ONE_PAGE = "1"


@router.get("", response_model=Listed[Rule], openapi_extra=FILTERS)
async def list_rules(
    request: Request,
    caller: User,
    query: ReadQuery,
    page: Annotated[Page, Depends(requested_page)],
    parts: Parts,
) -> JsonResponse:
    """List rules; `user_id` and `role_id` only for those whom the caller may see."""
    filters = Filters(
        name=query.text("name"),
        scope=query.text("scope"),
        operation=query.text("operation"),
        role_id=query.id("role_id"),
        user_id=query.id("user_id"),
    )
    on_one_page = query.text("no_pagination") == _ALL_ON_ONE_PAGE
    rows, total = await parts.rules.listed(caller, filters, None if on_one_page else page)
    shown = Page(number=1, per_page=max(total, 1), sort=page.sort) if on_one_page else page
    return page_response(request, shown, hateoas.rules(rows), total)


@router.get("/{rule_id}", response_model=Rule)
async def read_rule(caller: User, rule_id: PathId, parts: Parts) -> JsonResponse:
    """Show one rule."""
    del caller
    return JsonResponse(hateoas.rule(await parts.rules.read(rule_id)))
