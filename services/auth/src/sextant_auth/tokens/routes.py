"""`/api/token/*` and `/oauth/token`: every way to get a token, and to ask whether one is good."""

from urllib.parse import parse_qs

from fastapi import Depends, Request

from sextant_auth.dependencies import Address, Node, Parts, User
from sextant_auth.tokens import documents
from sextant_auth.tokens.grants.container import ContainerAsks
from sextant_auth.tokens.grants.handler import Granted
from sextant_auth.tokens.grants.node import NodeAsks
from sextant_auth.tokens.grants.refresh import RefreshAsks
from sextant_auth.tokens.grants.service import ServiceAsks
from sextant_auth.tokens.grants.user import UserAsks
from sextant_auth.tokens.schemas import ContainerTokenRequest, NodeLogin, UserLogin
from sextant_auth.users import repository as accounts
from sextant_shared.http.access import Anyone, Router, bearer_token
from sextant_shared.http.documentation import REFRESH_TOKEN, refusals, secured_by
from sextant_shared.http.json import JsonResponse
from sextant_shared.security.service_token import TOKEN_PATH

router = Router(tags=["tokens"])


@router.post(
    "/api/token/user",
    dependencies=[Depends(Anyone())],
    response_model=documents.UserTokens | documents.OfferedSecondFactor | documents.SecondFactorWanted,
    responses={**refusals(401), **documents.TOKEN_HEADER},
)
async def log_in_user(body: UserLogin, parts: Parts, address: Address) -> JsonResponse:
    """Log in as a user."""
    asked = UserAsks(body.username, body.password, body.mfa_code, address)
    return _answer(await parts.grants.handle(parts.user_grant, asked))


@router.post(
    "/api/token/node",
    dependencies=[Depends(Anyone())],
    response_model=documents.NodeTokens,
    responses={**refusals(401), **documents.TOKEN_HEADER},
)
async def log_in_node(body: NodeLogin, parts: Parts, address: Address) -> JsonResponse:
    """Log in as a node, with its API key."""
    return _answer(await parts.grants.handle(parts.node_grant, NodeAsks(body.api_key, address)))


@router.post(
    "/api/token/refresh",
    dependencies=[Depends(Anyone())],
    response_model=documents.UserTokens | documents.NodeTokens,
    responses=refusals(401, 422),
    openapi_extra=secured_by(REFRESH_TOKEN),
)
async def refresh(request: Request, parts: Parts, address: Address) -> JsonResponse:
    """Go on with a login: the refresh token (as Bearer) is exchanged for a new pair."""
    return _answer(await parts.grants.handle(parts.refresh_grant, RefreshAsks(bearer_token(request), address)))


@router.post("/api/token/container", response_model=documents.ContainerToken)
async def container_token(body: ContainerTokenRequest, parts: Parts, node: Node) -> JsonResponse:
    """Get the token of an algorithm container that this node is about to start."""
    asked = ContainerAsks(node.id, body.task_id, body.image)
    return _answer(await parts.grants.handle(parts.container_grant, asked))


@router.post("/api/token/user/validate", response_model=documents.ValidUser)
async def validate_user(parts: Parts, user: User) -> JsonResponse:
    """Tell whether the token is a user's, and whose (algorithm stores ask this)."""
    async with parts.db.read() as session:
        email = await accounts.email_of(session, user.id)
    return JsonResponse(
        {
            "msg": "The token is valid",
            "user_id": user.id,
            "username": user.name,
            "email": email,
            "organization_id": user.organization_id,
        }
    )


@router.post("/api/token/node/validate", response_model=documents.ValidNode)
async def validate_node(node: Node) -> JsonResponse:
    """Tell whether the token is a node's, and whose."""
    return JsonResponse(
        {
            "msg": "The token is valid",
            "node_id": node.id,
            "name": node.name,
            "organization_id": node.organization_id,
        }
    )


@router.post(
    TOKEN_PATH,
    dependencies=[Depends(Anyone())],
    response_model=documents.ServiceToken,
    responses=refusals(401),
    openapi_extra=documents.SERVICE_TOKEN_REQUEST,
)
async def service_token(request: Request, parts: Parts, address: Address) -> JsonResponse:
    """Get a service's token (OAuth 2.0 client credentials; for the services of this installation)."""
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    asked = ServiceAsks(
        grant_type=next(iter(form.get("grant_type", ())), None),
        authorization=request.headers.get("authorization"),
        address=address,
    )
    return _answer(await parts.grants.handle(parts.service_grant, asked))


def _answer(granted: Granted) -> JsonResponse:
    return JsonResponse(granted.body, headers=dict(granted.headers))
