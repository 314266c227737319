"""Who may do what at the routes of auth; lists are in `lists`, and what may be given to whom is in `grants`."""

from collections.abc import Iterator

from . import scene
from .judge import Cell
from .rows import (
    NODE,
    NODES,
    USER,
    OpenRow,
    Row,
    Try,
    anybody,
    but,
    holds_all,
    homes,
    needs,
    nobody,
    things_named,
)
from .scene import Actor, Thing, reaches, scopes
from .world import IMAGE, World

_BAD = 400
_UNREADABLE = 422
_DEFAULT = [scene.thing(f"role:{name}") for name in scene.default_roles()]
_ROLES = things_named("role", "A", "held", "B", "C", "D")
_USERS = things_named(
    "user", "self", "weak A", "maker A", "strong A", "weak B", "maker B", "strong B", "weak D", "maker D", "root"
)
_RULE = {"rule_id": "@rule:node:ORGANIZATION:VIEW"}
_ALL = "?delete_dependents=1"


def _is_self(actor: Actor, target: Thing) -> bool:
    return target.user == actor.name


def _sees_user(actor: Actor, target: Thing) -> bool:
    return _is_self(actor, target) or reaches(actor, "user VIEW", target)


def _sees_role(actor: Actor, target: Thing) -> bool:
    if target.symbol.removeprefix("role:") in actor.roles:
        return True
    if target in _DEFAULT:
        return bool(scopes(actor, "role VIEW"))
    return reaches(actor, "role VIEW", target)


def _has_the_rule(actor: Actor, _target: Thing) -> bool:
    return _RULE["rule_id"].removeprefix("@rule:") in actor.rules


def _is_no_stronger(actor: Actor, target: Thing) -> bool:
    """Oneself, or somebody all of whose rules one has."""
    return _is_self(actor, target) or holds_all(actor, target)


def _default_roles_never_change(_actor: Actor, _target: Thing) -> int:
    return _BAD


def _new_user(target: Thing) -> dict[str, object]:
    (organization,) = target.organizations
    return {
        "username": "new.user",
        "password": "Correct-horse-7",
        "email": "new@rights.test",
        "firstname": "New",
        "lastname": "User",
        "organization_id": f"@organization:{organization}",
    }


def _new_role(target: Thing) -> dict[str, object]:
    (organization,) = target.organizations
    return {"name": "new", "rules": [], "organization_id": f"@organization:{organization}"}


def _is_to_run(actor: Actor, target: Thing) -> bool:
    """A node gets the token of an algorithm only of a task of which it has a run."""
    return target.collaborations == {actor.place}


OPEN = [
    # the bodies are missing: nobody is told anything else than that, whatever the token
    OpenRow("POST /api/token/user", 400, {}),
    OpenRow("POST /api/token/node", 400, {}),
    OpenRow("POST /oauth/token", 400),
    OpenRow("POST /api/recover/lost", 400, {}),
    OpenRow("POST /api/recover/reset", 400, {}),
    OpenRow("POST /api/recover/2fa/lost", 400, {}),
    OpenRow("POST /api/recover/2fa/reset", 400, {}),
    OpenRow("GET /.well-known/jwks.json", 200),
]

ROWS = [
    # ---- tokens
    Row("POST /api/token/container", [NODE], [
        Try(_is_to_run, things_named("task", "A", "B", "AC", "BD", "DD"), {"task_id": "@target", "image": IMAGE},
            writes=False, nothing=_BAD),
        Try(nobody, things_named("task", "A", "BD"), {"task_id": "@target", "image": "registry.test/other:1"},
            nothing=False, what="another image"),
        Try(lambda actor, target: _BAD if _is_to_run(actor, target) else False, things_named("task", "ended"),
            {"task_id": "@target", "image": IMAGE}, nothing=False),
    ]),
    Row("POST /api/token/user/validate", [USER], [Try(anybody, writes=False)]),
    Row("POST /api/token/node/validate", [NODE], [Try(anybody, writes=False)]),
    Row("POST /api/recover/node", [USER], [Try(needs("node EDIT"), NODES, {"id": "@target"})]),
    # ---- accounts
    Row("PATCH /api/password/change", [USER], [Try(anybody, body={}, then=_BAD)]),
    Row("GET /api/user/{user_id}", [USER], [
        Try(_sees_user, _USERS),
        Try(_sees_user, things_named("user", "self", "maker A", "maker B", "maker D"),
            query="?include_permissions=1", nothing=False, what="permissions"),
    ]),
    Row("POST /api/user", [USER], [Try(needs("user CREATE"), homes("A", "B", "C", "D"), _new_user, then=201)]),
    Row("PATCH /api/user/{user_id}", [USER], [
        Try(needs("user EDIT"), _USERS, {"lastname": "Changed"}),
        # mail-takeover: whoever could change the address of a stronger account could take it over
        Try(needs("user EDIT", _is_no_stronger), _USERS, {"email": "changed@rights.test"}, what="email"),
    ]),
    Row("DELETE /api/user/{user_id}", [USER], [
        Try(needs("user DELETE", _is_no_stronger), _USERS, query=_ALL),
    ]),
    # ---- roles
    Row("GET /api/role/{role_id}", [USER], [Try(_sees_role, [*_ROLES, *_DEFAULT])]),
    Row("POST /api/role", [USER], [
        Try(needs("role CREATE"), homes("A", "B", "C", "D"), _new_role, then=201),
    ]),
    Row("PATCH /api/role/{role_id}", [USER], [
        Try(needs("role EDIT"), _ROLES, {"name": "renamed"}),
        Try(_default_roles_never_change, _DEFAULT, {"name": "renamed"}, nothing=False),
    ]),
    Row("DELETE /api/role/{role_id}", [USER], [
        Try(needs("role DELETE"), _ROLES, query=_ALL),
        Try(_default_roles_never_change, _DEFAULT, query=_ALL, nothing=False),
        Try(but(_BAD, anybody, needs("role DELETE")), things_named("role", "held"), nothing=False,
            what="somebody has it"),
    ]),
    Row("POST /api/role/{role_id}/rule/{rule_id}", [USER], [
        Try(needs("role EDIT", _has_the_rule), things_named("role", "held"), at=_RULE, then=201),
        # default-roles-editable
        Try(_default_roles_never_change, _DEFAULT, at=_RULE, nothing=False),
    ]),
    Row("DELETE /api/role/{role_id}/rule/{rule_id}", [USER], [
        Try(needs("role EDIT", _has_the_rule), things_named("role", "A", "B", "C", "D"), at=_RULE),
        Try(_default_roles_never_change, _DEFAULT, at=_RULE, nothing=False),
    ]),
    # ---- rules
    Row("GET /api/rule/{rule_id}", [USER], [Try(anybody, things_named("rule", "task:GLOBAL:VIEW", "user:OWN:EDIT"))]),
]  # fmt: skip

REFRESH = "POST /api/token/refresh"


def refresh_cells(_world: World) -> Iterator[Cell]:
    """Everybody at the one route that wants another kind of token: an access token, whose ever, is unreadable there."""
    for actor in scene.actors():
        is_right = actor.name == "refresh token"
        expected = 200 if is_right else actor.refused if actor.name in _NO_ACCESS_TOKEN else _UNREADABLE
        path = "/api/token/refresh"
        yield Cell(actor, "POST", path, None, [expected], writes=is_right, name=actor.name)


_NO_ACCESS_TOKEN = ("anonymous", "expired token")
