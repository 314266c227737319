"""Who may do what at the routes of api and vpn-registry; lists are in `lists`.

Written from the contract: a line says what of `facts/routes.json` holds there, and what of `defects.md` instead.
"""

from .rows import (
    COLLABORATIONS,
    CONTAINER,
    DENIED,
    EVERYBODY,
    NODE,
    NODES,
    NOWHERE,
    ORGANIZATIONS,
    STORES,
    STUDIES,
    UNKNOWN,
    USER,
    May,
    OpenRow,
    Row,
    Try,
    anybody,
    but,
    by_collaboration,
    except_by,
    needs,
    needs_globally,
    only,
    own,
    places,
    themselves,
    things_named,
)
from .scene import Actor, Thing, reaches, scopes, thing
from .world import INPUT, RESULT, task_body

_BAD = 400
_NOT_HERE = 501
_TASKS = things_named("task", "self", "A", "B", "AC", "BD", "DD")
_RUNS = things_named("run", "A/A", "A/B", "B/A", "B/B", "AC/A", "AC/C", "BD/B", "BD/D", "DD/D", "nobody/B")
_ALL = "?delete_dependents=1"


def _in_place(right: str) -> May:
    """The right, but a container is held to the collaboration in which it runs."""

    def may(actor: Actor, target: Thing) -> bool:
        return reaches(actor.in_place(), right, target)

    return may


def _works_in(actor: Actor, target: Thing) -> bool:
    """The caller's organization is a member of the thing's collaboration, whatever its rights."""
    return bool(target.collaborations & actor.collaborations)


def _unless_told_first(right: str) -> May:
    """Who has the right for nothing at all is refused before anything is looked up."""
    return lambda actor, _target: UNKNOWN if "GLOBAL" in scopes(actor, right) else DENIED


def _may_have_node_there(actor: Actor, target: Thing) -> bool:
    """Collaboration scope is for own collaborations only, also where the node will be of one's own organization."""
    held = scopes(actor, "node CREATE")
    return (
        "GLOBAL" in held
        or ("COLLABORATION" in held and _works_in(actor, target))
        or ("ORGANIZATION" in held and own(actor, target))
    )


def _new_node(target: Thing) -> dict[str, str]:
    (organization,), (collaboration,) = target.organizations, target.collaborations
    return {
        "name": "new",
        "organization_id": f"@organization:{organization}",
        "collaboration_id": f"@collaboration:{collaboration}",
    }


def _new_store(target: Thing) -> dict[str, object]:
    names = sorted(target.collaborations)
    return {
        "name": "new",
        "algorithm_store_url": "{stores}/ok-new/api",
        "server_url": "{base}/api",
        "force": True,
        **({"collaboration_id": f"@collaboration:{names[0]}"} if names else {}),
    }


def _for_all(actor: Actor, _target: Thing) -> bool:
    return "GLOBAL" in scopes(actor, "collaboration EDIT")


def _edits_store(actor: Actor, target: Thing) -> bool:
    return _for_all(actor, target) if target.symbol == "store:all" else reaches(actor, "collaboration EDIT", target)


def _moves_store_to(name: str) -> May:
    return lambda actor, target: (
        _edits_store(actor, target) and reaches(actor, "collaboration EDIT", thing(f"collaboration:{name}"))
    )


def _sees_store(actor: Actor, target: Thing) -> bool:
    """Those for all are seen by whoever sees collaborations at all."""
    if target.symbol == "store:all":
        return bool(scopes(actor, "collaboration VIEW"))
    return reaches(actor, "collaboration VIEW", target)


def _sees_results(actor: Actor, target: Thing) -> bool:
    """Whoever sees the task and its runs; or has made it."""
    held = actor.in_place()
    return reaches(held, "task VIEW", target) and (reaches(held, "run VIEW", target) or target.user == actor.name)


def _user_makes_tasks(actor: Actor, target: Thing) -> bool:
    return actor.kind == USER and _makes_tasks(actor, target)


