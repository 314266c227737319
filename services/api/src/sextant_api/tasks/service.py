"""Decides whether a task may be made, and makes it.

A task, its runs, their inputs and the fact that it exists are one transaction: once it is answered with 201 it will be
told to its nodes, and a refused one leaves nothing behind.
"""

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sextant_api.blobstream.uploads import claim
from sextant_api.containers.errors import ContainerEndedError
from sextant_api.containers.repository import is_running
from sextant_api.ownership.policy import Reach
from sextant_api.stores.client import StoreAddress
from sextant_api.tasks import repository
from sextant_api.tasks.errors import NotYourTaskError, TaskFinishedError, WrongImageError
from sextant_api.tasks.repository import Place, Share
from sextant_api.tasks.schemas import DatabaseChoice, OrganizationInput, TaskRequest
from sextant_shared.contract.errors import (
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
    ValidationFailedError,
)
from sextant_shared.contract.events import TaskCreated
from sextant_shared.contract.permissions import Operation, Resource
from sextant_shared.db import Session, Transaction
from sextant_shared.security import Principal


@dataclass(frozen=True)
class _Origin:
    """Where a task comes from: what is given by who makes it and not by what was asked.

    Attributes:
        place: where it runs.
        values: columns of the task.
    """

    place: Place
    values: Mapping[str, Any]


async def create(tx: Transaction, principal: Principal, asked: TaskRequest) -> Sequence[Any]:
    """Make a task for a user, or a subtask for a container.

    A store that is named was asked before (`find_store`): its part in this is over.

    Returns:
        The task's `TASK_COLUMNS`.

    Raises:
        NotFoundError: the collaboration, study or store does not exist (any more).
        PermissionDeniedError: the caller may not do this (there).
        BadRequestError: the request contradicts itself, or the collaboration cannot run it.
    """
    origin = await (_of_container if principal.is_container else _of_user)(tx, principal, asked)
    await _require_participants(tx, origin.place, [wanted.id for wanted in asked.organizations])
    uploads = await claim(tx, principal, [wanted.input for wanted in asked.organizations])
    # what is in an upload is not looked at
    in_request = [wanted for wanted in asked.organizations if wanted.input not in uploads]
    _require_inputs(in_request, encrypted=origin.place.encrypted)
    task = await repository.add_task(
        tx.session,
        {
            "name": asked.name,
            "description": asked.description,
            "collaboration_id": origin.place.collaboration_id,
            "study_id": origin.place.study_id,
            "init_org_id": principal.organization_id,
            "databases": [_stored(database) for database in asked.databases or ()],
            **origin.values,
        },
    )
    task_id, job_id = task[0], task[1]
    await repository.add_databases(tx.session, task_id, {database.label for database in asked.databases or ()})
    await repository.add_runs(
        tx.session,
        task_id=task_id,
        collaboration_id=origin.place.collaboration_id,
        inputs=[(wanted.id, wanted.input) for wanted in asked.organizations],
        in_store=uploads,
    )
    tx.record(
        TaskCreated(
            task_id=task_id,
            parent_id=origin.values.get("parent_id"),
            job_id=job_id,
            collaboration_id=origin.place.collaboration_id,
            organization_ids=[wanted.id for wanted in asked.organizations],
        )
    )
    return task


def grant(share: Share, image: str) -> dict[str, Any]:
    """Say what the algorithm that a node runs for a task may act as.

    Raises:
        NotYourTaskError: the node has no run of the task.
        WrongImageError: the task has another image.
        TaskFinishedError: the node's run has ended.
    """
    if share.organization_id is None:
        raise NotYourTaskError("This node has no run of the task")
    if image != share.image:
        raise WrongImageError("The task has another image")
    if not share.is_open:
        raise TaskFinishedError("The task is finished")
    return {
        "organization_id": share.organization_id,
        "collaboration_id": share.collaboration_id,
        "study_id": share.study_id,
        "store_id": share.store_id,
        "databases": [
            {"label": database["label"], **json.loads(database["parameters"])} for database in share.databases
        ],
        "image": share.image,
    }


async def find_place(session: Session, user: Principal, *, collaboration_id: int | None, study_id: int | None) -> Place:
    """Find where a user wants a task to run, and may have it run.

    Raises:
        NotFoundError: the collaboration or study does not exist.
        PermissionDeniedError: the user may not make tasks there.
        BadRequestError: the study is not of the collaboration.
    """
    place = await _find_place(session, collaboration_id, study_id, user.organization_id)
    reach = Reach.of(user, Resource.TASK, Operation.CREATE)
    if not place.is_member or not (reach.everything or reach.collaborations):
        raise PermissionDeniedError("You may not make tasks in this collaboration")
    return place


