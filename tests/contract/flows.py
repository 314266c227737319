"""The world of the suite `calls`, and for each of its cases what was there before and in which order it went.

The file of the recordings keeps the steps of a case by name; the order in which they were made is worked out from
what they answer, and stands here.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .disposables import add_makers
from .observations import receive
from .recording import Cell
from .replay import Seen
from .world import (
    PUBLIC_KEY,
    READABLE,
    UNREADABLE,
    World,
    finished,
    name_catalogue,
    password,
    rule_place,
    started,
    store,
)

Prepare = Callable[[World], Awaitable[None]]
After = Callable[[World, Any], None]

_ROLES = {
    "q.root": ("Q1", "Root"),
    "q.res": ("Q1", "Researcher"),
    "q.res2": ("Q2", "Researcher"),
    "q.col": ("Q1", "ColAdmin"),
    "q.org": ("Q1", "OrgAdmin"),
    "q.view": ("Q1", "Viewer"),
}


async def build(world: World) -> None:
    """Build the objects of the suite, beside those of the other suites."""
    for name in ("Q1", "Q2", "Q3", "Q4"):
        await world.create(f"org:{name}", "/organization", {"name": f"flow-{name}"})
    for name, members, encrypted in (("q1", "12", False), ("q2", "13", True), ("q0", "14", False)):
        await _collaboration(world, name, f"flow-{name}", [f"Q{member}" for member in members], encrypted=encrypted)
    await _study(world, "qs", "flow-qs")
    for name, (organization, role) in _ROLES.items():
        await _user(world, name, organization, role)
    await world.make("q.org", "PATCH", "/organization/{org:Q1}", {"public_key": PUBLIC_KEY})
    for name, organization, collaboration in (
        ("q1a", "Q1", "q1"),
        ("q1b", "Q2", "q1"),
        ("q2a", "Q1", "q2"),
        ("q2c", "Q3", "q2"),
    ):
        await world.node(name, organization, collaboration)
        await world.headers(f"node:{name}")
    for user in _ROLES:
        await world.headers(user)


@dataclass(frozen=True)
class Flow:
    """How a case went.

    Attributes:
        order: its steps; empty when each stands for itself and nothing of one is left for the next.
        prepare: what was there before.
        after: what a step gave the later ones, by step.
    """

    order: Sequence[str] = ()
    prepare: Prepare | None = None
    after: Mapping[str, After] | None = None


def flow_of(case: str) -> Flow:
    """How a case went; one that is not named here has steps that stand for themselves."""
    return FLOWS.get(case, Flow())


def in_order(cells: Sequence[Cell], flow: Flow) -> list[Cell]:
    """The steps in the order in which they were made.

    Raises:
        ValueError: the flow does not say where a step belongs.
    """
    if not flow.order:
        return list(cells)
    by_step = {cell.step: cell for cell in cells}
    if set(by_step) != set(flow.order):
        raise ValueError(f"{cells[0].case}: {set(by_step) ^ set(flow.order)} is in the recording or in the flow only")
    return [by_step[step] for step in flow.order]


def told(cell: Cell, world: World, answer: Seen, made: Any) -> None:
    """Give later steps what this one made."""
    after = flow_of(cell.case).after or {}
    if cell.step in after and answer.status < 400:
        after[cell.step](world, made)


# ---- what was there before


async def _collaboration(
    world: World, symbol: str, name: str, members: Sequence[str], *, encrypted: bool = False
) -> None:
    body = {"name": name, "organization_ids": [f"{{org:{one}}}" for one in members], "encrypted": encrypted}
    await world.create(f"col:{symbol}", "/collaboration", body)


async def _study(world: World, symbol: str, name: str) -> None:
    body = {"name": name, "collaboration_id": "{col:q1}", "organization_ids": ["{org:Q1}"]}
    await world.create(f"study:{symbol}", "/study", body)


async def _user(world: World, name: str, organization: str = "Q1", *roles: str) -> None:
    places = [f"{{role:{role}}}" for role in roles]
    await world.user(name, organization, email=f"{name}@flows.test", firstname="F", lastname="L", roles=places)


async def _task(world: World, name: str, *members: str, collaboration: str = "q1", **fields: Any) -> None:
    given = {"input": UNREADABLE} if collaboration == "q2" else {"input": READABLE}
    where = {"collaboration_id": f"{{col:{collaboration}}}"}
    await world.task(name, fields.pop("creator", "q.res"), list(members), **where, **given, **fields)


async def _task_c1(world: World) -> None:
    await world.make("node:q1a", "PATCH", "/node/{node:q1a}", {"ip": "10.1.0.1"})
    await _task(world, "c1", "Q1", "Q2", databases=[{"label": "db", "query": "q"}])
    await world.container("c1", "q1a", "c1")


async def _task_c2(world: World) -> None:
    await _task(world, "c2", "Q1", "Q3", collaboration="q2")
    await world.container("c2", "q2a", "c2")


async def _task_p1(world: World) -> None:
    await world.make("node:q1a", "PATCH", "/node/{node:q1a}", {"ip": "10.1.0.1"})
    await _task(world, "p1", "Q1", "Q2")
    await world.container("p1", "q1a", "p1")


async def _task_k1(world: World) -> None:
    await _task(world, "k1", "Q1", "Q2")
    await world.report("k1.Q1", "q1a", started_at=started(41), status="active")
    await world.container("k1", "q1a", "k1")
    await _task(world, "k1s", "Q1", "Q2", creator="container:k1")
    await world.report("k1s.Q2", "q1b", status="completed", finished_at=finished(2, 41))


async def _deleted_node(world: World) -> None:
    await _collaboration(world, "qn", "flow-qn", ["Q1", "Q2"])
    await world.node("qna", "Q1", "qn")
    await world.node("qnb", "Q2", "qn")
    await world.headers("node:qna")
    await _task(world, "n1", "Q1", "Q2", collaboration="qn")


async def _deleted_user(world: World) -> None:
    await _user(world, "q.del", "Q1", "Researcher")
    await _task(world, "u1", "Q1", creator="q.del")
    await world.headers("q.del#refresh")


async def _moved_node(world: World) -> None:
    await world.node("valnode", "Q1", "q0")
    await world.headers("node:valnode")


async def _q2c_has_a_token(world: World) -> None:
    await world.headers("node:q2c")
    world.symbols.note("val:oldkey", world.keys["q2c"])


async def _role_in_use(world: World) -> None:
    await _role(world, "used")
    await _user(world, "val.roleuser", "Q1", "used")


async def _store_in_use(world: World) -> None:
    with world.lacking("store:life"):
        await store(world, "life", "flow-life", "q1", actor="q.col")
    with world.lacking("task:st"):
        await _task(world, "st", "Q1", store_id="{store:life}", server_url="{base}/api", job=False)


async def _locked_out(world: World) -> None:
    await _user(world, "q.rec2")
    await world.make("anonymous", "POST", "/recover/lost", {"username": "q.rec2"})
    await receive(world, world.outside.mailbox, "reset2")
    for _ in range(5):
        await world.ask("anonymous", "POST", "/token/user", {"username": "q.rec2", "password": "Wrong-Pw-1!"})


async def _forgetful(world: World) -> None:
    await _user(world, "q.rec")


async def _root_token(world: World) -> None:
    """Tokens that are no tokens of ours, made from root's."""
    await world.headers("root")
    token = world.tokens["root"]
    header, payload, signature = token.split(".")
    _, other, _ = (await _token(world, "q.view")).split(".")
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"
    for name, value in {
        "tok": token,
        "none": f"{unsigned}.{payload}.",
        "nosig": f"{header}.{payload}.",
        "swap": f"{header}.{other}.{signature}",
    }.items():
        world.symbols.note(f"val:{name}", value)


