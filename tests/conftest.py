"""Running suites for the tests that ask the same of every shape."""

from collections.abc import Iterator

import pytest

from sextant_shared.testing.backing import BackingServers

from .shapes import Shape, distributed_shape, standalone_shape

_SHAPES = {"standalone": standalone_shape, "distributed": distributed_shape}


@pytest.fixture(scope="session", params=list(_SHAPES))
def shape(request: pytest.FixtureRequest, backing_servers: BackingServers) -> Iterator[Shape]:
    """A suite of each shape in turn, shared by all tests."""
    with _SHAPES[request.param](backing_servers) as running:
        yield running
