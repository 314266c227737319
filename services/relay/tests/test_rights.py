"""What a connection hears follows its rights and memberships at once."""

from typing import Any

import pytest

from services.relay.tests.kit import Ear, Relay, Stage, eventually
from sextant_shared.contract.claims import ClientType
from sextant_shared.contract.commands import CloseConnection
from sextant_shared.contract.events import (
    MembershipChanged,
    NodeChanged,
    PrincipalChanged,
    PrincipalsChanged,
    TaskCreated,
)
from sextant_shared.security import Principal

COLLABORATION = "event:COLLABORATION:RECEIVE"


@pytest.fixture
def user(stage: Stage) -> Principal:
    stage.api.collaborations = {3: [2, 4]}
    return stage.auth.add_user(organization_id=2, rules=[COLLABORATION], name="ada")


@pytest.fixture
def node(stage: Stage) -> Principal:
    return stage.node(7, organization_id=2, collaboration_id=3)


@pytest.fixture
async def ear(stage: Stage, relay: Relay, user: Principal) -> Ear:
    ear = await relay.ear().connect(stage.auth.token(user))
    await ear.until("message")
    return ear


@pytest.fixture
async def node_ear(stage: Stage, relay: Relay, node: Principal) -> Ear:
    ear = await relay.ear().connect(stage.auth.token(node))
    await ear.until("sync")
    return ear


def changed(principal: Principal) -> PrincipalChanged:
    return PrincipalChanged(
        client_type=principal.client_type, principal_id=principal.id, principal_version=principal.version + 1
    )


def task(collaboration_id: int = 3) -> TaskCreated:
    return TaskCreated(task_id=1, parent_id=None, job_id=1, collaboration_id=collaboration_id, organization_ids=[2, 4])


def membership(*organizations: int, collaboration_id: int = 3, **changes: Any) -> MembershipChanged:
    return MembershipChanged(
        **{"collaboration_id": collaboration_id, "organization_ids": list(organizations), "revision": 9, **changes}
    )


async def test_a_user_that_loses_its_right_hears_no_more(stage: Stage, ear: Ear, user: Principal) -> None:
    stage.auth.put(user.model_copy(update={"rules": frozenset()}))
    await stage.publish(changed(user))
    assert await ear.until("message", 2) == [
        "User ada joined room collaboration_3",
        "User ada left room collaboration_3",
    ]
    await stage.publish(task())
    await ear.settle()
    assert (ear.of("new_task"), ear.client.connected) == ([], True)


async def test_a_user_that_gains_a_right_hears_from_then_on(stage: Stage, relay: Relay, user: Principal) -> None:
    stage.auth.put(user.model_copy(update={"rules": frozenset()}))
    ear = await relay.ear().connect(stage.auth.token(user))
    await relay.until_identified(1)
    stage.auth.put(user)
    await stage.publish(changed(user))
    await ear.until("message")
    await stage.publish(task())
    assert await ear.until("new_task")


async def test_a_role_that_changes_concerns_every_user(stage: Stage, ear: Ear, user: Principal) -> None:
    stage.auth.put(user.model_copy(update={"rules": frozenset({"event:ORGANIZATION:RECEIVE"})}))
    await stage.publish(PrincipalsChanged(role_id=1))
    assert (await ear.until("message", 3))[1:] == [
        "User ada left room collaboration_3",
        "User ada joined room collaboration_3_organization_2",
    ]


@pytest.mark.parametrize("how", ["gone", "inactive"])
async def test_a_user_that_is_gone_is_told_and_closed(stage: Stage, ear: Ear, user: Principal, how: str) -> None:
    if how == "gone":
        stage.auth.remove(user)
    else:
        stage.auth.put(user.model_copy(update={"active": False}))
    await stage.publish(changed(user), task())
    await ear.until("invalid_token")
    await eventually(lambda: ear.left)
    assert not ear.client.connected


async def test_a_node_whose_key_was_replaced_is_told_to_log_in_again(
    stage: Stage, node_ear: Ear, node: Principal
) -> None:
    stage.auth.put(node.model_copy(update={"tokens_valid_from": 2**40, "version": 1}))
    await stage.publish(changed(node))
    await node_ear.until("invalid_token")
    assert await stage.commands.until(CloseConnection)


