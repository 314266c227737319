"""A connection as a state machine, without any socket."""

from typing import Any

import pytest

from sextant_relay.connections import Address, Closed, Connection, Identified, Unidentified
from sextant_relay.inbound import Refusal, RefusedEventError
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.commands import AppendRunLog, ReportRunStatus
from sextant_shared.security import Principal

STATUS = {"run_id": 5, "status": "active"}


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def connection(time: Time) -> Connection:
    return Connection("c-1", Address("sid", "session"), "token", monotonic=time)


def node(node_id: int = 7, **changes: Any) -> Principal:
    return Principal(
        client_type=ClientType.NODE, id=node_id, organization_id=2, collaboration_id=3, name="north", **changes
    )


def refusal_of(connection: Connection, event: str, *arguments: Any) -> Refusal:
    with pytest.raises(RefusedEventError) as caught:
        connection.receive(event, arguments)
    return caught.value.refusal


def test_a_new_connection_is_nobodys(connection: Connection) -> None:
    assert isinstance(connection.state, Unidentified)
    assert (connection.principal, connection.kind, connection.is_open()) == (None, None, True)


def test_what_is_said_before_it_is_known_by_whom_is_kept_in_order(connection: Connection) -> None:
    said = [("ping", ()), ("algorithm_status_change", (STATUS,)), ("algorithm_log", ({"run_id": 5, "log": "x"},))]
    assert [connection.receive(event, arguments) for event, arguments in said] == [None, None, None]
    assert connection.identify(node()) == said


def test_an_unidentified_connection_keeps_no_more_than_a_few_events(connection: Connection) -> None:
    for _ in range(64):
        connection.receive("ping", ())
    assert refusal_of(connection, "ping") is Refusal.TOO_MANY


def test_an_identified_connection_speaks_in_the_name_of_its_principal(connection: Connection) -> None:
    connection.identify(node())
    spoken = connection.receive("algorithm_status_change", ({**STATUS, "node_id": 99},))
    assert spoken == ReportRunStatus(node_id=7, run_id=5, status="active")


def test_an_identified_connection_learns_how_its_principal_looks_by_now(connection: Connection) -> None:
    connection.identify(node())
    connection.identify(node(version=2))
    assert isinstance(connection.state, Identified)
    assert connection.state.principal.version == 2


def test_a_connection_does_not_change_hands(connection: Connection) -> None:
    connection.identify(node())
    with pytest.raises(RuntimeError):
        connection.identify(node(8))


def test_a_closed_connection_is_heard_no_more(connection: Connection) -> None:
    connection.identify(node())
    connection.close()
    assert isinstance(connection.state, Closed)
    assert connection.receive("algorithm_status_change", (STATUS,)) is None


def test_a_closed_connection_cannot_be_identified(connection: Connection) -> None:
    connection.close()
    with pytest.raises(RuntimeError):
        connection.identify(node())


def test_a_connection_is_closed_once(connection: Connection) -> None:
    assert [connection.close(), connection.close()] == [True, False]


def test_a_node_that_reports_too_fast_is_refused_until_it_slows_down(connection: Connection, time: Time) -> None:
    connection.identify(node())
    for _ in range(500):
        connection.receive("algorithm_status_change", (STATUS,))
    assert refusal_of(connection, "algorithm_status_change", STATUS) is Refusal.TOO_FAST
    time.now += 1
    assert connection.receive("algorithm_status_change", (STATUS,)) is not None


def test_log_lines_do_not_use_up_what_a_node_may_say_otherwise(connection: Connection) -> None:
    connection.identify(node())
    for _ in range(10_000):
        connection.receive("algorithm_log", ({"run_id": 5, "log": "x"},))
    assert refusal_of(connection, "algorithm_log", {"run_id": 5, "log": "x"}) is Refusal.TOO_FAST
    assert isinstance(connection.receive("algorithm_status_change", (STATUS,)), ReportRunStatus)


def test_each_kind_of_refusal_is_worth_one_mention(connection: Connection) -> None:
    mentions = [connection.is_first(each) for each in (Refusal.UNKNOWN, Refusal.UNKNOWN, Refusal.MALFORMED)]
    assert mentions == [True, False, True]


def test_a_log_line_becomes_a_command(connection: Connection) -> None:
    connection.identify(node())
    spoken = connection.receive("algorithm_log", ({"run_id": 5, "task_id": 1, "collaboration_id": 9, "log": "hello"},))
    assert spoken == AppendRunLog(node_id=7, run_id=5, log="hello")
