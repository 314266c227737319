"""`/api/column`: translates between the wire and what nodes share, or the task that asks them."""

from sextant_api.columns.documents import Columns
from sextant_api.columns.repository import known_columns
from sextant_api.columns.schemas import ColumnRequest
from sextant_api.dependencies import Everything, User
from sextant_api.tasks import service
from sextant_api.tasks.documents import Task
from sextant_api.tasks.wire import task_body
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import refusals
from sextant_shared.http.json import JsonResponse

_OK = 200
_CREATED = 201
_NOT_FOUND = 404

router = Router(prefix="/api/column", tags=["columns"])


@router.post(
    "",
    status_code=_CREATED,
    response_model=Task,
    responses={_OK: {"model": Columns, "description": "The nodes share them"}, **refusals(_NOT_FOUND)},
)
async def find_columns(user: User, ours: Everything, asked: ColumnRequest) -> JsonResponse:
    """Name the columns of a database if a node shares them; else make the task that asks the nodes."""
    async with ours.db.read() as session:
        place = await service.find_place(session, user, collaboration_id=asked.collaboration_id, study_id=None)
        known = await known_columns(session, place.collaboration_id, asked.db_label)
    if known:
        return JsonResponse({"columns": known})
    async with ours.db.transaction() as tx:
        task = await service.create(tx, user, asked.as_task(ours.settings.column_image))
    return JsonResponse(task_body(task), status_code=_CREATED)
