"""What the routes about tasks are given beside what all routes are."""

from typing import Annotated

from fastapi import Depends

from sextant_api.dependencies import Everything
from sextant_api.tasks.status_watch import StatusWatch


async def _watch(everything: Everything) -> StatusWatch:
    return everything.status_watch


Watch = Annotated[StatusWatch, Depends(_watch)]
