"""The recorded exchanges, made again: one test for each case.

In the suite `matrix` a case is one request, made by everybody.
"""

import pytest

from . import recording
from .conftest import check
from .session import Session

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", recording.cases("lists"))
def test_a_list_is_as_recorded(session: Session, case: str, pytestconfig: pytest.Config) -> None:
    check(session.replay("lists", case), session.world.server.name, pytestconfig)


@pytest.mark.parametrize("case", recording.cases("matrix"))
def test_everybody_may_do_what_is_recorded(session: Session, case: str, pytestconfig: pytest.Config) -> None:
    check(session.replay("matrix", case), session.world.server.name, pytestconfig)


@pytest.mark.parametrize("case", recording.cases("calls"))
def test_a_case_goes_as_recorded(session: Session, case: str, pytestconfig: pytest.Config) -> None:
    check(session.replay("calls", case), session.world.server.name, pytestconfig)


@pytest.mark.parametrize("case", recording.cases("twofa"))
def test_a_case_with_two_factors_goes_as_recorded(
    two_factor_session: Session, case: str, pytestconfig: pytest.Config
) -> None:
    check(two_factor_session.replay("twofa", case), two_factor_session.world.server.name, pytestconfig)


def test_the_world_of_the_recordings_is_complete(session: Session) -> None:
    assert session.world.missing == {}
