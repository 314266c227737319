"""What clients may say: client event -> command.

Ids of principals come from the speaker's session, never from the payload; whether a run is the speaker's, api decides.
Payloads are checked for shape and size here, so that no socket can fill the queue with what nobody can read.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

import orjson
import structlog
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
)

from sextant_shared.contract import socket_events
from sextant_shared.contract.commands import AppendRunLog, Command, ReportNodeInfo, ReportNodeMetrics, ReportRunStatus
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.security import Principal

_log = structlog.get_logger(__name__)

MAX_LOG_CHARS: Final = 65_536
"""Of one log event; the rest of a longer one is cut off (the node stores the whole log when the run ends)."""
CUT_MARK: Final = " [...]"
MAX_INFO_BYTES: Final = 65_536
MAX_METRICS_BYTES: Final = 16_384
_MAX_NOTED_CHARS = 200


class Refusal(StrEnum):
    """Why an event was not acted upon."""

    UNKNOWN = "unknown"
    NOT_FOR_USERS = "not_for_users"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_FAST = "too_fast"
    TOO_MANY = "too_many"


class RefusedEventError(Exception):
    """An event of a client is not acted upon."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def _storable(text: str) -> str:
    """Replace what JSON can spell but neither UTF-8 nor PostgreSQL can hold: lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\x00", "\N{REPLACEMENT CHARACTER}")


_Id = Annotated[StrictInt, Field(ge=1, le=2**63 - 1)]
_Text = Annotated[StrictStr, AfterValidator(_storable)]
_Scalar = _Text | StrictInt | StrictFloat | StrictBool | None
_Item = _Scalar | list[_Scalar]


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _StatusReport(_Payload):
    """What a run of the node does."""

    run_id: _Id
    status: RunStatus


class _LogLine(_Payload):
    """A piece of the log of a run of the node."""

    run_id: _Id
    log: _Text


_Info = dict[_Text, _Item | dict[_Text, _Item]]
_Metrics = dict[_Text, _Item]

_STATUS_REPORT = TypeAdapter(_StatusReport)
_LOG_LINE = TypeAdapter(_LogLine)
_INFO: TypeAdapter[_Info] = TypeAdapter(_Info)
_METRICS: TypeAdapter[_Metrics] = TypeAdapter(_Metrics)

PAYLOADS: Final[Mapping[str, TypeAdapter[Any]]] = {
    socket_events.ALGORITHM_STATUS_CHANGE: _STATUS_REPORT,
    socket_events.ALGORITHM_LOG: _LOG_LINE,
    socket_events.NODE_INFO_UPDATE: _INFO,
    socket_events.NODE_METRICS_UPDATE: _METRICS,
}
"""What nodes may say, by the name of the event; they may say more in it, which is not looked at."""


def translate(event: str, arguments: tuple[Any, ...], *, speaker: Principal) -> Command | None:
    """Turn a client's event into a command, if it asks for one.

    Raises:
        RefusedEventError: it may not be said, or cannot be read.
    """
    if event in _NODE_EVENTS:
        if not speaker.is_node:
            raise RefusedEventError(Refusal.NOT_FOR_USERS)
        try:
            return _NODE_EVENTS[event](speaker.id, arguments[0] if arguments else None)
        except ValidationError as error:
            raise RefusedEventError(Refusal.MALFORMED) from error
    if event in (socket_events.MESSAGE, socket_events.ERROR):
        _note(event, arguments, speaker)
        return None
    if event == socket_events.PING:
        # Its connection is touched with all others every few seconds, whether it pings or not.
        return None
    raise RefusedEventError(Refusal.UNKNOWN)


def _report_status(node_id: int, payload: object) -> Command:
    said = _STATUS_REPORT.validate_python(payload)
    return ReportRunStatus(node_id=node_id, run_id=said.run_id, status=said.status)


def _append_log(node_id: int, payload: object) -> Command:
    said = _LOG_LINE.validate_python(payload)
    log = said.log if len(said.log) <= MAX_LOG_CHARS else said.log[:MAX_LOG_CHARS] + CUT_MARK
    return AppendRunLog(node_id=node_id, run_id=said.run_id, log=log)


def _report_info(node_id: int, payload: object) -> Command:
    info = _INFO.validate_python(payload)
    _check_size(info, MAX_INFO_BYTES)
    return ReportNodeInfo(node_id=node_id, info=info)


def _report_metrics(node_id: int, payload: object) -> Command:
    metrics = _METRICS.validate_python(payload)
    _check_size(metrics, MAX_METRICS_BYTES)
    return ReportNodeMetrics(node_id=node_id, metrics=metrics)


_NODE_EVENTS: Mapping[str, Callable[[int, object], Command]] = {
    socket_events.ALGORITHM_STATUS_CHANGE: _report_status,
    socket_events.ALGORITHM_LOG: _append_log,
    socket_events.NODE_INFO_UPDATE: _report_info,
    socket_events.NODE_METRICS_UPDATE: _report_metrics,
}


def _check_size(payload: object, limit: int) -> None:
    try:
        size = len(orjson.dumps(payload))
    except TypeError as error:  # a number that has no place in 64 bits
        raise RefusedEventError(Refusal.MALFORMED) from error
    if size > limit:
        raise RefusedEventError(Refusal.TOO_LARGE)


def _note(event: str, arguments: tuple[Any, ...], speaker: Principal) -> None:
    text = arguments[0] if arguments and isinstance(arguments[0], str) else ""
    _log.info(
        "client_spoke",
        event_name=event,
        principal=f"{speaker.client_type}:{speaker.id}",
        text=_storable(text[:_MAX_NOTED_CHARS]),
    )
