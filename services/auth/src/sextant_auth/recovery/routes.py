"""`/api/recover/*`."""

from typing import Annotated

from fastapi import Depends
from pydantic import Field

from sextant_auth.dependencies import Address, Parts, User
from sextant_auth.recovery.schemas import LostApiKey, LostPassword, LostSecondFactor, PasswordReset, SecondFactorReset
from sextant_auth.tokens.documents import OfferedSecondFactor
from sextant_shared.http.access import Anyone, Router
from sextant_shared.http.documentation import Document, Message, refusals
from sextant_shared.http.json import JsonResponse

router = Router(prefix="/api/recover", tags=["recovery"])


class NewApiKey(Document):
    """The node's key from now on; it is not shown again."""

    api_key: Annotated[str, Field(examples=["3f0c2d1e-6b7a-4c59-9d11-0a4b8c7e5f21"])]


@router.post("/lost", dependencies=[Depends(Anyone())], response_model=Message)
async def lose_password(body: LostPassword, parts: Parts, address: Address) -> JsonResponse:
    """Ask for a mail that lets one set a new password; the answer does not tell whether there is such a user."""
    async with parts.change() as tx:
        await parts.password_recovery.ask(tx, username=body.username, email=body.email, address=address)
    return JsonResponse({"msg": "If there is such a user, a mail with a token is on its way"})


@router.post("/reset", dependencies=[Depends(Anyone())], response_model=Message, responses=refusals(401))
async def reset_password(body: PasswordReset, parts: Parts, address: Address) -> JsonResponse:
    """Set a new password with a mailed token; all logins from before end."""
    parts.password_policy.check(body.password, field="password")
    async with parts.judged():
        new_hash = await parts.password_recovery.admit(body.reset_token, body.password, address=address)
        async with parts.change() as tx:
            await parts.password_recovery.reset(tx, body.reset_token, new_hash, address=address)
    return JsonResponse({"msg": "The new password is set"})


@router.post("/2fa/lost", dependencies=[Depends(Anyone())], response_model=Message, responses=refusals(401))
async def lose_second_factor(body: LostSecondFactor, parts: Parts, address: Address) -> JsonResponse:
    """Ask, with one's password, for a mail that lets one set up a new second factor."""
    recovery = parts.second_factor_recovery
    async with parts.judged():
        proven = await recovery.prove(body.username or "", body.email or "", body.password, address=address)
        async with parts.change() as tx:
            await recovery.ask(tx, proven, address=address)
    return JsonResponse({"msg": "A mail with a token is on its way"})


@router.post(
    "/2fa/reset",
    dependencies=[Depends(Anyone())],
    response_model=OfferedSecondFactor,
    responses=refusals(401),
)
async def reset_second_factor(body: SecondFactorReset, parts: Parts, address: Address) -> JsonResponse:
    """Get a new second factor with a mailed token; the old one and all logins from before end."""
    async with parts.judged(), parts.change() as tx:
        offered = await parts.second_factor_recovery.reset(tx, body.reset_token, address=address)
    return JsonResponse(
        {
            "msg": "This is the new second factor; from now on log in with a code of it",
            "qr_uri": offered.uri,
            "otp_secret": offered.secret,
        }
    )


@router.post("/node", response_model=NewApiKey, responses=refusals(404))
async def replace_api_key(caller: User, body: LostApiKey, parts: Parts, address: Address) -> JsonResponse:
    """Give a node a new API key; the old one, and all tokens that came from it, end."""
    async with parts.judged():
        await parts.node_keys.admit(caller, body.id, address=address)
        async with parts.change() as tx:
            key = await parts.node_keys.replace(tx, caller, body.id, address=address)
    return JsonResponse({"api_key": key})
