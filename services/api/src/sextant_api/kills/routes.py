"""`/api/kill`: translates between the wire and the service."""

from sextant_api.dependencies import Db, User
from sextant_api.fields import RequestModel
from sextant_api.kills import repository, service
from sextant_api.ownership.policy import Reach, require
from sextant_api.tasks import repository as tasks_repository
from sextant_shared.contract.errors import BadRequestError, NotFoundError
from sextant_shared.contract.permissions import Operation, Resource
from sextant_shared.http.access import Router
from sextant_shared.http.documentation import Message, example, refusals
from sextant_shared.http.fields import Id
from sextant_shared.http.json import JsonResponse

router = Router(prefix="/api/kill", tags=["tasks"])


class KillRequest(RequestModel):
    """What is to be ended."""

    model_config = example({"id": 1})

    id: Id


@router.post("/task", response_model=Message, responses=refusals(404))
async def kill_task(user: User, db: Db, asked: KillRequest) -> JsonResponse:
    """End a task, and all that descends from it."""
    async with db.transaction() as tx:
        found = await tasks_repository.find_status(tx.session, asked.id, user.organization_id)
        if found is None:
            raise NotFoundError(f"There is no task {asked.id}")
        reach = Reach.of(user, Resource.EVENT, Operation.SEND).without_organization()
        require(reach, user, found[1], "end this task")
        if not await service.kill_subtree(tx, asked.id):
            raise BadRequestError(f"Task {asked.id} has ended already")
    return JsonResponse({"msg": f"Task {asked.id} is ended; its nodes are told to stop it"})


@router.post("/node/tasks", response_model=Message, responses=refusals(404))
async def kill_tasks_at_node(user: User, db: Db, asked: KillRequest) -> JsonResponse:
    """End all that runs at a node."""
    async with db.transaction() as tx:
        found = await repository.find_node(tx.session, asked.id, user.organization_id)
        if found is None:
            raise NotFoundError(f"There is no node {asked.id}")
        node, owner = found
        require(Reach.of(user, Resource.EVENT, Operation.SEND), user, owner, "end what runs at this node")
        if node is None:
            raise BadRequestError(f"Node {asked.id} is not online")
        await service.kill_at_node(tx, node)
    return JsonResponse({"msg": f"All that runs at node {asked.id} is ended; the node is told to stop it"})
