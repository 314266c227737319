"""How runs and their results look on the wire, for the documents."""

from typing import Annotated

from pydantic import Field

from sextant_api.runs.repository import SORTABLE
from sextant_shared.contract.statuses import Presence, RunStatus
from sextant_shared.http.documentation import (
    MOMENT,
    NUMBER,
    TEXT,
    Document,
    Id,
    Link,
    ListPath,
    Time,
    filters,
    sorted_by,
    told,
    words,
)

_NARROWED = {
    "task_id": NUMBER,
    "organization_id": NUMBER,
    "collaboration_id": NUMBER,
    "node_id": NUMBER,
    "state": told(TEXT, "`open` for those that have not ended; anything else is ignored"),
    "assigned_from": MOMENT,
    "assigned_till": MOMENT,
    "started_from": MOMENT,
    "started_till": MOMENT,
    "finished_from": MOMENT,
    "finished_till": MOMENT,
    "port": NUMBER,
    "sort": sorted_by(SORTABLE),
}
INCLUDE = words("task")
ONE = filters(include=INCLUDE)
FILTERS = filters(**_NARROWED, include=INCLUDE)
RESULT_FILTERS = filters(**_NARROWED)


class TaskDatabase(Document):
    """A database that a task uses."""

    label: Annotated[str, Field(examples=["default"])]
    parameters: Annotated[str, Field(description="The rest of what was asked for, as JSON", examples=["{}"])]


class TaskFields(Document):
    """What is told of a task wherever it stands."""

    id: Id
    name: Annotated[str, Field(examples=["Average age"])]
    description: Annotated[str, Field(examples=["The average of the column age"])]
    image: Annotated[str, Field(examples=["registry.example/average:1"])]
    status: RunStatus
    job_id: Annotated[Id, Field(description="The same for a task and all that descends from it")]
    databases: list[TaskDatabase]
    created_at: Time
    finished_at: Time | None
    collaboration: Link
    study: Link | None
    algorithm_store: Link | None
    init_org: Link
    init_user: Link
    parent: Link | None
    children: ListPath


class TaskOfRun(TaskFields):
    """A task, as it stands in its runs."""

    results: ListPath


class NodeOfRun(Document):
    """The node of a run."""

    id: Id
    name: Annotated[str, Field(examples=["Hospital of Alkmaar - Rare tumours Node"])]
    ip: Annotated[str | None, Field(examples=["10.76.0.2"])]
    status: Presence


class NoNode(Document):
    """The organization has no node in the collaboration."""


class PortOfRun(Document):
    """Where the algorithm of a run listens, on its node's address in the VPN."""

    id: Id
    port: Annotated[int, Field(ge=1, le=65535, examples=[50001])]
    label: Annotated[str | None, Field(examples=["web"])]


class Run(Document):
    """What one organization does for a task."""

    id: Id
    task: Annotated[Link | TaskOfRun, Field(description="In full where included")]
    organization: Link
    node: NodeOfRun | NoNode
    ports: list[PortOfRun]
    results: Link
    status: RunStatus
    assigned_at: Time
    started_at: Time | None
    finished_at: Time | None
    cleanup_at: Time | None
    blob_storage_used: bool
    input: Annotated[str, Field(description="For the algorithm: base64, or encrypted for the organization")]
    log: str | None


class Result(Document):
    """The result of one run; it is named by its run."""

    id: Id
    run: Link
    task: Link
    result: Annotated[str | None, Field(description="Base64, or encrypted for who asked")]
    cleanup_at: Time | None
    blob_storage_used: bool