async def test_a_node_that_was_deleted_is_told_and_closed_at_once(stage: Stage, node_ear: Ear, node: Principal) -> None:
    await stage.publish(NodeChanged(node_id=7, name="", organization_id=2, collaboration_id=3, deleted=True), task())
    await node_ear.until("invalid_token")
    await eventually(lambda: node_ear.left)
    assert node_ear.of("new_task") == []
    assert await stage.commands.until(CloseConnection, node_id=node.id)


async def test_a_node_that_moves_hears_its_new_collaboration_and_looks_for_work(
    stage: Stage, node_ear: Ear, node: Principal
) -> None:
    stage.node(7, organization_id=node.organization_id, collaboration_id=5)
    await stage.publish(changed(node), NodeChanged(node_id=7, name="", organization_id=2, collaboration_id=5))
    await node_ear.until("sync", 2)
    await stage.publish(task(3), task(5))
    await node_ear.until("new_task")
    await node_ear.settle()
    assert len(node_ear.of("new_task")) == 1


async def test_a_user_hears_a_collaboration_that_its_organization_joins(stage: Stage, ear: Ear) -> None:
    stage.api.collaborations[5] = [2]
    await stage.publish(membership(2, collaboration_id=5))
    await ear.until("message", 2)
    await stage.publish(task(5))
    assert await ear.until("new_task")


@pytest.mark.parametrize("deleted", [False, True], ids=["left", "deleted"])
async def test_a_user_does_not_hear_a_collaboration_that_is_not_its_organizations_any_more(
    stage: Stage, ear: Ear, *, deleted: bool
) -> None:
    stage.api.collaborations = {}
    await stage.publish(membership(*([2, 4] if deleted else [4]), deleted=deleted))
    await ear.until("message", 2)
    await stage.publish(task())
    await ear.settle()
    assert ear.of("new_task") == []


@pytest.mark.parametrize("deleted", [False, True], ids=["left", "deleted"])
async def test_a_node_does_not_hear_a_collaboration_that_is_not_its_organizations_any_more(
    stage: Stage, node_ear: Ear, *, deleted: bool
) -> None:
    stage.api.collaborations = {3: [4]}
    await stage.publish(membership(*([2, 4] if deleted else [4]), deleted=deleted))
    await node_ear.until("message", 4)
    await stage.publish(task())
    await node_ear.settle()
    assert node_ear.of("new_task") == []


async def test_an_excluded_node_hears_nothing_after_a_reconnect_either(
    stage: Stage, relay: Relay, node_ear: Ear, node: Principal
) -> None:
    stage.api.collaborations = {3: [4]}
    await stage.publish(membership(4))
    await node_ear.until("message", 4)
    again = await relay.ear().connect(stage.auth.token(node))
    await again.until("sync")
    await stage.publish(task())
    await again.settle()
    assert (again.of("new_task"), again.of("message")) == ([], [])


async def test_a_node_that_is_a_member_again_looks_for_work(stage: Stage, node_ear: Ear) -> None:
    stage.api.collaborations = {3: [4]}
    await stage.publish(membership(4))
    await node_ear.until("message", 4)
    stage.api.collaborations = {3: [4, 2]}
    await stage.publish(membership(4, 2, revision=10))
    assert len(await node_ear.until("sync", 2)) == 2


async def test_a_change_while_a_connection_is_being_judged_is_not_missed(
    stage: Stage, relay: Relay, user: Principal
) -> None:
    stage.api.down = True
    ear = await relay.ear().connect(stage.auth.token(user))
    await eventually(lambda: stage.api.asked)
    stage.auth.put(user.model_copy(update={"rules": frozenset({"event:ORGANIZATION:RECEIVE"})}))
    await stage.publish(changed(user))
    stage.api.down = False
    assert await ear.until("message") == ["User ada joined room collaboration_3_organization_2"]


async def test_what_concerns_one_principal_leaves_the_others_alone(stage: Stage, ear: Ear, user: Principal) -> None:
    asked = len(stage.api.asked)
    await stage.publish(
        PrincipalChanged(client_type=ClientType.USER, principal_id=user.id + 1, principal_version=2),
        PrincipalChanged(client_type=ClientType.NODE, principal_id=user.id, principal_version=2),
    )
    await ear.settle()
    assert (len(stage.api.asked), len(ear.of("message"))) == (asked, 1)
