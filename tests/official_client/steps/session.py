"""Logging in, staying in, and what every client is made of."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING

from tests.official_client.given import PASSWORD

from .registry import step

if TYPE_CHECKING:
    from tests.official_client.stage import Stage


@step
def a_user_logs_in_and_is_told_who_they_are(stage: Stage) -> None:
    organization = stage.organization()
    username = stage.user(organization)
    client = stage.client(log_level="warn")
    client.authenticate(username=username, password=PASSWORD)
    assert client.name == "First"
    assert client.whoami.organization_id == organization
    assert client.headers == {"Authorization": f"Bearer {client.token}"}


@step
def a_node_logs_in_with_its_key_and_is_told_who_it_is(stage: Stage) -> None:
    organization = stage.organization()
    node = stage.node(organization, stage.collaboration(organization))
    client = stage.node_client()
    client.authenticate(api_key=node.api_key)
    assert client.whoami.id_ == node.id
    assert client.name == stage.root.node.get(node.id)["name"]
    assert client.headers == {"Authorization": f"Bearer {client.token}"}


@step
def a_client_finds_its_server(stage: Stage) -> None:
    for client in (stage.root, stage.home.nodes[0].client, stage.job.container):
        assert client.base_path == f"{stage.url}/api"
        assert f"{client.host}:{client.port}{client.path}" == client.base_path
        assert client.generate_path_to("task", is_for_algorithm_store=False) == f"{stage.url}/api/task"
        assert client.generate_path_to(endpoint="/task", is_for_algorithm_store=False) == f"{stage.url}/api/task"


@step
def a_client_asks_what_it_has_no_method_for(stage: Stage) -> None:
    home = stage.home
    every = {
        "params": {"collaboration_id": home.collaboration},
        "headers": {"X-Request-Id": stage.name("asked")},
        "first_try": True,
        "retry": True,
        "attempts_on_timeout": 3,
        "is_for_algorithm_store": False,
    }
    for client in (stage.root, home.nodes[0].client):
        seen = client.request(endpoint="organization", **every)["data"]
        assert sorted(item["id"] for item in seen) == list(home.organizations)
    seen = stage.job.container.request("organization", params={"collaboration_id": home.collaboration})["data"]
    assert sorted(item["id"] for item in seen) == list(home.organizations)
    name = stage.name("role")
    body = {"name": name, "description": "", "rules": [1], "organization_id": home.organizations[0]}
    assert stage.root.request("role", json=body, method="post")["name"] == name
    own = home.nodes[0]
    assert own.client.request(f"node/{own.id}", json={"ip": "10.76.0.3"}, method="patch")["ip"] == "10.76.0.3"


@step
def users_and_nodes_exchange_their_tokens(stage: Stage) -> None:
    home = stage.home
    client = stage.log_in(stage.user(home.organizations[0]), PASSWORD)
    node = stage.node(home.organizations[0], stage.collaboration(home.organizations[0])).client
    for one, endpoint in ((client, "user"), (node, "node")):
        before = one.token
        one.refresh_token()
        assert one.token != before
        assert one.request(f"{endpoint}/{one.whoami.id_}")["id"] == one.whoami.id_


@step
def a_node_renews_its_token_by_itself(stage: Stage) -> None:
    organization = stage.organization()
    client = stage.node(organization, stage.collaboration(organization)).client
    before = client.token
    left = _expiry(before) - time.time()
    assert 600 < left < 610, "the server was told to give tokens that a node soon renews"
    client.auto_refresh_token()
    after = stage.eventually(lambda: client.token, lambda token: token != before)
    assert _expiry(after) > _expiry(before)


@step
def a_container_can_neither_log_in_nor_exchange_its_token(stage: Stage) -> None:
    container = stage.job.container
    before = container.token
    assert isinstance(container.authenticate(credentials={}, path="token/user"), NotImplementedError)
    assert isinstance(container.refresh_token(), NotImplementedError)
    assert container.token == before
    assert container.headers == {"Authorization": f"Bearer {before}"}


@step
def everybody_is_told_that_there_is_no_object_store(stage: Stage) -> None:
    for client in (stage.root, stage.home.nodes[0].client, stage.job.container):
        assert client.check_if_blob_store_enabled() is False


@step
def everybody_waits_for_a_task(stage: Stage) -> None:
    job = stage.job
    for client in (job.home.researcher, job.container):
        assert (
            client.wait_for_task_completion(
                request_func=client.request, task_id=job.subtask["id"], interval=0.1, log_animation=False
            )
            is None
        )


@step
def a_client_works_in_one_collaboration_unless_told_otherwise(stage: Stage) -> None:
    home = stage.home
    client = stage.log_in(stage.user(home.organizations[0], "Collaboration Admin"), PASSWORD)
    other = stage.collaboration(home.organizations[0])
    client.setup_collaboration(collaboration_id=other)
    assert client.collaboration_id == other
    made = client.node.create(name=stage.name("node"))
    assert made["collaboration"]["id"] == other
    assert [node["id"] for node in client.node.list()["data"]] == [made["id"]]
    assert [item["id"] for item in client.organization.list()["data"]] == [home.organizations[0]]
    assert client.task.list()["data"] == []
    client.collaboration.update(name=stage.name("other"))
    study = client.study.create(stage.name("study"), [home.organizations[0]])
    assert study["collaboration"]["id"] == other


def _expiry(token: str) -> float:
    claims = token.split(".")[1]
    return float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"])
