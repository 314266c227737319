"""How tasks look on the wire, for the documents."""

from typing import Annotated

from pydantic import Field

from sextant_api.runs.documents import Result, Run, TaskFields
from sextant_api.tasks.repository import SORTABLE
from sextant_shared.contract.statuses import RunStatus
from sextant_shared.http.documentation import (
    LIKE,
    NUMBER,
    TEXT,
    Document,
    ListPath,
    filters,
    one_of,
    sorted_by,
    told,
    words,
)

INCLUDE = words("runs", "results")
ONE = filters(include=INCLUDE)
FILTERS = filters(
    name=LIKE,
    description=LIKE,
    image=LIKE,
    status=one_of(*RunStatus),
    database=told(TEXT, "The label of a database that it uses"),
    collaboration_id=NUMBER,
    study_id=NUMBER,
    store_id=NUMBER,
    init_org_id=NUMBER,
    init_user_id=NUMBER,
    parent_id=NUMBER,
    job_id=NUMBER,
    run_id=NUMBER,
    is_user_created=told(NUMBER, "0 for what containers made, anything else for what users made"),
    include=INCLUDE,
    sort=sorted_by(SORTABLE),
)


class Task(TaskFields):
    """One task."""

    runs: Annotated[ListPath | list[Run], Field(description="In full where included")]
    results: Annotated[ListPath | list[Result], Field(description="In full where included")]


class TaskStatus(Document):
    """What has become of a task."""

    status: RunStatus