async def _token(world: World, actor: str) -> str:
    await world.headers(actor)
    return world.tokens[actor]


async def build_for_two_factors(world: World) -> None:
    """Build the objects of the suite `twofa`, while passwords alone are enough."""
    await name_catalogue(world)
    await world.create("org:Z", "/organization", {"name": "flow-Z"})
    for name in ("z.view", "z.other"):
        await _user(world, name, "Z", *(["Viewer"] if name == "z.view" else []))
    await world.headers("z.view")


async def _second_factor(world: World) -> None:
    """Set up the second factor of `z.view`."""
    change = {"current_password": password("z.view"), "new_password": _CHANGED}
    await world.make("z.view", "PATCH", "/password/change", change)
    login = {"username": "z.view", "password": _CHANGED}
    world.secrets["new secret"] = (await world.make("anonymous", "POST", "/token/user", login))["otp_secret"]
    await world.make("anonymous", "POST", "/token/user", login | {"mfa_code": world.code("new secret")})


_CHANGED = "Changed-Pw-1!"


def _remember_password(world: World, _made: Any) -> None:
    world.passwords["z.view"] = _CHANGED


def _remember_secret(world: World, made: Any) -> None:
    world.secrets["old secret"] = world.secrets.get("new secret", "")
    world.secrets["new secret"] = made["otp_secret"]


def _failing(task: str) -> Prepare:
    async def prepare(world: World) -> None:
        await _task(world, task, "Q1", "Q2")

    return prepare


async def _role(world: World, name: str) -> None:
    body = {
        "name": "val-role-patch" if name == "val" else f"flow-{name}",
        "description": "d",
        "organization_id": "{org:Q1}",
        "rules": [rule_place("task|OWN|VIEW")],
    }
    await world.create(f"role:{name}", "/role", body)


def _makers() -> None:
    async def collaboration(world: World, name: str) -> None:
        await _collaboration(world, name, "val-col-patch", ["Q1"])

    async def organization(world: World, name: str) -> None:
        await world.create(f"org:{name}", "/organization", {"name": "val-patch"})

    async def study(world: World, name: str) -> None:
        await _study(world, name, "val-study-patch")

    async def user(world: World, name: str) -> None:
        await _user(world, name)

    async def task(world: World, name: str) -> None:
        await _task(world, name, "Q1")

    add_makers(
        {
            "col:val": collaboration,
            "org:val": organization,
            "role:val": _role,
            "study:val": study,
            "user:val.patch": user,
            "task:rv": task,
        }
    )


