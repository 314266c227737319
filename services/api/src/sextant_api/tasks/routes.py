"""`/api/task`: translates between the wire and the services; no decision and no query stands here."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.background import BackgroundTask

from sextant_api.dependencies import AnyPrincipal, Collaborators, Db, Everything, ReadQuery, User, UserOrContainer
from sextant_api.kills.service import kill_subtree
from sextant_api.ownership.policy import Reach, require, require_anything, require_results
from sextant_api.runs import repository as runs_repository
from sextant_api.runs.repository import Contents
from sextant_api.runs.wire import result_body, run_body
from sextant_api.stores.algorithms import pin
from sextant_api.stores.callers import caller_of
from sextant_api.tasks import listing, repository, service
from sextant_api.tasks.dependencies import SaysJson, Watch
from sextant_api.tasks.documents import FILTERS, ONE, Task, TaskStatus
from sextant_api.tasks.repeats import fingerprint
from sextant_api.tasks.schemas import TaskRequest
from sextant_api.tasks.wire import task_body
from sextant_shared.contract.errors import NotFoundError
from sextant_shared.contract.permissions import Operation, Resource
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Listed, Message, refusals
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.pagination import Page, page_response, requested_page
from sextant_shared.http.query import PathId
from sextant_shared.security import Principal

_CREATED = 201
_RUNS = "runs"
_RESULTS = "results"

router = Router(prefix="/api/task", tags=["tasks"])


@router.get("", response_model=Listed[Task], openapi_extra=FILTERS)
async def list_tasks(
    request: Request,
    principal: AnyPrincipal,
    ours: Everything,
    query: ReadQuery,
    page: Annotated[Page, Depends(requested_page)],
) -> JsonResponse:
    """List tasks, the newest first."""
    reach = Reach.of(principal, Resource.TASK, Operation.VIEW)
    include = query.words("include")
    require_anything(reach, "see tasks")
    if _RESULTS in include:
        require_results(principal, reach)
    narrowed = listing.read_filter(query)
    wanted = listing.lookups(narrowed, principal)
    await listing.look_up_user(narrowed, principal, wanted, ours.users)
    async with ours.db.read() as session:
        listing.judge(narrowed, principal, reach, await wanted.find(session))
        tasks, total = await repository.find_page(
            session, principal=principal, reach=reach, narrowed=narrowed, page=page
        )
        contents = await runs_repository.find_contents(
            session, [task[0] for task in tasks], with_runs=_RUNS in include, with_results=_RESULTS in include
        )
    return page_response(request, page, [_body(task, contents, include) for task in tasks], total)


@router.post("", status_code=_CREATED, response_model=Task, responses=refusals(404))
async def create_task(
    request: Request, principal: UserOrContainer, _: SaysJson, ours: Everything, asked: TaskRequest
) -> JsonResponse:
    """Make a task, or for a container a subtask of its own. A store that is named is asked which image it is."""
    mark = fingerprint(principal, await request.body())
    task = await ours.repeats.find(principal, mark)
    if task is None:
        task = await _made(request, principal, ours, asked, mark)
    # who is gone by now has not heard the answer, and will ask again
    heard = None if await request.is_disconnected() else BackgroundTask(ours.repeats.note_heard, task[0])
    return JsonResponse(task_body(task), status_code=_CREATED, background=heard)


@router.get("/{task_id}", response_model=Task, openapi_extra=ONE)
async def get_task(principal: AnyPrincipal, db: Db, query: ReadQuery, task_id: PathId) -> JsonResponse:
    """Show a task."""
    include = query.words("include")
    async with db.read() as session:
        found = await repository.find_task(session, task_id, principal.organization_id)
        if found is None:
            raise NotFoundError(f"There is no task {task_id}")
        task, owner = found
        require(Reach.of(principal, Resource.TASK, Operation.VIEW), principal, owner, "see this task")
        made_it = principal.is_user and owner.user_id == principal.id
        if _RESULTS in include and not made_it:
            require(Reach.of(principal, Resource.RUN, Operation.VIEW), principal, owner, "see its results")
        contents = await runs_repository.find_contents(
            session, [task_id], with_runs=_RUNS in include, with_results=_RESULTS in include
        )
    return JsonResponse(_body(task, contents, include))


@router.get("/{task_id}/status", response_model=TaskStatus)
async def get_task_status(principal: UserOrContainer, db: Db, watch: Watch, task_id: PathId) -> JsonResponse:
    """Tell a task's status; of one that has not ended, as soon as there is news, or when the time is up."""
    with watch.follow(task_id) as follower:
        async with db.read() as session:
            found = await repository.find_status(session, task_id, principal.organization_id)
        if found is None:
            raise NotFoundError(f"There is no task {task_id}")
        first, owner = found
        require(Reach.of(principal, Resource.TASK, Operation.VIEW), principal, owner, "see this task")
        status = await follower.until_worth_telling(first)
    if status is None:
        raise NotFoundError(f"Task {task_id} was deleted")
    return JsonResponse({"status": status})


@router.delete("/{task_id}", response_model=Message)
async def delete_task(principal: User, db: Db, task_id: PathId) -> JsonResponse:
    """Kill a task if it has not ended, and delete it with all that descends from it."""
    async with db.transaction() as tx:
        found = await repository.find_task(tx.session, task_id, principal.organization_id)
        if found is None:
            raise NotFoundError(f"There is no task {task_id}")
        require(Reach.of(principal, Resource.TASK, Operation.DELETE), principal, found[1], "delete this task")
        await kill_subtree(tx, task_id)
        await repository.delete_task(tx.session, task_id)
    return JsonResponse({"msg": f"Task {task_id} and all that belongs to it is deleted"})


async def _made(
    request: Request, principal: Principal, ours: Collaborators, asked: TaskRequest, mark: str
) -> Sequence[Any]:
    # a subtask's image is its parent's, for which the store was asked
    if asked.store_id is not None and principal.is_user:
        asked = await _pinned(request, principal, ours, asked)
    async with ours.db.transaction() as tx:
        task = await service.create(tx, principal, asked)
        await ours.repeats.note_made(tx, task[0], mark)
    return task


async def _pinned(request: Request, user: Principal, ours: Collaborators, asked: TaskRequest) -> TaskRequest:
    async with ours.db.read() as session:
        store = await service.find_store(session, user, asked)
    asking = caller_of(request, configured=ours.settings.public_url, given=asked.server_url)
    found = await pin(ours.stores, store, asking, asked.image)
    # a store that knows no digest vouches for nothing
    return asked.model_copy(update={"image": found.image, "store_id": asked.store_id if found.is_pinned else None})


def _body(task: Sequence[Any], contents: Contents, include: frozenset[str]) -> dict[str, Any]:
    runs = results = None
    if _RUNS in include:
        runs = [run_body(run, contents.logs) for run in contents.runs.get(task[0], ())]
    if _RESULTS in include:
        results = [result_body(result) for result in contents.results.get(task[0], ())]
    return task_body(task, runs=runs, results=results)