def _is_run_of(actor: Actor, target: Thing) -> bool:
    """A node's own run: of its organization, in its collaboration."""
    return target.symbol.endswith("/A") and target.collaborations == {actor.place}


def _hears_something(actor: Actor, _target: Thing) -> bool:
    """Whoever may receive events of any scope; the scope decides which."""
    return bool(scopes(actor, "event RECEIVE"))


def _in_study(collaboration: str, study: str, runs: str) -> dict[str, object]:
    body = task_body(collaboration, runs, study_id=f"@study:{study}")
    return {name: value for name, value in body.items() if name != "collaboration_id"}


def _makes_tasks(actor: Actor, target: Thing) -> bool:
    """A user makes tasks in own collaborations, with collaboration scope or more; a container in its own one."""
    if actor.kind == CONTAINER:
        return target.collaborations == {actor.place}
    return bool(scopes(actor, "task CREATE")) and _works_in(actor, target)


OPEN = [
    OpenRow("GET /api/version", 200),
    OpenRow("GET /api/health", 200),
    OpenRow("GET /robots.txt", 200),
    OpenRow("GET /api/openapi.json", 200),
    OpenRow("GET /api/docs", 200),
    OpenRow("GET /api/docs/{name}", 404, at={"name": "nothing.js"}),
]

