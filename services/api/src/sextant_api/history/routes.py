"""`/api/event`: the events that users hear on their sockets, for programs without one, and for a while afterwards."""

from urllib.parse import parse_qsl, urlencode

from fastapi import Request

from sextant_api.dependencies import Collaborators, Everything, ReadQuery, User
from sextant_api.history import reading, repository
from sextant_api.history.documents import FILTERS, LONGEST_SECONDS, MOST, USUAL, Events
from sextant_api.history.reading import Ears, Heard, Reading
from sextant_api.history.service import History
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.errors import ValidationFailedError
from sextant_shared.contract.history import NEWEST, Offset
from sextant_shared.http.access import Caller, Router
from sextant_shared.http.documentation import refusals
from sextant_shared.http.hateoas import wire_time
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.query import Query
from sextant_shared.security import Principal

_GONE = 410
_SINCE = "since"

router = Router(prefix="/api/event", tags=["events"])
_caller = Caller(ClientType.USER)


@router.get("", response_model=Events, openapi_extra=FILTERS, responses=refusals(_GONE))
async def list_events(request: Request, user: User, ours: Everything, query: ReadQuery) -> JsonResponse:
    """List the events since an offset that the caller may receive, oldest first, or wait for the next.

    They are kept for a while only: where some are not known any more the answer is 410, and `offset` in it is where
    the history ends now. Whether somebody may receive an event is judged when it is asked for.
    """
    narrowed = query.number("collaboration_id")
    limit = min(_number(query, "per_page", USUAL, least=1), MOST)
    seconds = min(_number(query, "wait", 0, least=0), LONGEST_SECONDS)
    since = await _since(query, ours.history)
    ears = await _ears(ours, user, narrowed)
    async with ours.history_watch.waiter(ears.rooms, seconds=seconds) as waiter:
        found = await reading.read(ours.history, ears, since, limit=limit)
        while not found.events and await waiter.is_worth_reading():
            ears = await _ears(ours, await _caller(request), narrowed)
            found = await reading.read(ours.history, ears, found.offset, limit=limit)
    return JsonResponse(_body(request, found))


async def _ears(ours: Collaborators, user: Principal, narrowed: int | None) -> Ears:
    async with ours.db.read() as session:
        memberships = await repository.collaborations_of_organization(session, user.organization_id)
    return Ears.of(user, memberships, narrowed)


async def _since(query: Query, history: History) -> Offset | None:
    text = query.text(_SINCE)
    if text is None:
        return None
    if text == NEWEST:
        return await reading.end(history)
    try:
        return Offset.parse(text)
    except ValueError:
        raise ValidationFailedError({_SINCE: [f"Must be an offset, or {NEWEST}"]}) from None


def _number(query: Query, name: str, usual: int, *, least: int) -> int:
    number = query.number(name)
    if number is None:
        return usual
    if number < least:
        raise ValidationFailedError({name: [f"Must be a whole number from {least}"]})
    return number


def _body(request: Request, found: Reading) -> dict[str, object]:
    links = {"self": f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path}
    if found.is_more:
        asked = dict(parse_qsl(request.url.query, keep_blank_values=True))
        links["next"] = f"{request.url.path}?{urlencode(asked | {_SINCE: str(found.offset)})}"
    return {"data": [_event(heard) for heard in found.events], "links": links, "offset": str(found.offset)}


def _event(heard: Heard) -> dict[str, object]:
    envelope, part = heard.entry.envelope, heard.part
    return {
        "id": str(envelope.id),
        "offset": str(part.offset),
        "event": part.emission.event,
        "payload": part.emission.payload,
        "time": wire_time(envelope.time),
        "collaboration_id": envelope.collaboration_id,
    }