async def find_store(session: Session, user: Principal, asked: TaskRequest) -> StoreAddress:
    """Find the algorithm store that a user wants the image of a task to be from.

    Raises:
        NotFoundError: the collaboration, study or store does not exist.
        PermissionDeniedError: the user may not make tasks there.
        BadRequestError: the study is not of the collaboration.
    """
    place = await find_place(session, user, collaboration_id=asked.collaboration_id, study_id=asked.study_id)
    store = await repository.find_store(session, asked.store_id or 0, place.collaboration_id)
    if store is None:
        raise NotFoundError(f"There is no algorithm store {asked.store_id} for this collaboration")
    return StoreAddress(*store)


async def _of_user(tx: Transaction, user: Principal, asked: TaskRequest) -> _Origin:
    place = await find_place(tx.session, user, collaboration_id=asked.collaboration_id, study_id=asked.study_id)
    return _Origin(place, {"image": asked.image, "store_id": asked.store_id, "init_user_id": user.id})


async def _of_container(tx: Transaction, container: Principal, asked: TaskRequest) -> _Origin:
    parent = await repository.lock_parent(tx.session, container.id)
    if parent is None or not await is_running(tx.session, parent.id, container.organization_id):
        raise ContainerEndedError
    if not asked.image.endswith(parent.image):
        raise WrongImageError("A container may only make subtasks with its own image")
    study_id = asked.study_id if parent.study_id is None else parent.study_id
    if asked.study_id not in (None, study_id):
        raise PermissionDeniedError("A container may only make subtasks in its own study")
    named = asked.collaboration_id or (parent.collaboration_id if study_id is None else None)
    place = await _find_place(tx.session, named, study_id, container.organization_id)
    if place.collaboration_id != parent.collaboration_id:
        raise PermissionDeniedError("A container may only make subtasks in its own collaboration")
    values = {
        "image": parent.image,
        "store_id": parent.store_id,
        "init_user_id": parent.init_user_id,
        "parent_id": parent.id,
        "job_id": parent.job_id,
    }
    return _Origin(place, values)


async def _find_place(
    session: Session, collaboration_id: int | None, study_id: int | None, organization_id: int
) -> Place:
    if study_id is not None:
        place = await repository.find_study(session, study_id, organization_id)
        if place is None:
            raise NotFoundError(f"There is no study {study_id}")
        if collaboration_id not in (None, place.collaboration_id):
            raise BadRequestError("The study does not belong to the collaboration")
        return place
    if collaboration_id is None:
        raise ValidationFailedError({"collaboration_id": ["Either this or study_id is needed"]})
    place = await repository.find_collaboration(session, collaboration_id, organization_id)
    if place is None:
        raise NotFoundError(f"There is no collaboration {collaboration_id}")
    return place


async def _require_participants(tx: Transaction, place: Place, organization_ids: Sequence[int]) -> None:
    found = await repository.find_participants(tx.session, place, set(organization_ids))
    strangers = [wanted for wanted in organization_ids if wanted not in found]
    if strangers:
        raise BadRequestError(f"Not in the collaboration: {_listed('organization', strangers)}")
    if place.study_id is not None:
        outsiders = [wanted for wanted in organization_ids if not found[wanted].in_study]
        if outsiders:
            raise BadRequestError(f"Not in the study: {_listed('organization', outsiders)}")
    without_node = [wanted for wanted in organization_ids if not found[wanted].has_node]
    if without_node:
        raise BadRequestError(f"Without a node in the collaboration: {_listed('organization', without_node)}")


def _require_inputs(wanted: Collection[OrganizationInput], *, encrypted: bool) -> None:
    for organization in wanted:
        if encrypted and _is_readable(organization.input):
            raise BadRequestError("The collaboration is encrypted, but an input is not")
        if not encrypted and not _is_readable(organization.input):
            raise BadRequestError("The collaboration is not encrypted, but an input is not readable text in base64")


def _is_readable(text: str) -> bool:
    """Tell whether an input is text; what is encrypted decodes to no text."""
    try:
        base64.b64decode(text).decode()
    except ValueError:
        return False
    return True


def _stored(database: DatabaseChoice) -> dict[str, str]:
    """Write a choice of database as the wire shows it."""
    parameters = database.model_dump(exclude={"label"}, exclude_unset=True)
    try:
        text = json.dumps(parameters, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError):
        raise ValidationFailedError({"databases": ["Must hold nothing but plain JSON"]}) from None
    return {"label": database.label, "parameters": text}


def _listed(what: str, ids: Sequence[int]) -> str:
    return f"{what} {', '.join(map(str, ids))}"
