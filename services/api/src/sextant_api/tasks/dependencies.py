"""What the routes about tasks are given beside what all routes are."""

from typing import Annotated

from fastapi import Depends, Request

from sextant_api.dependencies import Everything
from sextant_api.tasks.errors import NotJsonError
from sextant_api.tasks.status_watch import StatusWatch
from sextant_shared.http.exception_handlers import says_json


async def _watch(everything: Everything) -> StatusWatch:
    return everything.status_watch


async def _json(request: Request) -> None:
    if not says_json(request):
        raise NotJsonError("The request must have the content type application/json")


SaysJson = Annotated[None, Depends(_json)]
Watch = Annotated[StatusWatch, Depends(_watch)]
