"""Nodes as users see them, and what only the node's own client does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .accounts import LONG_AGO, TOMORROW, YESTERDAY
from .filters import finds, ids, narrows, narrows_one, pages
from .registry import step

if TYPE_CHECKING:
    from tests.official_client.stage import Stage


@step
def a_node_is_made_found_changed_and_deleted(stage: Stage) -> None:
    root, name = stage.root, stage.name("node")
    organization, elsewhere = stage.organization(), stage.organization()
    collaboration, outside = stage.collaboration(organization, elsewhere), stage.collaboration(elsewhere)
    made = root.node.create(collaboration=collaboration, organization=organization, name=name)
    assert (made["name"], made["organization"]["id"]) == (name, organization)
    assert made["api_key"]
    study = root.study.create(stage.name("study"), [organization], collaboration)["id"]
    without = root.study.create(stage.name("study"), [elsewhere], collaboration)["id"]
    client = stage.node_client()
    client.authenticate(made["api_key"])
    client.request(f"node/{made['id']}", method="patch", json={"ip": "10.76.0.9"})
    with stage.socket(client):
        stage.eventually(lambda: root.node.get(made["id"])["status"], lambda status: status == "online")
    stage.eventually(lambda: root.node.get(made["id"])["status"], lambda status: status == "offline")
    finds(
        root.node.list,
        made["id"],
        {
            "name": "nothing",
            "organization": elsewhere,
            "collaboration": outside,
            "study": without,
            "is_online": True,
            "ip": "10.76.0.8",
            "last_seen_from": TOMORROW,
            "last_seen_till": LONG_AGO,
        },
        name=name,
        organization=organization,
        collaboration=collaboration,
        study=study,
        is_online=False,
        ip="10.76.0.9",
        last_seen_from=YESTERDAY,
        last_seen_till=TOMORROW,
    )
    stage.node(elsewhere, collaboration)
    pages(root.node.list)
    narrows(root.node.list, "name", name, collaboration=collaboration)
    narrows_one(lambda **kwargs: root.node.get(id_=made["id"], **kwargs), "name", name)
    changed = root.node.update(id_=made["id"], name=f"{name}-2", clear_ip=True)
    assert (changed["name"], changed["ip"]) == (f"{name}-2", None)
    for wanted in ({"field": "name"}, {"fields": ["name"]}):
        fresh = stage.name("node")
        assert root.node.update(made["id"], name=fresh, **wanted) == {"name": fresh}
    root.node.delete(id_=made["id"])
    assert ids(root.node.list(collaboration=collaboration, organization=organization)) == []
    fresh = stage.name("node")
    assert root.node.create(collaboration, organization, fresh, field="name") == {"name": fresh}
    root.node.delete(root.node.list(name=fresh)["data"][0]["id"])
    assert root.node.create(collaboration, organization, fresh, fields=["name"]) == {"name": fresh}


@step
def an_online_node_is_told_to_end_all_its_tasks(stage: Stage) -> None:
    home = stage.new_home()
    node = home.nodes[0]
    task = stage.task(home, [home.organizations[0]], {"method": "x"})
    (run,) = node.client.run.list(state="open", include_task=False, task_id=task["id"])
    node.client.run.patch(run["id"], {"status": "active"})
    with stage.socket(node.client) as heard:
        stage.eventually(
            lambda: ids(stage.root.node.list(collaboration=home.collaboration, is_online=True)),
            lambda online: online == [node.id],
        )
        assert "msg" in stage.root.node.kill_tasks(id_=node.id)
        (event,) = heard.wait("kill_containers")
    told = event["arguments"][0]
    assert told["collaboration_id"] == home.collaboration
    assert [killed["run_id"] for killed in told["kill_list"]] == [run["id"]]
    assert home.researcher.run.get(run["id"])["status"] == "killed by user"


@step
def a_node_takes_up_a_run_and_ends_it(stage: Stage) -> None:
    home = stage.home
    node = home.nodes[0].client
    task = stage.task(home, [home.organizations[0]], {"method": "mean"})
    (run,) = node.run.list(state="open", include_task=True, task_id=task["id"])
    assert run["task"]["id"] == task["id"]
    assert b'"mean"' in run["input"]
    assert run["id"] in ids(node.run.list(state="open", include_task=False))
    node.set_task_start_time(id_=run["id"])
    token = node.request_token_for_container(task_id=task["id"], image=task["image"])
    assert token["container_token"].count(".") == 2
    assert node.run.patch(id_=run["id"], data={"status": "active"})["status"] == "active"
    body = {"result": b'{"mean": 7}', "log": "done", "status": "completed"}
    done = node.run.patch(id_=run["id"], data=body, init_org_id=home.organizations[0])
    assert (done["status"], done["log"]) == ("completed", "done")
    assert node.run.list(state="open", include_task=False, task_id=task["id"]) == []
    seen = home.researcher.run.get(run["id"])
    assert seen["started_at"] < home.researcher.run.get(run["id"])["finished_at"]
    assert home.researcher.result.get(run["id"]) == '{"mean": 7}'


@step
def a_node_asks_about_its_collaboration(stage: Stage) -> None:
    organization = stage.organization()
    plain, secret = (stage.collaboration(organization, encrypted=encrypted) for encrypted in (False, True))
    for collaboration, encrypted in ((plain, False), (secret, True)):
        assert stage.node(organization, collaboration).client.is_encrypted_collaboration() is encrypted


@step
def a_node_judges_who_may_send_it_tasks(stage: Stage) -> None:
    client = stage.home.nodes[0].client

    def is_allowed(users: list[str], organizations: list[str]) -> bool:
        return bool(
            client.check_user_allowed_to_send_task(
                allowed_users=users, allowed_orgs=organizations, init_org_id=7, init_user_id=9
            )
        )

    assert is_allowed(["9"], [])
    assert is_allowed([], ["7"])
    assert not is_allowed(["8"], [])


@step
def a_node_goes_on_without_a_vpn(stage: Stage) -> None:
    client = stage.home.nodes[0].client
    with stage.refused(501):
        assert client.get_vpn_config() == (False, "")
    profile = stage.folder / "profile.ovpn"
    profile.write_text("client\n")
    with stage.refused(404):
        assert client.refresh_vpn_keypair(ovpn_file=str(profile)) is False
    assert profile.read_text() == "client\n"


@step
def a_node_asks_an_algorithm_store(stage: Stage) -> None:
    home = stage.home
    store = stage.linked_store()
    known = stage.store.add_algorithm("registry.test/known:1")
    client = home.nodes[1].client
    assert client.algorithm_store.get(id_=store["id"])["url"] == store["url"]
    assert client.algorithm_store.set(id_=store["id"])["id"] == store["id"]
    assert client.generate_path_to("algorithm", is_for_algorithm_store=True) == f"{store['url']}/algorithm"
    assert client.algorithm_store.get_algorithm(image="registry.test/known:1")["id"] == known
    assert client.algorithm_store.get_algorithm("registry.test/unknown:1") is None
    assert stage.store.callers[-1]["node_id"] == home.nodes[1].id
