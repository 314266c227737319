"""Algorithm stores: those that the server knows, and what the client asks of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.official_client.given import PASSWORD

from .filters import finds, ids, narrows, narrows_one, pages
from .registry import step

if TYPE_CHECKING:
    from tests.official_client.stage import Stage


@step
def a_store_is_linked_found_changed_and_unlinked(stage: Stage) -> None:
    root, name, url = stage.root, stage.name("store"), stage.store.new_url()
    organization = stage.organization()
    first, second = stage.collaboration(organization), stage.collaboration(organization)
    made = root.store.create(
        algorithm_store_url=url, name=name, collaboration=first, all_collaborations=False, force=True
    )
    assert (made["name"], made["url"]) == (name, url)
    finds(
        root.store.list,
        made["id"],
        {"name": "nothing", "url": "http://nothing.test", "collaboration": second},
        name=name,
        url=url,
        collaboration=first,
    )
    for wanted in ({"field": "name"}, {"fields": ["name"]}):
        fresh = stage.name("store")
        assert root.store.create(stage.store.new_url(), fresh, first, force=True, **wanted) == {"name": fresh}
        assert root.store.update(made["id"], name=fresh, **wanted) == {"name": fresh}
    pages(root.store.list)
    name = stage.name("store")
    assert root.store.update(id_=made["id"], name=name, collaboration=second)["name"] == name
    assert ids(root.store.list(name=name, collaboration=second)) == [made["id"]]
    assert ids(root.store.list(name=name, collaboration=first)) == []
    narrows(root.store.list, "name", name, collaboration=second)
    narrows_one(lambda **kwargs: root.store.get(id_=made["id"], **kwargs), "name", name)
    root.store.update(id_=made["id"], all_collaborations=True)
    assert ids(root.store.list(name=name, collaboration=first)) == [made["id"]]
    root.store.delete(id_=made["id"])
    assert ids(root.store.list(name=name)) == []


@step
def a_store_may_be_for_all_collaborations(stage: Stage) -> None:
    client, url = stage.root, stage.store.new_url()
    made = client.store.create(url, stage.name("store"), all_collaborations=True, force=True)
    assert client.store.set(id_=made["id"])["url"] == url
    assert client.generate_path_to("algorithm", is_for_algorithm_store=True) == f"{url}/algorithm"
    about_server = {"server_url": client.base_path}
    assert client.request("algorithm", headers=about_server, is_for_algorithm_store=True)["links"] == {}
    assert stage.store.callers[-1]["username"] == "root"


@step
def algorithms_are_kept_in_a_store(stage: Stage) -> None:
    client = _with_store(stage)
    name = stage.name("algorithm")
    about = {"name": name, "description": "sums", "image": f"registry.test/{name}", "partitioning": "horizontal"}
    made = client.algorithm.create(
        **about,
        vantage6_version="4.15",
        code_url="https://code.test",
        functions=[{"name": "sum"}],
        documentation_url="https://docs.test",
    )
    assert stage.store.records["algorithm"][made["id"]]["documentation_url"] == "https://docs.test"
    assert stage.store.callers[-1]["user_id"] == client.whoami.id_
    flags = ("awaiting_reviewer_assignment", "under_review", "in_review_process", "invalidated")
    listed = client.algorithm.list(**about, v6_version="4.15", page=1, per_page=5, **dict.fromkeys(flags, True))
    assert ids(listed) == [made["id"]]
    path, query = stage.store.queries[-1]
    assert (path, query["v6_version"], {query[flag] for flag in flags}) == ("algorithm", "4.15", {"True"})
    narrows(client.algorithm.list, "name", name)
    narrows_one(lambda **kwargs: client.algorithm.get(id_=made["id"], **kwargs), "name", name)
    new = {
        "name": f"{name}-2",
        "description": "means",
        "image": f"registry.test/{name}-2",
        "partitioning": "vertical",
        "vantage6_version": "4.16",
        "code_url": "https://code-2.test",
        "documentation_url": "https://docs-2.test",
        "functions": [],
        "refresh_digest": True,
    }
    changed = client.algorithm.update(id_=made["id"], **new)
    assert {key: changed[key] for key in new} == new
    for wanted in ({"field": "id"}, {"fields": ["id"]}):
        assert client.algorithm.update(made["id"], name="again", **wanted) == {"id": made["id"]}
        assert client.algorithm.invalidate(id_=made["id"], **wanted) == {"id": made["id"]}
        assert set(client.algorithm.create("x", "", "x", "", "", "", [], **wanted)) == {"id"}
    assert stage.store.records["algorithm"][made["id"]]["status"] == "invalidate"
    client.algorithm.delete(id_=made["id"])
    assert made["id"] not in stage.store.records["algorithm"]


@step
def people_of_a_store_are_kept_in_it(stage: Stage) -> None:
    client = _with_store(stage)
    part = client.store
    role = part.role.create(name="reviewer", description="reviews", rules=[1])
    assert ids(part.role.list(name="reviewer", description="reviews", user=1, page=1, per_page=5)) == [role["id"]]
    narrows(part.role.list, "name", "reviewer")
    assert part.role.edit(role_id=role["id"], name="r", description="d", rules=[2])["rules"] == [2]
    user = part.user.register(username="somebody", roles=[role["id"]])
    assert ids(part.user.list(username="somebody", role=role["id"], page=1, per_page=5)) == [user["id"]]
    narrows(part.user.list, "username", "somebody")
    narrows_one(lambda **kwargs: part.user.get(id_=user["id"], **kwargs), "username", "somebody")
    assert part.user.update(id_=user["id"], roles=[])["roles"] == []
    for wanted in ({"field": "id"}, {"fields": ["id"]}):
        assert set(part.role.create("x", "", [], **wanted)) == {"id"}
        assert part.role.edit(role["id"], name="r", **wanted) == {"id": role["id"]}
        assert set(part.user.register("x", [], **wanted)) == {"id"}
        assert part.user.update(user["id"], [], **wanted) == {"id": user["id"]}
    part.user.delete(id_=user["id"])
    part.role.delete(role_id=role["id"])
    assert user["id"] not in stage.store.records["user"]
    assert role["id"] not in stage.store.records["role"]


@step
def a_store_tells_its_rules_and_policy(stage: Stage) -> None:
    part = _with_store(stage).store
    stage.store.records["rule"] = {1: {"id": 1, "name": "algorithm", "operation": "view"}}
    listed = part.rule.list(
        name="algorithm", operation="view", role=1, username="root", serverUrl=stage.url, page=1, per_page=5
    )
    assert ids(listed) == [1]
    assert stage.store.queries[-1][1]["server_url"] == stage.url
    narrows(part.rule.list, "name", "algorithm")
    assert part.policy.get(public=True) == {"algorithm_view": "public"}
    for wanted in ({"field": "algorithm_view"}, {"fields": ["algorithm_view"]}):
        assert part.policy.get(**wanted) == {"algorithm_view": "only-registered"}


@step
def algorithms_of_a_store_are_reviewed(stage: Stage) -> None:
    part = _with_store(stage).store
    review = part.review.create(algorithm=1, reviewer=2)
    flags = ("under_review", "reviewed", "approved", "rejected")
    listed = part.review.list(algorithm=1, reviewer=2, page=1, per_page=5, **dict.fromkeys(flags, True))
    assert ids(listed) == [review["id"]]
    narrows(part.review.list, "reviewer_id", 2)
    narrows_one(lambda **kwargs: part.review.get(id_=review["id"], **kwargs), "reviewer_id", 2)
    for wanted in ({"field": "id"}, {"fields": ["id"]}):
        assert set(part.review.create(1, 2, **wanted)) == {"id"}
    assert part.review.approve(id_=review["id"], comment="good")["status"] == "approve"
    assert part.review.reject(id_=review["id"], comment="bad")["comment"] == "bad"
    part.review.delete(id_=review["id"])
    assert review["id"] not in stage.store.records["review"]


def _with_store(stage: Stage) -> Any:
    """Make a client that has chosen a store."""
    organization = stage.organization()
    linked = stage.linked_store(stage.collaboration(organization))
    client = stage.log_in(stage.user(organization), PASSWORD)
    assert client.store.set(linked["id"])["id"] == linked["id"]
    return client
