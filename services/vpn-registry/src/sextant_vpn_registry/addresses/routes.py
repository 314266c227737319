"""`/api/vpn/algorithm/addresses`."""

from sextant_shared.http.access import Router
from sextant_shared.http.json import JsonResponse
from sextant_vpn_registry.addresses import repository
from sextant_vpn_registry.addresses.documents import Addresses
from sextant_vpn_registry.addresses.scope import FILTERS, read_scope
from sextant_vpn_registry.dependencies import Container, Everything, ReadQuery

router = Router(prefix="/api/vpn/algorithm", tags=["VPN"])


@router.get(
    "/addresses",
    summary="Find the addresses of the task's other containers",
    response_model=Addresses,
    openapi_extra=FILTERS,
)
async def find_addresses(container: Container, ours: Everything, query: ReadQuery) -> JsonResponse:
    """List where the containers of a task and of its relatives listen, while they run."""
    scope = read_scope(query)
    parent_id = await ours.knowledge.parent_of(container.id) if scope.parent else None
    async with ours.db.read() as session:
        addresses = await repository.find(
            session,
            scope,
            task_id=container.id,
            parent_id=parent_id,
            organization_id=container.organization_id,
        )
    return JsonResponse({"addresses": addresses})