ROWS = [
    # ---- organizations
    Row("GET /api/organization/{organization_id}", EVERYBODY, [Try(needs("organization VIEW"), ORGANIZATIONS)]),
    Row("POST /api/organization", [USER], [
        Try(needs_globally("organization CREATE"), body={"name": "new"}, then=201),
    ]),
    Row("PATCH /api/organization/{organization_id}", [USER, NODE], [
        # node-edits-siblings: a node changes nothing but the key of its own organization
        Try(needs("organization EDIT", except_by(NODE)), ORGANIZATIONS, {"country": "XX"}),
        Try(needs("organization EDIT", own), ORGANIZATIONS, {"public_key": "a2V5"}, what="public key"),
        Try(needs("organization EDIT", own, except_by(NODE)), ORGANIZATIONS, {"public_key": "a2V5", "country": "XX"},
            what="public key among others"),
    ]),
    Row("DELETE /api/organization/{organization_id}", [USER], [
        Try(but(_BAD, own, needs_globally("organization DELETE")), ORGANIZATIONS, query=_ALL,
            nothing=_unless_told_first("organization DELETE")),
        Try(but(_BAD, anybody, needs_globally("organization DELETE")),
            things_named("organization", "A", "B", "D"), nothing=False, what="with dependents"),
    ]),
    # ---- collaborations
    Row("GET /api/collaboration/{collaboration_id}", EVERYBODY, [Try(needs("collaboration VIEW"), COLLABORATIONS)]),
    Row("POST /api/collaboration", [USER], [
        Try(needs_globally("collaboration CREATE"),
            body={"name": "new", "organization_ids": ["@organization:A"], "encrypted": False}),
    ]),
    Row("PATCH /api/collaboration/{collaboration_id}", [USER], [
        Try(needs("collaboration EDIT"), COLLABORATIONS, {"name": "renamed"}),
        Try(needs_globally("collaboration EDIT"), COLLABORATIONS,
            {"organization_ids": ["@organization:A", "@organization:D"]}, what="members"),
    ]),
    Row("DELETE /api/collaboration/{collaboration_id}", [USER], [
        Try(needs("collaboration DELETE"), COLLABORATIONS, query=_ALL),
    ]),
    Row("POST /api/collaboration/{collaboration_id}/organization", [USER], [
        Try(needs("collaboration EDIT"), things_named("collaboration", "AA", "AB", "AC", "BD", "DD"),
            {"id": "@organization:root"}),
    ]),
    Row("DELETE /api/collaboration/{collaboration_id}/organization", [USER], [
        Try(needs("collaboration EDIT"), things_named("collaboration", "AB"), {"id": "@organization:B"}),
        Try(needs("collaboration EDIT"), things_named("collaboration", "AA", "AB", "AC"), {"id": "@organization:A"},
            nothing=False, what="own"),
        Try(needs("collaboration EDIT"), things_named("collaboration", "BD", "DD"), {"id": "@organization:D"},
            nothing=False),
    ]),
    Row("POST /api/collaboration/{collaboration_id}/node", [USER], [
        # from AC to AA, both one's own
        Try(needs("collaboration EDIT"), things_named("collaboration", "AA"), {"id": "@node:A@AC"}, then=201),
        Try(but(_BAD, anybody, needs_globally("collaboration EDIT")), things_named("collaboration", "DD"),
            {"id": "@node:D@BD"}, nothing=False, what="of an organization that has one there"),
        Try(but(_BAD, anybody, needs("collaboration EDIT")),
            things_named("collaboration", "AA", "AC", "BD"), {"id": "@node:B@AB"}, nothing=False,
            what="of an organization that is no member"),
    ]),
    Row("DELETE /api/collaboration/{collaboration_id}/node", [USER], [
        Try(needs("collaboration EDIT"), things_named("collaboration", "AB"), {"id": "@node:B@AB"}),
        Try(needs("collaboration EDIT"), things_named("collaboration", "AC"), {"id": "@node:A@AC"}, nothing=False),
        Try(needs("collaboration EDIT"), things_named("collaboration", "BD"), {"id": "@node:B@BD"}, nothing=False),
        Try(needs("collaboration EDIT"), things_named("collaboration", "DD"), {"id": "@node:D@DD"}, nothing=False),
        Try(but(_BAD, anybody, needs("collaboration EDIT")), things_named("collaboration", "AA", "AB"),
            {"id": "@node:D@DD"}, nothing=False, what="that is elsewhere"),
    ]),
    # ---- studies
    Row("GET /api/study/{study_id}", EVERYBODY, [Try(needs("study VIEW"), STUDIES)]),
    Row("POST /api/study", [USER], [
        Try(needs("study CREATE"), places("AB"), then=201,
            body={"name": "new", "collaboration_id": "@collaboration:AB", "organization_ids": ["@organization:B"]}),
        Try(needs("study CREATE"), places("AA"), then=201,
            body={"name": "new", "collaboration_id": "@collaboration:AA", "organization_ids": ["@organization:A"]}),
        Try(needs("study CREATE"), places("BD"), then=201,
            body={"name": "new", "collaboration_id": "@collaboration:BD", "organization_ids": ["@organization:B"]}),
        Try(needs("study CREATE"), places("DD"), then=201,
            body={"name": "new", "collaboration_id": "@collaboration:DD", "organization_ids": ["@organization:D"]}),
    ]),
    Row("PATCH /api/study/{study_id}", [USER], [
        Try(needs("study EDIT"), STUDIES, {"name": "renamed"}),
        Try(needs("study EDIT"), things_named("study", "AB-both", "AB-B"), {"organization_ids": ["@organization:A"]},
            what="members"),
    ]),
    Row("DELETE /api/study/{study_id}", [USER], [Try(needs("study DELETE"), STUDIES, query=_ALL)]),
    Row("POST /api/study/{study_id}/organization", [USER], [
        # of an organization that only takes part in the study the right to edit does not say who else does
        Try(by_collaboration("study EDIT"), things_named("study", "AB-B"), {"id": "@organization:A"}),
        Try(by_collaboration("study EDIT"), things_named("study", "AB-both", "AC-both"), {"id": "@organization:A"},
            nothing=False, writes=False,
            what="that takes part already"),
        Try(but(_BAD, anybody, by_collaboration("study EDIT")),
            things_named("study", "BD-both", "DD-D"), {"id": "@organization:A"}, nothing=False,
            what="of another collaboration"),
    ]),
    Row("DELETE /api/study/{study_id}/organization", [USER], [
        Try(by_collaboration("study EDIT"), things_named("study", "AB-both", "AC-both"), {"id": "@organization:A"}),
        Try(by_collaboration("study EDIT"), things_named("study", "AB-B", "BD-both"), {"id": "@organization:B"},
            nothing=False),
        Try(by_collaboration("study EDIT"), things_named("study", "DD-D"), {"id": "@organization:D"}, nothing=False),
    ]),
    # ---- nodes; node-foreign-collaboration: what a rule with collaboration scope reaches is in own collaborations
    Row("GET /api/node/{node_id}", [USER, NODE], [Try(needs("node VIEW"), NODES)]),
    Row("POST /api/node", [USER], [
        Try(_may_have_node_there, [Thing("", frozenset("A"), frozenset(["AA"]))], _new_node, then=201),
        Try(but(_BAD, anybody, _may_have_node_there),
            [Thing("", frozenset("A"), frozenset(["AB"])), Thing("", frozenset("B"), frozenset(["AB"]))],
            _new_node, what="that is there already"),
        Try(but(_BAD, anybody, _may_have_node_there),
            [Thing("", frozenset("A"), frozenset(["BD"])), Thing("", frozenset("D"), frozenset(["BD"])),
             Thing("", frozenset("D"), frozenset(["DD"])), Thing("", frozenset("B"), frozenset(["DD"]))],
            _new_node, what="where it cannot be"),
    ]),
    Row("PATCH /api/node/{node_id}", [USER, NODE], [
        # node-edits-siblings: a node changes itself only
        Try(needs("node EDIT", only(NODE, themselves)), NODES, {"name": "renamed"}),
    ]),
    Row("DELETE /api/node/{node_id}", [USER], [Try(needs("node DELETE"), NODES)]),
    # ---- tasks
    Row("GET /api/task/{task_id}", EVERYBODY, [
        Try(_in_place("task VIEW"), _TASKS),
        Try(_in_place("task VIEW"), things_named("task", "self", "B", "BD"), query="?include=runs", nothing=False,
            what="runs"),
        Try(_sees_results, _TASKS, query="?include=results", nothing=False, what="results"),
    ]),
    Row("GET /api/task/{task_id}/status", [USER, CONTAINER], [
        Try(_in_place("task VIEW"), _TASKS),
    ]),
    Row("POST /api/task", [USER, CONTAINER], [
        Try(_makes_tasks, places("AB"), lambda _target: task_body("AB", "AB"), then=201),
        Try(_makes_tasks, places("AC"), lambda _target: task_body("AC", "C"), then=201),
        Try(_makes_tasks, places("BD"), lambda _target: task_body("BD", "B"), then=201),
        Try(_makes_tasks, places("DD"), lambda _target: task_body("DD", "D"), then=201),
        Try(_makes_tasks, [thing("study:AB-both")], lambda _target: _in_study("AB", "AB-both", "A"), then=201,
            nothing=False),
        Try(_makes_tasks, [thing("study:BD-both")], lambda _target: _in_study("BD", "BD-both", "B"), then=201,
            nothing=False),
        Try(_user_makes_tasks, places("AB"),
            lambda _target: task_body("AB", "A", image="registry.test/other:1"), then=201, what="another image"),
    ]),
    Row("DELETE /api/task/{task_id}", [USER], [Try(needs("task DELETE"), _TASKS)]),
    Row("POST /api/kill/task", [USER], [
        # organization and own scope mean nothing here
        Try(by_collaboration("event SEND"),
            _TASKS, {"id": "@target"}),
        # existence-before-permission: whoever may not is not told that it has ended
        Try(but(_BAD, anybody,
                by_collaboration("event SEND")),
            things_named("task", "ended"), {"id": "@target"}, nothing=False),
    ]),
    Row("POST /api/kill/node/tasks", [USER], [
        # none of them is online; existence-before-permission as above
        Try(but(_BAD, anybody, needs("event SEND")), NODES, {"id": "@target"}),
    ]),
    Row("POST /api/column", [USER], [
        Try(_makes_tasks, places("AB"), then=201,
            body={"db_label": "x", "collaboration_id": "@collaboration:AB",
                  "organizations": [{"id": "@organization:A", "input": INPUT}]}),
        Try(_makes_tasks, places("BD"), then=201,
            body={"db_label": "x", "collaboration_id": "@collaboration:BD",
                  "organizations": [{"id": "@organization:B", "input": INPUT}]}),
    ]),
    # ---- runs and results
    Row("GET /api/run/{run_id}", EVERYBODY, [
        Try(_in_place("run VIEW"), _RUNS),
        Try(_in_place("run VIEW"), things_named("run", "B/A", "BD/B"), query="?include=task", nothing=False,
            what="task"),
    ]),
    Row("PATCH /api/run/{run_id}", [NODE], [
        # run-patch-any-node: the node itself only
        Try(_is_run_of, _RUNS, {"status": "active", "started_at": "2024-03-01T10:00:00.000001+00:00"}),
    ]),
    Row("GET /api/result/{run_id}", EVERYBODY, [Try(_in_place("run VIEW"), _RUNS)]),
    # ---- large payloads: there is no store for them here
    Row("GET /api/blobstream/status", EVERYBODY, [Try(anybody)]),
    Row("POST /api/blobstream", EVERYBODY, [Try(anybody, then=_NOT_HERE)]),
    Row("GET /api/blobstream/{blob_id}", EVERYBODY, [
        Try(but(_NOT_HERE, anybody, _in_place("run VIEW")), things_named("run", "ended/A"), at={"blob_id": RESULT},
            nothing=False),
        Try(lambda _actor, _target: UNKNOWN, at={"blob_id": "nothing"}),
    ]),
    # ---- algorithm stores
    Row("GET /api/algorithmstore/{store_id}", [USER, NODE], [
        Try(_sees_store, STORES),
    ]),
    Row("POST /api/algorithmstore", [USER], [
        Try(needs("collaboration EDIT"), places("AA", "AB", "BD", "DD"), _new_store, then=201),
        Try(_for_all, [NOWHERE], _new_store, then=201, nothing=False),
    ]),
    Row("PATCH /api/algorithmstore/{store_id}", [USER], [
        Try(_edits_store, STORES, {"name": "renamed"}),
        # and for its new collaboration
        Try(_moves_store_to("BD"),
            things_named("store", "AB", "all", "DD"), {"collaboration_id": "@collaboration:BD"}, nothing=False,
            what="to another collaboration"),
        Try(_moves_store_to("AA"),
            things_named("store", "AB", "all", "DD"), {"collaboration_id": "@collaboration:AA"}, nothing=False,
            what="to an own collaboration"),
        Try(_for_all, things_named("store", "AB", "DD"), {"collaboration_id": None}, nothing=False, what="for all"),
    ]),
    Row("DELETE /api/algorithmstore/{store_id}", [USER], [
        Try(_edits_store, STORES, query="?server_url=http://sextant.test/api"),
    ]),
    # ---- ports and the VPN
    Row("GET /api/vpn", [NODE], [Try(anybody, then=_NOT_HERE)]),
    Row("POST /api/port", [NODE], [
        Try(_is_run_of, _RUNS, {"run_id": "@target", "port": 8888}, then=201),
    ]),
    Row("DELETE /api/port", [NODE], [
        Try(_is_run_of, [run], query=f"?run_id=@{run.symbol}", writes=False, nothing=False) for run in _RUNS
    ]),
    # that a container has ended, the registry does not look at yet
    Row("GET /api/vpn/algorithm/addresses", [CONTAINER], [Try(anybody)], unfinished=[200]),
    # ---- what was told; whose events are in it, tests/recovery and the tests of the history say
    Row("GET /api/event", [USER], [Try(_hears_something)]),
]  # fmt: skip
