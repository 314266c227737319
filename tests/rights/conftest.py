"""The servers on which everybody tries everything: each in the same state before each request."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from sextant_shared.contract.routing import API, AUTH, RELAY
from sextant_shared.http.service import Service
from sextant_shared.logging import configure_logging
from sextant_shared.testing.backing import BackingServers
from tests.contract.outside import running_stores
from tests.contract.server import ROOT_PASSWORD
from tests.shapes import distributed_shape

from . import scene
from .bench import Bench
from .court import Court
from .gateway import Gateway
from .world import World

_SETTINGS = {
    "SEXTANT_STATUS_HOLD_SECONDS": "0",  # nothing happens here for which a poll could wait
    "SEXTANT_RECONCILE_SECONDS": "86400",  # what is taken back from one service would be mended by the other
    "SEXTANT_DATABASE_ACQUIRE_SECONDS": "30",  # a busy machine is not what is judged here
}
_FEW = ("nobody", "holder", "only task:OWN:VIEW", "only node:COLLABORATION:VIEW", "only user:ORGANIZATION:VIEW")


@pytest.fixture(scope="session")
def court(standalone: tuple[Court, Bench]) -> Court:
    """The scene on a standalone server."""
    return standalone[0]


@pytest.fixture(scope="session")
def services(standalone: tuple[Court, Bench]) -> Sequence[Service]:
    """The services of that server."""
    return standalone[1].standalone.services


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Court, Bench]]:
    """The server itself, and what is on it."""
    configure_logging(level="error", fmt="console", service="rights")
    with running_stores() as stores, asyncio.Runner() as runner:
        # only while the settings are read: other suites are started from this environment
        with pytest.MonkeyPatch.context() as patch:
            for name, value in _SETTINGS.items():
                patch.setenv(name, value)
            bench = Bench(tmp_path_factory.mktemp("rights"))
            runner.run(bench.__aenter__())
        try:
            world = World(bench, stores, root_password=ROOT_PASSWORD, signer=bench.signer())
            runner.run(world.build())
            runner.run(bench.settle())
            bench.remember()
            yield Court(runner, world), bench
        finally:
            runner.run(bench.__aexit__())


@pytest.fixture(scope="session")
def distributed_court(backing_servers: BackingServers) -> Iterator[Court]:
    """A part of the scene on a distributed suite, behind the gateway."""
    people = [actor for actor in scene.users() if actor.roles or actor.name in _FEW]
    with (
        running_stores() as stores,
        distributed_shape(backing_servers, replicas={AUTH: 2, API: 2, RELAY: 1}, settings=_SETTINGS) as shape,
        asyncio.Runner() as runner,
    ):
        gateway = Gateway(shape.url)
        runner.run(gateway.__aenter__())
        try:
            world = World(gateway, stores, root_password=shape.root_password, people=people)
            runner.run(world.build())
            yield Court(runner, world)
        finally:
            runner.run(gateway.__aexit__())
