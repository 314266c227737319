"""Every route as everybody, on everything: own, of the same organization or collaboration, and of others.

One test for each route; what is wrong is told all at once.
"""

from collections.abc import Sequence
from functools import partial

import pytest

from sextant_shared.http.access import Peer, declared_routes
from sextant_shared.http.service import Service

from . import grants, judge, lists, sample, scene, table_api, table_auth
from .court import Court
from .rows import OpenRow, Row

pytestmark = pytest.mark.slow

OPEN = [*table_auth.OPEN, *table_api.OPEN]
ROWS = [*table_auth.ROWS, *table_api.ROWS]
NOT_AT_THE_GATEWAY = frozenset({"GET /livez", "GET /readyz", "GET /metrics"})


def by_call(rows: Sequence[OpenRow | Row | lists.Listing]) -> pytest.MarkDecorator:
    """One test for each route, named after it."""
    return pytest.mark.parametrize("row", rows, ids=[row.call for row in rows])


@by_call(ROWS)
def test_route(court: Court, row: Row) -> None:
    court.hold(partial(judge.cells_of, row))


@by_call(lists.LISTS)
def test_list(court: Court, row: lists.Listing) -> None:
    court.hold(partial(lists.cells_of, row))


@by_call(OPEN)
def test_open_route(court: Court, row: OpenRow) -> None:
    court.hold(partial(judge.open_cells, row))


def test_the_route_for_refresh_tokens(court: Court) -> None:
    court.hold(table_auth.refresh_cells)


@pytest.mark.parametrize("way", grants.WAYS, ids=[way.name for way in grants.WAYS])
def test_giving_and_taking(court: Court, way: grants.Way) -> None:
    court.hold(partial(grants.cells_of, way))


def test_every_route_is_in_the_matrix(services: Sequence[Service]) -> None:
    declared = {
        call
        for service in services
        for call, rule in declared_routes(service.app).items()
        if not isinstance(rule, Peer)
    }
    everything: Sequence[OpenRow | Row | lists.Listing] = [*OPEN, *ROWS, *lists.LISTS]
    tried = {row.call for row in everything} | {table_auth.REFRESH}
    assert declared - NOT_AT_THE_GATEWAY == tried


def test_every_rule_of_the_server_is_somebodys(court: Court) -> None:
    known = {symbol.removeprefix("rule:") for symbol in court.world.ids if symbol.startswith("rule:")}
    assert known == set(scene.all_rules())


def test_nobody_comes_in_from_outside_where_services_talk(court: Court, services: Sequence[Service]) -> None:
    court.hold(partial(judge.internal_cells, services))


@pytest.mark.parametrize("row", ROWS, ids=[row.call for row in ROWS])
def test_a_part_of_the_matrix_holds_behind_the_gateway(distributed_court: Court, row: Row) -> None:
    distributed_court.hold(partial(sample.cells_of, row))
