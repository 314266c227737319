"""Users, roles, rules, and what users do with their own accounts."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from tests.official_client.given import PASSWORD

from .filters import finds, ids, narrows, narrows_one, pages
from .registry import step

if TYPE_CHECKING:
    from tests.official_client.stage import Stage

_TODAY = dt.datetime.now(dt.UTC).date()
YESTERDAY, TOMORROW = str(_TODAY - dt.timedelta(days=1)), str(_TODAY + dt.timedelta(days=1))
LONG_AGO = "2001-01-01"


@step
def a_user_is_made_found_changed_and_deleted(stage: Stage) -> None:
    root, name = stage.root, stage.name("grace")
    organization, elsewhere = stage.organization(), stage.organization()
    roles = stage.roles
    made = root.user.create(
        username=name,
        firstname=f"Grace-{name}",
        lastname=f"Hopper-{name}",
        password=PASSWORD,
        email=f"{name}@example.test",
        organization=organization,
        roles=[roles["Viewer"]],
        rules=[3],
        field=None,
        fields=["id", "username", "email"],
    )
    assert made == {"id": made["id"], "username": name, "email": f"{name}@example.test"}
    stage.log_in(name, PASSWORD)
    finds(
        root.user.list,
        made["id"],
        {
            "username": "nobody",
            "organization": elsewhere,
            "firstname": "nobody",
            "lastname": "nobody",
            "email": "nobody@example.test",
            "role": roles["Root"],
            "rule": 86,
            "last_seen_from": TOMORROW,
            "last_seen_till": LONG_AGO,
        },
        username=name,
        organization=organization,
        firstname=f"Grace-{name}",
        lastname=f"Hopper-{name}",
        email=f"{name}@example.test",
        role=roles["Viewer"],
        rule=3,
        last_seen_from=YESTERDAY,
        last_seen_till=TOMORROW,
    )
    pages(root.user.list)
    narrows(root.user.list, "username", name)
    narrows_one(lambda **kwargs: root.user.get(id_=made["id"], **kwargs), "username", name)
    changed = root.user.update(
        id_=made["id"],
        firstname="G",
        lastname="H",
        organization=elsewhere,
        rules=[4],
        roles=[roles["Researcher"]],
        email=f"{name}@elsewhere.test",
        fields=["firstname", "lastname", "email", "organization"],
    )
    assert changed["organization"]["id"] == organization  # the client offers it, but users do not move
    assert (changed["firstname"], changed["lastname"], changed["email"]) == ("G", "H", f"{name}@elsewhere.test")
    assert ids(root.user.list(role=roles["Researcher"], rule=4, organization=organization)) == [made["id"]]
    assert root.user.update(id_=made["id"], firstname="Grace", field="firstname") == {"firstname": "Grace"}
    root.user.delete(id_=made["id"])
    assert ids(root.user.list(username=name)) == []
    with stage.refused(404):
        assert "msg" in root.user.get(id_=made["id"])


@step
def a_user_sees_and_changes_themselves_by_default(stage: Stage) -> None:
    client = stage.log_in(stage.user(stage.organization()), PASSWORD)
    assert client.user.get()["id"] == client.whoami.id_
    assert client.user.update(lastname="Else")["lastname"] == "Else"


@step
def a_made_user_may_be_told_by_one_field(stage: Stage) -> None:
    name = stage.name("ada")
    made = stage.root.user.create(
        name, "A", "L", PASSWORD, f"{name}@example.test", stage.organization(), field="username"
    )
    assert made == {"username": name}


@step
def a_role_is_made_found_changed_and_deleted(stage: Stage) -> None:
    root, name = stage.root, stage.name("role")
    organization, elsewhere = stage.organization(), stage.organization()
    made = root.role.create(
        name=name, description=f"about {name}", rules=[1, 2], organization=organization, fields=["id", "name"]
    )
    assert made == {"id": made["id"], "name": name}
    user = root.user.create(
        stage.name("bearer"), "B", "B", PASSWORD, f"{name}@example.test", organization, [made["id"]]
    )["id"]
    finds(
        root.role.list,
        made["id"],
        {
            "name": "nothing",
            "description": "nothing",
            "organization": elsewhere,
            "rule": 86,
            "user": root.whoami.id_,
        },
        name=name,
        description=f"about {name}",
        organization=organization,
        rule=1,
        user=user,
    )
    default = stage.roles["Viewer"]
    assert default in ids(root.role.list(organization=organization, include_root=True, per_page=50))
    assert default not in ids(root.role.list(organization=organization, include_root=False, per_page=50))
    pages(root.role.list)
    narrows(root.role.list, "name", name, organization=organization)
    narrows_one(lambda **kwargs: root.role.get(id_=made["id"], **kwargs), "name", name)
    changed = root.role.update(role=made["id"], name=f"{name}-2", description="other", rules=[3])
    assert (changed["name"], changed["description"]) == (f"{name}-2", "other")
    assert ids(root.rule.list(role=made["id"])) == [3]
    for wanted in ({"field": "name"}, {"fields": ["name"]}):
        again = root.role.update(made["id"], f"{name}-3", "other", [3], **wanted)
        assert again == {"name": f"{name}-3"}
    root.user.delete(user)
    root.role.delete(role=made["id"])
    assert ids(root.role.list(name=f"{name}-3")) == []


@step
def a_role_without_an_organization_is_of_the_users_own(stage: Stage) -> None:
    name = stage.name("role")
    client = stage.log_in(stage.user(stage.organization(), "Organization Admin"), PASSWORD)
    assert client.role.create(name, "", [], field="name") == {"name": name}
    (made,) = client.role.list(name=name)["data"]
    assert made["organization"]["id"] == client.whoami.organization_id


@step
def rules_are_found(stage: Stage) -> None:
    root = stage.root
    rule = root.rule.get(id_=1)
    finds(
        root.rule.list,
        1,
        {"name": "nothing", "operation": "SEND", "scope": "OWN" if rule["scope"] != "OWN" else "GLOBAL"},
        name=rule["name"],
        operation=rule["operation"],
        scope=rule["scope"],
        role=stage.roles["Root"],
    )
    pages(root.rule.list)
    narrows(root.rule.list, "name", rule["name"])
    narrows_one(lambda **kwargs: root.rule.get(1, **kwargs), "name", rule["name"])


@step
def the_server_tells_its_version_and_health(stage: Stage) -> None:
    client = stage.client()
    assert client.util.get_server_version(attempts_on_timeout=2)["version"].startswith("4.15")
    assert client.util.get_server_health() == {"database": True}


@step
def a_user_changes_their_password(stage: Stage) -> None:
    username = stage.user(stage.organization())
    client = stage.log_in(username, PASSWORD)
    assert "msg" in client.util.change_my_password(current_password=PASSWORD, new_password="Battery-staple-8")
    assert stage.log_in(username, "Battery-staple-8").whoami.id_ == client.whoami.id_


@step
def a_user_sets_a_new_password_with_a_mailed_token(stage: Stage) -> None:
    username = stage.user(stage.organization())
    address = f"{username}@example.test"
    client = stage.client()
    assert "msg" in client.util.reset_my_password(username=username)
    first = stage.token_mailed_to(address)
    assert "msg" in client.util.set_my_password(token=first, password="Battery-staple-8")
    stage.log_in(username, "Battery-staple-8")
    assert "msg" in client.util.reset_my_password(email=address)
    second = stage.token_mailed_to(address)
    assert "msg" in client.util.set_my_password(second, "Battery-staple-9")
    assert stage.log_in(username, "Battery-staple-9").name == "First"
