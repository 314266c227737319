"""Organizations, collaborations and studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.official_client.given import PASSWORD

from .filters import finds, ids, narrows, narrows_one, pages
from .registry import step

if TYPE_CHECKING:
    from tests.official_client.stage import Stage


@step
def an_organization_is_made_found_changed_and_deleted(stage: Stage) -> None:
    root, name = stage.root, stage.name("org")
    made = root.organization.create(
        name=name,
        address1="Quay 1",
        address2="First floor",
        zipcode="1000 AA",
        country=f"Land of {name}",
        domain=f"{name}.test",
        public_key="a2V5",
    )
    assert (made["name"], made["address1"], made["public_key"]) == (name, "Quay 1", "a2V5")
    other = stage.organization()
    inside, outside = stage.collaboration(made["id"], other), stage.collaboration(other)
    study = root.study.create(stage.name("study"), [made["id"]], inside)["id"]
    without = root.study.create(stage.name("study"), [other], inside)["id"]
    finds(
        root.organization.list,
        made["id"],
        {"name": "nothing", "country": "nowhere", "collaboration": outside, "study": without},
        name=name,
        country=f"Land of {name}",
        collaboration=inside,
        study=study,
    )
    pages(root.organization.list)
    narrows(root.organization.list, "name", name, collaboration=inside)
    narrows_one(lambda **kwargs: root.organization.get(id_=made["id"], **kwargs), "name", name)
    new = {
        "name": f"{name}-2",
        "address1": "Quay 2",
        "address2": "Second floor",
        "zipcode": "2000 BB",
        "country": "Elsewhere",
        "domain": f"{name}-2.test",
    }
    changed = root.organization.update(id_=made["id"], **new)
    assert {key: changed[key] for key in new} == new
    for wanted in ({"field": "zipcode"}, {"fields": ["zipcode"]}):
        assert root.organization.update(made["id"], zipcode="3000 CC", **wanted) == {"zipcode": "3000 CC"}
        fresh = stage.name("org")
        assert root.organization.create(
            fresh, "", "", "", "", "", **{key: "name" if key == "field" else ["name"] for key in wanted}
        ) == {"name": fresh}
    with stage.refused(400):
        root.organization.delete(id_=made["id"])
    root.organization.delete(id_=made["id"], delete_dependents=True)
    assert ids(root.organization.list(name=f"{name}-2")) == []


@step
def a_user_sees_and_changes_their_own_organization_by_default(stage: Stage) -> None:
    client = stage.log_in(stage.user(stage.organization(), "Organization Admin"), PASSWORD)
    own = client.whoami.organization_id
    assert client.organization.get()["id"] == own
    assert client.organization.update(public_key="b3RoZXI=")["public_key"] == "b3RoZXI="


@step
def a_collaboration_is_made_found_changed_and_deleted(stage: Stage) -> None:
    root, name = stage.root, stage.name("collab")
    first, second = stage.organization(), stage.organization()
    made = root.collaboration.create(name=name, organizations=[first], encrypted=True)
    assert (made["name"], made["encrypted"]) == (name, True)
    store = stage.linked_store(made["id"])["id"]
    other_store = stage.linked_store(stage.collaboration(second))["id"]

    def everywhere(**filters: object) -> object:
        return root.collaboration.list(scope="global", **filters)

    finds(
        everywhere,
        made["id"],
        {"name": "nothing", "encrypted": False, "organization": second, "algorithm_store": other_store},
        name=name,
        encrypted=True,
        organization=first,
        algorithm_store=store,
    )
    pages(everywhere)
    narrows(everywhere, "name", name, organization=first)
    narrows_one(lambda **kwargs: root.collaboration.get(id_=made["id"], **kwargs), "name", name)
    own = stage.log_in(stage.user(first, "Collaboration Admin"), PASSWORD)
    assert ids(own.collaboration.list(scope="organization")) == [made["id"]]
    assert made["id"] not in ids(root.collaboration.list())

    changed = root.collaboration.update(
        id_=made["id"], name=f"{name}-2", encrypted=False, organizations=[first, second]
    )
    assert (changed["name"], changed["encrypted"]) == (f"{name}-2", False)
    assert ids(root.organization.list(collaboration=made["id"])) == [first, second]
    for wanted in ({"field": "name"}, {"fields": ["name"]}):
        fresh = stage.name("collab")
        assert root.collaboration.update(made["id"], name=fresh, **wanted) == {"name": fresh}
        fresh = stage.name("collab")
        assert root.collaboration.create(fresh, [first], **wanted) == {"name": fresh}

    third = stage.organization()
    assert ids(root.collaboration.add_organization(organization=third, collaboration=made["id"])) == [
        first,
        second,
        third,
    ]
    assert ids(root.collaboration.remove_organization(organization=second, collaboration=made["id"])) == [first, third]
    root.study.create(stage.name("study"), [first], made["id"])
    with stage.refused(400):
        root.collaboration.delete(id_=made["id"])
    root.collaboration.delete(id_=made["id"], delete_dependents=True)
    with stage.refused(404):
        assert "msg" in root.collaboration.get(made["id"])


@step
def a_study_is_made_found_changed_and_deleted(stage: Stage) -> None:
    root, name = stage.root, stage.name("study")
    first, second, third = stage.organization(), stage.organization(), stage.organization()
    inside, outside = stage.collaboration(first, second, third), stage.collaboration(third)
    made = root.study.create(name=name, organizations=[first, second], collaboration=inside)
    assert (made["name"], made["collaboration"]["id"]) == (name, inside)
    root.study.create(stage.name("study"), [third], inside)
    finds(
        root.study.list,
        made["id"],
        {"name": "nothing", "organization": third, "collaboration": outside},
        name=name,
        organization=first,
        collaboration=inside,
    )
    (shown,) = root.study.list(name=name, include_organizations=True)["data"]
    assert ids(shown["organizations"]) == [first, second]
    pages(root.study.list)
    narrows(root.study.list, "name", name, collaboration=inside)
    narrows_one(lambda **kwargs: root.study.get(id_=made["id"], **kwargs), "name", name)
    changed = root.study.update(id_=made["id"], name=f"{name}-2", organizations=[first])
    assert changed["name"] == f"{name}-2"
    assert ids(root.organization.list(study=made["id"])) == [first]
    for wanted in ({"field": "name"}, {"fields": ["name"]}):
        fresh = stage.name("study")
        assert root.study.update(made["id"], name=fresh, **wanted) == {"name": fresh}
        fresh = stage.name("study")
        assert root.study.create(fresh, [first], inside, **wanted) == {"name": fresh}
    assert ids(root.study.add_organization(organization=third, study=made["id"])) == [first, third]
    assert ids(root.study.remove_organization(organization=first, study=made["id"])) == [third]
    root.study.delete(id_=made["id"])
    with stage.refused(404):
        assert "msg" in root.study.get(made["id"])
