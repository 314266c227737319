"""Where the server wants a second factor, and keeps payloads in an object store."""

from __future__ import annotations

import json
import uuid
from functools import partial
from typing import TYPE_CHECKING

from tests.official_client.authenticator import code_of
from tests.official_client.given import IMAGE, PASSWORD

from .filters import ids
from .registry import guarded_step

if TYPE_CHECKING:
    from tests.official_client.stage import Stage

_BIG = "x" * 3_000_000


@guarded_step
def a_user_sets_up_a_second_factor_at_the_first_login(stage: Stage) -> None:
    username = stage.user(stage.organization())
    client = stage.client()
    secret = stage.offered_secret(lambda: client.authenticate(username, PASSWORD))
    assert client.token is None
    assert secret is not None
    client.authenticate(username=username, password=PASSWORD, mfa_code=code_of(secret))
    assert client.name == "First"


@guarded_step
def a_user_gets_a_new_second_factor_with_a_mailed_token(stage: Stage) -> None:
    for by_mail_address in (False, True):
        username = stage.user(stage.organization())
        stage.log_in(username, PASSWORD)
        address = f"{username}@example.test"
        client = stage.client()
        who = {"email": address} if by_mail_address else {"username": username}
        assert "msg" in client.util.reset_two_factor_auth(password=PASSWORD, **who)
        token = stage.token_mailed_to(address)
        secret = stage.offered_secret(partial(client.util.set_two_factor_auth, token=token))
        assert secret is not None
        stage.learn_secret(username, secret)
        assert stage.log_in(username, PASSWORD).name == "First"


@guarded_step
def large_inputs_and_results_go_through_the_object_store(stage: Stage) -> None:
    home = stage.home
    client, node = home.researcher, home.nodes[0].client
    for one in (client, node):
        assert one.check_if_blob_store_enabled() is True
    task = client.task.create(
        organizations=[home.organizations[0]],
        name="large",
        image=IMAGE,
        description="",
        input_={"method": "large", "kwargs": {"big": _BIG}},
        collaboration=home.collaboration,
    )
    (run,) = node.run.list(state="open", include_task=True, task_id=task["id"])
    assert json.loads(run["input"])["kwargs"]["big"] == _BIG
    reference = client.run.get(run["id"], decrypt_input=False)
    assert reference["blob_storage_used"] is True
    assert uuid.UUID(reference["input"])
    assert json.loads(client.run.get(run["id"])["input"])["kwargs"]["big"] == _BIG
    assert json.loads(client.run.list(task=task["id"])["data"][0]["input"])["method"] == "large"
    assert json.loads(client.run.from_task(task["id"])["data"][0]["input"])["method"] == "large"
    body = {"result": json.dumps({"big": _BIG}).encode(), "log": "done", "status": "completed"}
    node.run.patch(run["id"], body, init_org_id=home.organizations[0])
    (item,) = client.wait_for_results(task["id"])["data"]
    assert json.loads(item["result"]) == {"big": _BIG}
    assert json.loads(client.result.get(run["id"])) == {"big": _BIG}
    assert json.loads(client.result.from_task(task["id"])["data"][0]["result"]) == {"big": _BIG}


@guarded_step
def an_algorithm_uses_the_object_store(stage: Stage) -> None:
    home = stage.home
    task = stage.task(home, [home.organizations[0]], {"method": "central"})
    with stage.proxy() as proxy:
        container = stage.container(home.nodes[0], task["id"], proxy=proxy)
        assert container.check_if_blob_store_enabled() is True
        subtask = container.task.create({"method": "partial", "kwargs": {"big": _BIG}}, [home.organizations[1]])
        (run,) = home.nodes[1].client.run.list(state="open", include_task=False, task_id=subtask["id"])
        assert json.loads(run["input"])["kwargs"]["big"] == _BIG
        stage.finish(home.nodes[1], subtask["id"], {"big": _BIG}, home.organizations[0])
        assert container.wait_for_results(subtask["id"]) == [{"big": _BIG}]
        assert container.result.from_task(subtask["id"]) == [{"big": _BIG}]
        assert [item["blob_storage_used"] for item in container.run.from_task(subtask["id"])] == [True]


@guarded_step
def a_deleted_task_is_gone_with_its_payloads(stage: Stage) -> None:
    home = stage.home
    task = stage.task(home, [home.organizations[0]], {"method": "gone"})
    (run,) = home.researcher.run.from_task(task["id"])["data"]
    assert json.loads(run["input"]) == {"method": "gone"}
    home.researcher.task.delete(task["id"])
    assert ids(home.researcher.task.list(name=task["name"])) == []