_makers()


# ---- in which order


def _remember_new_key(world: World, made: Any) -> None:
    world.keys["q2c"] = made["api_key"]
    world.symbols.note("val:key:q2c", made["api_key"])


def _remember_node(world: World, made: Any) -> None:
    world.symbols.bind("node:dn", made["id"])


_FAILURE = ("fail", "sibling", "sibling patch", "task")
_STORE_KINDS = ("ok", "dup", "empty", "open", "deny", "fail", "teapot")

FLOWS: Mapping[str, Flow] = {
    "blob store": Flow(prepare=_task_p1),
    "collaboration members": Flow(
        ("add", "add again", "list", "remove", "get", "remove not member", "remove unknown", "remove bad")
    ),
    "collaboration nodes": Flow(
        (
            "add bad", "add text", "add zero", "add unknown", "add other org", "add", "node moved", "add again",
            "remove bad", "remove text", "remove zero", "remove unknown", "remove", "node without collaboration",
            "its token", "its list", "remove again", "delete node",
        ),
        _moved_node,
    ),
    "container calls": Flow(prepare=_task_c1),
    "container encrypted": Flow(prepare=_task_c2),
    "container subtask": Flow(prepare=_task_c1),
    "delete node": Flow(
        ("delete", "task", "runs", "run without node", "token of deleted node", "login of deleted node"), _deleted_node
    ),
    "delete user with tasks": Flow(
        (
            "refused", "with dependents", "user gone", "task gone", "run", "token of deleted user",
            "validate deleted user", "refresh of deleted user",
        ),
        _deleted_user,
    ),
    "http authorization": Flow(prepare=_root_token),
    "kill task": Flow(
        (
            "bad empty", "bad text", "bad zero", "bad null", "bad none", "bad extra", "bad node empty", "bad node text",
            "bad node zero", "bad node null", "bad node none", "bad node extra", "viewer", "researcher", "offline node",
            "collaboration admin", "after task", "after run1", "after run2", "after subtask", "after subrun1",
            "after subrun2", "again", "node patches killed", "subtask with killed parent",
        ),
        _task_k1,
    ),
    "ports": Flow(
        (
            "port 0", "port -5", "port 65536", "port 1", "port 65535", "other node", "other collaboration", "user",
            "container", "run shows ports", "delete without run", "delete bad run", "delete unknown run",
            "delete by other", "delete", "delete again", "run shows none",
        ),
        _task_p1,
    ),
    "recover node key": Flow(
        (
            "empty", "text", "zero", "none", "extra", "viewer", "node itself", "ok", "old key", "new key",
            "old token still works",
        ),
        _q2c_has_a_token,
        {"ok": _remember_new_key},
    ),
    "recover password": Flow(
        (
            "lost by name", "mail", "mails", "token claims", "lost again at once", "no second mail",
            "reset token on api list", "reset token on api user", "reset token on blob status", "weak", "ok",
            "old login", "new login", "token used twice", "login after second", "user shows last mail",
        ),
        _forgetful,
    ),
    "recover unlocks": Flow(("locked", "reset", "login"), _locked_out),
    "role delete": Flow(("default", "in use", "in use with dependents", "user after", "unused", "again"), _role_in_use),
    "run failure crashed": Flow(_FAILURE, _failing("f3")),
    "run failure start failed": Flow(_FAILURE, _failing("f1")),
    "run failure while sibling runs": Flow(
        ("sibling starts", "fail", "sibling", "task", "sibling fails otherwise", "task mixed"), _failing("g")
    ),
    "store behaviours": Flow(tuple(f"{what} {kind}" for kind in _STORE_KINDS for what in ("post", "calls"))),
    "store delete": Flow(("viewer", "ok", "calls", "again", "gone", "task stays"), _store_in_use),
    "validate node more": Flow(
        (
            "taken name", "taken place", "not a member", "default name", "get", "delete", "get gone", "delete again",
            "default organization",
        ),
        after={"default name": _remember_node},
    ),
    "own lockout policy": Flow(("wrong 0", "wrong 1", "wrong 2", "right but locked", "mail", "mails")),
    "user setup": Flow(
        (
            "before", "password change needs no code", "wrong password", "first login", "wrong password with code",
            "login with code", "same organization sees", "other user sees secret", "patch secret",
        ),
        after={"password change needs no code": _remember_password, "first login": _remember_secret},
    ),
    "recover two factor": Flow(
        (
            "wrong password", "lost", "mail", "mails", "token claims", "lost again at once", "reset",
            "login old secret", "login new secret", "reset token used twice", "two factor token resets password",
        ),
        _second_factor,
        {"reset": _remember_secret},
    ),
}  # fmt: skip
