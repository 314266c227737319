"""What clients may say, event by event."""

from typing import Any

import pytest

from sextant_relay.inbound import CUT_MARK, MAX_LOG_CHARS, Refusal, RefusedEventError, translate
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.commands import AppendRunLog, ReportNodeInfo, ReportNodeMetrics, ReportRunStatus
from sextant_shared.security import Principal

NODE = Principal(client_type=ClientType.NODE, id=7, organization_id=2, collaboration_id=3)
USER = Principal(client_type=ClientType.USER, id=7, organization_id=2)
NODE_EVENTS = ["algorithm_status_change", "algorithm_log", "node_info_update", "node_metrics_update"]


def refusal_of(event: str, *arguments: Any, speaker: Principal = NODE) -> Refusal:
    with pytest.raises(RefusedEventError) as caught:
        translate(event, arguments, speaker=speaker)
    return caught.value.refusal


def test_a_status_change_carries_the_nodes_own_id_and_no_other_claim() -> None:
    payload = {
        "run_id": 5, "task_id": 4, "collaboration_id": 99, "status": "active",
        "node_id": 98, "organization_id": 97, "parent_id": None,
    }  # fmt: skip
    said = translate("algorithm_status_change", (payload,), speaker=NODE)
    assert said == ReportRunStatus(node_id=7, run_id=5, status="active")


def test_shared_settings_pass_as_they_are() -> None:
    info = {"encryption": False, "allowed_algorithms": ["a", "b"], "database_types": {"db_type_default": "csv"}}
    assert translate("node_info_update", (info,), speaker=NODE) == ReportNodeInfo(node_id=7, info=info)


def test_metrics_pass_as_they_are() -> None:
    metrics = {"cpu_percent": 1.5, "gpu_load": [0.1, 0.2], "os": "Linux"}
    assert translate("node_metrics_update", (metrics,), speaker=NODE) == ReportNodeMetrics(node_id=7, metrics=metrics)


@pytest.mark.parametrize("speaker", [NODE, USER], ids=["node", "user"])
@pytest.mark.parametrize("event", ["ping", "message", "error"])
def test_small_talk_asks_for_nothing(event: str, speaker: Principal) -> None:
    assert translate(event, ("x" * 10_000,), speaker=speaker) is None


@pytest.mark.parametrize("event", NODE_EVENTS)
def test_a_user_cannot_speak_as_a_node(event: str) -> None:
    payload = {"run_id": 5, "status": "active", "log": "x"}
    assert refusal_of(event, payload, speaker=USER) is Refusal.NOT_FOR_USERS


def test_an_event_that_nobody_knows_is_refused() -> None:
    assert refusal_of("new_task", {"id": 1}) is Refusal.UNKNOWN


@pytest.mark.parametrize("event", NODE_EVENTS)
@pytest.mark.parametrize(
    "arguments", [(), (None,), ("text",), ([1],), ({"run_id": object()},)], ids=["none", "null", "text", "list", "odd"]
)
def test_a_payload_of_the_wrong_shape_is_refused(event: str, arguments: tuple[Any, ...]) -> None:
    assert refusal_of(event, *arguments) is Refusal.MALFORMED


@pytest.mark.parametrize("run_id", [0, -1, True, "5", 5.0, None, 2**63])
def test_a_run_id_that_is_no_id_is_refused(run_id: object) -> None:
    assert refusal_of("algorithm_log", {"run_id": run_id, "log": "x"}) is Refusal.MALFORMED


@pytest.mark.parametrize("status", ["", "Active", "finished", None, 1])
def test_a_status_that_does_not_exist_is_refused(status: object) -> None:
    assert refusal_of("algorithm_status_change", {"run_id": 5, "status": status}) is Refusal.MALFORMED


def test_a_log_line_that_is_too_long_is_cut() -> None:
    said = translate("algorithm_log", ({"run_id": 5, "log": "x" * (MAX_LOG_CHARS + 1)},), speaker=NODE)
    assert said == AppendRunLog(node_id=7, run_id=5, log="x" * MAX_LOG_CHARS + CUT_MARK)


def test_characters_that_no_database_holds_are_replaced_in_a_log_line() -> None:
    said = translate("algorithm_log", ({"run_id": 5, "log": "a\x00b\ud800c"},), speaker=NODE)
    assert said == AppendRunLog(node_id=7, run_id=5, log="a\N{REPLACEMENT CHARACTER}b?c")


@pytest.mark.parametrize(("event", "size"), [("node_info_update", 70_000), ("node_metrics_update", 17_000)])
def test_settings_and_metrics_that_are_too_large_are_refused(event: str, size: int) -> None:
    assert refusal_of(event, {"key": "x" * size}) is Refusal.TOO_LARGE


@pytest.mark.parametrize("event", ["node_info_update", "node_metrics_update"])
@pytest.mark.parametrize("value", [{"deep": {"deeper": 1}}, [[1]], 10**30], ids=["dict", "list", "number"])
def test_settings_and_metrics_of_no_known_shape_are_refused(event: str, value: object) -> None:
    assert refusal_of(event, {"key": value}) is Refusal.MALFORMED
