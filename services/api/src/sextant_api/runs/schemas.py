"""What a node may say about its run."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from sextant_api.fields import NotNull, RequestModel, Text
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.http.documentation import example

_DATE_LENGTH = len("2024-01-02")


def _moment(value: Any) -> datetime:
    """Read an ISO 8601 time, with or without zone and fractions; one without a zone is UTC."""
    if not isinstance(value, str) or len(value) <= _DATE_LENGTH:
        raise ValueError("Must be an ISO 8601 date with time")
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Must be an ISO 8601 date with time") from None


def without_nulls(text: str) -> str:
    """Replace the one character that PostgreSQL cannot store: a log with it is still worth keeping."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


class RunChange(RequestModel):
    """The body of `PATCH /run/{id}`; what is absent stays as it is."""

    model_config = example(
        {
            "status": "completed",
            "result": "eyJhdmVyYWdlIjogNTQuMn0=",
            "log": "done",
            "finished_at": "2024-05-17T09:30:00+00:00",
        }
    )

    status: Annotated[RunStatus | None, NotNull] = None
    started_at: Annotated[datetime | None, BeforeValidator(_moment)] = None
    finished_at: Annotated[datetime | None, BeforeValidator(_moment)] = None
    result: Annotated[Text | None, NotNull] = None
    log: Annotated[str | None, AfterValidator(without_nulls), NotNull] = None
