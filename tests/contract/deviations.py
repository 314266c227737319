"""Where the recordings are not the target, and what is right instead.

Each entry names a defect of the original (an id of the list that came with the contract) or, in capitals, a rule of
ours, says which cells it concerns and what they have to answer. A test keeps every entry alive: one that concerns no
cell any more fails.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from . import recording, rights
from .recording import FOLDER, Cell
from .replay import Seen, differences, value_differences

Applies = Callable[[Cell], bool]
Judge = Callable[[Cell, Seen], list[str]]

_OK = 200
_BAD = 400
_CREATED = 201
_UNSUPPORTED = 415
_DENIED = 401
_FORBIDDEN = 403
_UNKNOWN = 404
_FAULT = 500
_UNORDERED = ("GET /user", "GET /role", "GET /rule", "GET /node", "GET /organization", "GET /collaboration",
              "GET /study", "GET /algorithmstore")  # fmt: skip
_NEWEST_FIRST = ("GET /task", "GET /run", "GET /result")
_ACCOUNTS = ("POST /user", "PATCH /user/{id}", "POST /role", "PATCH /role/{id}")
_DATES = ("_from", "_till")
_BIGGEST = 2**31 - 1


@dataclass(frozen=True)
class Deviation:
    """One reason why a recording is not the target.

    Attributes:
        rule: the id of the defect, or a rule of ours in capitals.
        right: what is right instead.
        applies: to which cells.
        judge: what is wrong with an answer; nothing if it is right.
    """

    rule: str
    right: str
    applies: Applies
    judge: Judge


def judge(cell: Cell, answer: Seen) -> list[str]:
    """In what an answer is not right: by the table, or else by the recording."""
    deviation = deviation_of(cell)
    return differences(cell, answer) if deviation is None else deviation.judge(cell, answer)


def deviation_of(cell: Cell) -> Deviation | None:
    """The first entry that concerns a cell."""
    return next((deviation for deviation in DEVIATIONS if deviation.applies(cell)), None)


# ---- what cells have to answer


def status(*allowed: int) -> Judge:
    """One of these, as JSON with a `msg` if it is an error."""

    def judge(_cell: Cell, answer: Seen) -> list[str]:
        if answer.status not in allowed:
            return [f"status {answer.status} instead of {' or '.join(map(str, allowed))}"]
        if answer.status >= _BAD and not (isinstance(answer.body, dict) and {"msg", "message"} & answer.body.keys()):
            return [f"no msg in {answer.body}"]
        return []

    return judge


def recorded_or(*allowed: int) -> Judge:
    """As recorded, or one of these."""

    def judge(cell: Cell, answer: Seen) -> list[str]:
        return [] if answer.status in allowed else differences(cell, answer)

    return judge


def no_fault(_cell: Cell, answer: Seen) -> list[str]:
    """Anything but a fault of the server."""
    return [f"status {answer.status}"] if answer.status >= _FAULT else []


def refused_unchanged(*allowed: int) -> Judge:
    """One of these, and nothing has changed."""

    def judge(cell: Cell, answer: Seen) -> list[str]:
        return status(*allowed)(cell, answer) + (
            value_differences(cell.effect, answer.effect) if cell.effect is not None and cell.status >= _BAD else []
        )

    return judge


def in_any_order(cell: Cell, answer: Seen) -> list[str]:
    """The same items in any order; of a part of an unordered list only the shape can be compared."""
    shown, expected = answer.body, cell.body
    if answer.status != cell.status or not isinstance(shown, dict) or not isinstance(expected, dict):
        return differences(cell, answer)
    if set(shown) != set(expected):
        return value_differences(sorted(expected), sorted(shown))
    if "_ids" in expected:
        found = value_differences(sorted(expected["_ids"]), sorted(shown["_ids"]), "._ids") if _is_whole(cell) else []
        if _is_whole(cell):
            found += value_differences(expected["_sorted_digest"], shown["_sorted_digest"], "._sorted_digest")
            found = found and found + [d for d in differences(cell, answer) if not d.startswith(("._", "header"))]
        else:
            found = value_differences(sorted(expected["_first"]), sorted(shown["_first"]), "._first")
    elif _is_whole(cell):
        found = value_differences(_sorted(expected["data"]), _sorted(shown["data"]), ".data")
    else:
        keys = [[sorted(item) for item in body["data"]] for body in (expected, shown)]
        found = value_differences(keys[0], keys[1], ".data")
    return (
        found
        + value_differences(expected["links"], shown["links"], ".links")
        + [difference for difference in differences(cell, answer) if difference.startswith("header")]
    )


def encrypted_or_refused(_cell: Cell, answer: Seen) -> list[str]:
    """A collaboration that is encrypted, or none."""
    made = answer.body if isinstance(answer.body, dict) else {}
    return [] if answer.status == _BAD or made.get("encrypted") is True else [f"{answer.status} {made}"]


def listed(count: int | None = None) -> Judge:
    """A page of a list."""

    def judge(_cell: Cell, answer: Seen) -> list[str]:
        if answer.status != _OK:
            return [f"status {answer.status} instead of 200"]
        total = answer.headers.get("total-count")
        if count is not None and total != str(count):
            return [f"{total} items instead of {count}"]
        return []

    return judge


def ids(*expected: str) -> Judge:
    """A page that holds exactly these, in this order."""

    def judge(_cell: Cell, answer: Seen) -> list[str]:
        if answer.status != _OK:
            return [f"status {answer.status} instead of 200"]
        return value_differences(list(expected), _ids(answer.body), ".ids")

    return judge


def without(*paths: str) -> Judge:
    """As recorded, whatever stands in these places."""

    def judge(cell: Cell, answer: Seen) -> list[str]:
        return [difference for difference in differences(cell, answer) if not difference.startswith(paths)]

    return judge


def keeps_repeats(cell: Cell, answer: Seen) -> list[str]:
    """As recorded but for the links, which repeat all of the query."""
    urls = list(answer.body["links"].values()) if answer.status == _OK else []
    if urls:
        answer = replace(answer, body=answer.body | {"links": cell.body["links"]})
    found = in_any_order(cell, answer) if _unordered(cell) else differences(cell, answer)
    times = {f"{name}=": sum(name == other for other, _ in cell.query) for name, _ in cell.query}
    return [difference for difference in found if not difference.startswith("header link")] + [
        f"{url} has lost a {name}" for url in urls for name, number in times.items() if url.count(name) < number
    ]


# ---- which cells


def _kind(actor: str) -> str:
    kind, _, name = actor.partition(":")
    if kind in ("node", "container") and name:
        return kind
    return "none" if actor in ("anonymous", "badtoken", "badsig", "expired", "refresh", "observer") else "user"


@cache
def _callers() -> dict[str, list[str]]:
    return dict(json.loads((FOLDER / "callers.json").read_text(encoding="utf-8")))


def _wrong_kind(cell: Cell) -> bool:
    allowed = _callers().get(cell.group, ["anyone"])
    return cell.status == _FAULT and _kind(cell.actor) not in (*allowed, "none") and allowed != ["anyone"]


def _in(*groups: str) -> Applies:
    return lambda cell: cell.group in groups


def _recorded(number: int, *groups: str) -> Applies:
    return lambda cell: cell.status == number and (not groups or cell.group in groups)


def _both(*conditions: Applies) -> Applies:
    return lambda cell: all(condition(cell) for condition in conditions)


def _asks(*names: str) -> Applies:
    return lambda cell: any(cell.asks(name) for name in names)


def _case(*starts: str) -> Applies:
    return lambda cell: cell.case.startswith(starts)


def _step(*steps: str) -> Applies:
    return lambda cell: cell.step in steps


def _has_bad_date(cell: Cell) -> bool:
    return any(name.endswith(_DATES) and not value[:4].isdigit() for name, value in cell.query)


def _has_bad_number(cell: Cell) -> bool:
    return any(_is_number_field(name) and not _is_number(value) for name, value in cell.query)


def _bad_page(cell: Cell) -> bool:
    return any(name in ("page", "per_page") and _is_number(value) and int(value) < 1 for name, value in cell.query)


def _is_number_field(name: str) -> bool:
    return name in ("page", "per_page", "port") or name.endswith("_id") or name == "ids"


def _is_number(value: str) -> bool:
    digits = value.removeprefix("-")
    symbol = value.startswith("{")
    return symbol or (digits.isdigit() and digits.isascii() and int(digits) <= _BIGGEST)


def _repeats(cell: Cell) -> bool:
    names = [name for name, _ in cell.query if name not in ("page", "per_page", "sort")]
    return len(set(names)) < len(names)


def _is_sorted(cell: Cell) -> bool:
    return any(name == "sort" and value.strip() for name, value in cell.query)


def _sorts_by(*fields: str) -> Applies:
    return lambda cell: any(name == "sort" and value.strip(" +-") in fields for name, value in cell.query)


def _unordered(cell: Cell) -> bool:
    return cell.group in _UNORDERED and cell.status == _OK and not _is_sorted(cell)


def _store(cell: Cell) -> str:
    """The store whose collaborations are asked for; empty if none is."""
    return next((value[len("{store:") : -1] for name, value in cell.query if name == "algorithm_store_id"), "")


def _is_whole(cell: Cell) -> bool:
    count = len(_ids(cell.body) if cell.effect is None or cell.method == "GET" else [])
    return str(count) == cell.headers.get("total-count", str(count))


def _ids(body: Any) -> list[str]:
    if not isinstance(body, dict):
        return []
    return list(body["_ids"]) if "_ids" in body else [item["id"] for item in body.get("data", [])]


def _sorted(items: Sequence[Any]) -> list[Any]:
    return sorted(items, key=lambda item: str(item.get("id")))


# ---- who may do what


_NODES = {
    "A1": ("A", "c1"),
    "B1": ("B", "c1"),
    "A2": ("A", "c2"),
    "C2": ("C", "c2"),
    "B3": ("B", "c3"),
    "E3": ("E", "c3"),
    "dA": ("A", "soloA"),
    "dB": ("B", "soloB"),
    "dE": ("E", "soloE"),
}
"""Organization and collaboration of the nodes."""
_NEW_NODES = {"[A]": "dA", "[B]": "dB", "[E]": "dE", "[default]": "dA"}
_NODE_OPERATIONS = {
    "GET /node/{id}": "VIEW",
    "PATCH /node/{id}": "EDIT",
    "DELETE /node/{id}": "DELETE",
    "POST /recover/node": "EDIT",
    "POST /node": "CREATE",
}
_KILLS = {
    "POST /kill/node/tasks [A1]": ("A", "c1"),
    "POST /kill/node/tasks [E3]": ("E", "c3"),
    "POST /kill/task [finished]": ("A", "c1"),
}


def _reaches_too_far(cell: Cell) -> bool:
    """Whether the caller needs a rule of collaboration scope for a node of a collaboration that is not its own."""
    operation = _NODE_OPERATIONS.get(cell.group)
    if operation is None or _kind(cell.actor) != "user" or cell.actor not in recording.world()["users"]:
        return False
    name = re.search(r"\{node:(\w+)\}", f"{cell.path} {cell.request.get('body')}")
    target = name[1] if name else _NEW_NODES.get(cell.case.rpartition(" ")[2], "")
    if target not in _NODES:
        return False
    organization, collaboration = _NODES[target]
    if cell.case == "POST /node [default]":
        organization = rights.organization_of(cell.actor)
    return not rights.may(
        cell.actor, "node", operation, organization=organization, collaboration=collaboration
    ) and rights.has(cell.actor, "node", operation, "COLLABORATION")


def _may_kill(cell: Cell) -> bool:
    organization, collaboration = _KILLS[cell.case]
    if "task" in cell.case.partition("[")[0].split("/")[2]:  # of a task the organization does not matter
        own = rights.organization_of(cell.actor)
        return rights.has(cell.actor, "event", "SEND", "GLOBAL") or (
            rights.has(cell.actor, "event", "SEND", "COLLABORATION") and collaboration in rights.collaborations_of(own)
        )
    return rights.may(cell.actor, "event", "SEND", organization=organization, collaboration=collaboration)


def _may_see_rules(cell: Cell) -> bool:
    """Whether the caller may see the role or user whose rules it asks for."""
    whose = re.search(r"\{(role|user):([^}]+)\}", " ".join(value for _, value in cell.query))
    if whose is None or whose[2] == "NONE":
        return True
    said = recording.world()
    if whose[1] == "user" and whose[2] == cell.actor:
        return True
    known = said["roles" if whose[1] == "role" else "users"].get(whose[2])
    if known is None:  # a default role
        return any(
            rights.has(cell.actor, "role", "VIEW", scope) for scope in ("GLOBAL", "COLLABORATION", "ORGANIZATION")
        )
    return rights.may(cell.actor, "role", "VIEW", organization=known["organization"], collaboration=None)


def _edits_others(cell: Cell) -> bool:
    if _kind(cell.actor) != "node":
        return False
    if cell.group == "PATCH /node/{id}":
        return f"{{{cell.actor}}}" not in cell.path
    return cell.group == "PATCH /organization/{id}" and set(cell.request["body"]) != {"public_key"}


# ---- what filters find


_STARTED = ("t2.A", "t2.B", "t4.C", "t6.E", "t7.A", "t8.A", "t10.A", "t10.B")
_FINISHED = {
    "t2.B": "2024-03-02T10:20:30",
    "t4.C": "2024-03-03T10:20:30",
    "t8.A": "2024-03-04T10:20:30",
    "t8.B": "",
    "t9.A": "",
    "t9.B": "",
    "t10.A": "2024-03-05T10:20:30",
    "t10.B": "2024-03-05T10:20:30",
}
"""When the runs of the world ended; empty: when the world was made."""
_DAY_OF_STARTS = "2024-03-01T10:20:30"
_IN_C3 = ("t5", "t6")


def _found_by_time(cell: Cell) -> list[str] | None:
    """The runs that filters by start and end find, newest first; None for a cell with others, or with a bad date."""
    names = {name for name, _ in cell.query if name not in ("page", "per_page")}
    if (
        _has_bad_date(cell)
        or not names
        or not names <= {f"{what}_{end}" for what in _TIMED for end in ("from", "till")}
    ):
        return None
    made = datetime.now(UTC).replace(tzinfo=None)
    times = {
        "started": dict.fromkeys(_STARTED, datetime.fromisoformat(_DAY_OF_STARTS)),
        "finished": {run: datetime.fromisoformat(at) if at else made for run, at in _FINISHED.items()},
    }
    found = None
    for name, value in cell.query:
        what, _, end = name.partition("_")
        limit = datetime.fromisoformat(value)
        of = {run for run, at in times[what].items() if (at >= limit if end == "from" else at <= limit)}
        found = of if found is None else found & of
    assert found is not None
    if cell.actor == "A.ColAdmin":  # its organization is not in c3
        found = {run for run in found if not run.startswith(_IN_C3)}
    return [f"run:{run}" for run in sorted(found, key=lambda run: (int(run[1:].partition(".")[0]), run), reverse=True)]


_TIMED = ("started", "finished")


_NEVER_FOUND = {
    ("status", "active"): ["task:t6", "task:t2"],
    ("status", "killed by user"): ["task:t9"],
    ("status", "foo"): [],
    ("run_id", "{run:t1.A}"): ["task:t1"],
    ("run_id", "{run:t5.B}"): ["task:t5"],
    ("store_id", "{store:all}"): [],
    ("port", "8888"): ["run:t2.A"],
}
"""What filters find for somebody who sees everything, where the original always failed."""


def finds_what_was_never_found(cell: Cell, answer: Seen) -> list[str]:
    """What the filter asks for, as far as it is to be seen; a value that cannot be asked for is refused."""
    found = next((_NEVER_FOUND[item] for item in cell.query if item in _NEVER_FOUND), None)
    if found is None:
        return status(_BAD)(cell, answer)
    if not found:
        return [] if answer.status == _BAD else ids()(cell, answer)
    if cell.actor == "root":
        return ids(*found)(cell, answer)
    if answer.status in (_OK, _DENIED, _UNKNOWN):
        return [f"{one} is found too" for one in _ids(answer.body) if one not in found]
    return [f"status {answer.status}"]


def finds_nothing(cell: Cell, answer: Seen) -> list[str]:
    """No items, or a refusal; a sort by something that cannot be sorted by may be ignored."""
    if answer.status in (_BAD, _UNKNOWN) or _is_sorted(cell):
        return status(_OK, _BAD, _UNKNOWN)(cell, answer)
    return listed(0)(cell, answer)


def finds_by_time(cell: Cell, answer: Seen) -> list[str]:
    """The runs that started or ended then."""
    found = _found_by_time(cell) or []
    return listed(len(found))(cell, answer) or value_differences(found[:10], _ids(answer.body), ".ids")


def finds_members(cell: Cell, answer: Seen) -> list[str]:
    """The users or roles of the organizations in a collaboration."""
    name = next(value for name, value in cell.query if name == "collaboration_id")[len("{col:") : -1]
    members = recording.world()["collaborations"][name]["organizations"]
    of = recording.world()["users" if cell.group == "GET /user" else "roles"].values()
    count = sum(one["organization"] in members for one in of)
    if cell.asks("include_root"):
        count += _DEFAULT_ROLES
    return listed(count)(cell, answer)


_DEFAULT_ROLES = 7


def _shown_secrets(body: Any) -> list[str]:
    people = body.get("data", [body]) if isinstance(body, dict) else []
    return [f"{person['id']} shows its secret" for person in people if person.get("otp_secret") is not None]


DEVIATIONS: Sequence[Deviation] = (
    # ---- tokens and kinds of callers
    Deviation(
        "vpn-update",
        "there is no such route, whoever asks",
        _in("POST /vpn/update"),
        status(404, 405),
    ),
    Deviation(
        "vpn-update",
        "nothing can be done there, but browsers may ask",
        _in("OPTIONS /vpn/update"),
        status(200, 404, 405),
    ),
    Deviation(
        "LIST-STUDIES",
        "the algorithm client offers containers to list studies: it may be refused, or served by the container's rules",
        _both(_recorded(_FAULT, "GET /study"), lambda cell: _kind(cell.actor) == "container"),
        status(200, 401, 403),
    ),
    Deviation(
        "wrong-token-kind",
        "403",
        _wrong_kind,
        refused_unchanged(_FORBIDDEN, _DENIED),
    ),
    # ---- rights
    Deviation(
        "node-foreign-collaboration",
        "a rule of collaboration scope reaches the nodes of own collaborations only",
        lambda cell: _reaches_too_far(cell) and cell.status < _DENIED,
        refused_unchanged(_DENIED),
    ),
    Deviation(
        "existence-before-permission",
        "who may not send kills is told so first",
        lambda cell: (
            cell.status == _BAD and cell.case in _KILLS and _kind(cell.actor) == "user" and not _may_kill(cell)
        ),
        status(_DENIED),
    ),
    Deviation(
        "existence-before-permission",
        "who may not make a collaboration does not hear that its name is taken",
        _both(_case("validate collaboration more"), _step("viewer posts duplicate")),
        status(_DENIED),
    ),
    Deviation(
        "rules-of-anyone",
        "whoever may not see the user or role does not see its rules",
        lambda cell: cell.group == "GET /rule" and cell.status == _OK and not _may_see_rules(cell),
        status(_DENIED),
    ),
    Deviation(
        "node-edits-siblings",
        "a node edits itself, and of its organization the public key",
        lambda cell: cell.status == _OK and _edits_others(cell),
        refused_unchanged(_DENIED),
    ),
    # ---- filters and pages
    Deviation(
        "collaboration-filter-empty",
        "the users and roles of the collaboration's members",
        lambda cell: (
            cell.group in ("GET /user", "GET /role")
            and cell.status == _OK
            and any(name == "collaboration_id" and value.startswith("{col:c") for name, value in cell.query)
        ),
        finds_members,
    ),
    Deviation(
        "broken-filters",
        "they filter",
        lambda cell: (
            cell.status == _FAULT
            and (
                (cell.group == "GET /task" and (cell.asks("status") or cell.asks("run_id") or cell.asks("store_id")))
                or (cell.group in ("GET /run", "GET /result") and cell.asks("port"))
            )
        ),
        finds_what_was_never_found,
    ),
    Deviation(
        "bad-number",
        "a page number or id that is none: 400",
        _both(
            _recorded(_FAULT), lambda cell: cell.suite == "lists", lambda cell: _has_bad_number(cell) or _bad_page(cell)
        ),
        status(_BAD),
    ),
    Deviation(
        "bad-number",
        "an id that nothing has finds nothing, and a field that cannot be sorted by is refused",
        _both(_recorded(_FAULT), lambda cell: cell.suite == "lists"),
        finds_nothing,
    ),
    Deviation(
        "DATES",
        "a date that is none may be refused: the original compared texts on SQLite and failed on PostgreSQL",
        lambda cell: cell.status == _OK and _has_bad_date(cell),
        recorded_or(_BAD),
    ),
    Deviation(
        "date-filters",
        "started and finished look at the start and the end, and times are compared as times",
        lambda cell: (
            cell.group in ("GET /run", "GET /result") and cell.status == _OK and _found_by_time(cell) is not None
        ),
        finds_by_time,
    ),
    Deviation(
        "sort-ignored",
        "tasks, runs and results are sorted by what was asked",
        _both(_in(*_NEWEST_FIRST), _is_sorted, _recorded(_OK), lambda cell: not _sorts_by("log", "result")(cell)),
        in_any_order,
    ),
    Deviation(
        "SORT-BY-TIME",
        "in which order the nodes and users of the recordings were seen is not known",
        _both(_sorts_by("last_seen"), _recorded(_OK)),
        in_any_order,
    ),
    Deviation(
        "store-filter",
        "the collaborations of that store only",
        _both(_in("GET /collaboration"), _recorded(_OK), lambda cell: _store(cell) not in ("", "all")),
        lambda cell, answer: ids(*(one for one in _ids(cell.body) if one == f"col:{_store(cell)}"))(cell, answer),
    ),
    Deviation(
        "encrypted-filter",
        "it filters, whatever the database",
        lambda cell: cell.group == "GET /collaboration" and ("encrypted", "true") in cell.query,
        ids("col:c2"),
    ),
    Deviation(
        "encrypted-filter",
        "what is neither yes nor no may be refused",
        lambda cell: cell.group == "GET /collaboration" and ("encrypted", "abc") in cell.query,
        recorded_or(_BAD),
    ),
    Deviation(
        "include-root-0",
        "a flag that says no is not set",
        lambda cell: any(
            name in ("include_permissions", "include_root", "delete_dependents") and value in ("0", "false")
            for name, value in cell.query
        ),
        without(".permissions", "._", ".data", ".links", "header"),
    ),
    Deviation(
        "links-lose-repeats",
        "links keep all values of what is repeated",
        lambda cell: cell.status == _OK and _repeats(cell),
        keeps_repeats,
    ),
    Deviation(
        "paging-unstable",
        "without a sort lists are in the order of ids; the original's order was that of its database",
        _unordered,
        in_any_order,
    ),
    # ---- what callers send
    Deviation(
        "bad-json",
        "no content type or another one: 415; what is no JSON: 400",
        _both(_recorded(_FAULT, *_ACCOUNTS), _case("http json"), _step("form", "text", "nobody")),
        status(_UNSUPPORTED),
    ),
    Deviation(
        "bad-json",
        "what is no JSON: 400",
        _both(_recorded(_FAULT, *_ACCOUNTS), _case("http json")),
        status(_BAD),
    ),
    Deviation(
        "missing-names",
        "a user without first or last name is made, or refused",
        _both(_recorded(_FAULT, "POST /user"), _case("validate POST user")),
        status(_CREATED, _BAD),
    ),
    Deviation(
        "task-input",
        "an input that is no text: 400",
        _recorded(_FAULT, "POST /task", "POST /column"),
        status(_BAD),
    ),
    Deviation(
        "public-key-500",
        "a public key that is not base64: 400",
        _both(_recorded(_FAULT, "POST /organization", "PATCH /organization/{id}"), _case("validate")),
        status(_BAD),
    ),
    Deviation(
        "dates-500",
        "valid times are taken",
        _both(_recorded(_FAULT, "PATCH /run/{id}"), _case("validate PATCH run")),
        status(_OK),
    ),
    Deviation(
        "encrypted-text",
        "what says true is true",
        _both(_recorded(_OK, "POST /collaboration"), _case("validate"), _step('"true"')),
        encrypted_or_refused,
    ),
    Deviation(
        "encrypted-text",
        "a text that says yes or no is taken for what it says, or refused",
        _both(_recorded(_FAULT, "POST /collaboration", "PATCH /collaboration/{id}"), _case("validate")),
        status(_OK, _BAD),
    ),
    Deviation(
        "remove-not-member",
        "what is not a member cannot be removed: 404, and no id: 400",
        _recorded(
            _FAULT,
            "DELETE /collaboration/{id}/organization",
            "DELETE /study/{id}/organization",
            "DELETE /collaboration/{id}/node",
        ),
        status(_BAD, _UNKNOWN, _UNSUPPORTED),
    ),
    Deviation(
        "port-unknown-run",
        "of a run that does not exist: 404; of none: 400",
        _recorded(_FAULT, "POST /port", "DELETE /port"),
        status(_BAD, _UNKNOWN),
    ),
    Deviation(
        "STORE-ADDRESS",
        "an address of another kind than http: 400",
        _both(_recorded(_FAULT, "POST /algorithmstore"), _case("validate POST algorithmstore")),
        status(_BAD),
    ),
    Deviation(
        "name-case",
        "names that differ in case only are the same",
        _both(_recorded(_CREATED, "POST /user"), _step("name Q.RES5", "name ROOT4")),
        status(_BAD),
    ),
    Deviation(
        "role-created-without-collab",
        "404",
        _both(_recorded(_FAULT, "POST /study"), lambda cell: _kind(cell.actor) == "user"),
        status(_UNKNOWN),
    ),
    # ---- what becomes of things
    Deviation(
        "orphan-runs",
        "runs go with their task",
        _both(_recorded(_FAULT, "GET /run/{id}"), _case("delete user with tasks")),
        status(_UNKNOWN),
    ),
    Deviation(
        "tokens-survive",
        "tokens from before a change of key or password are refused",
        _both(_case("recover node key"), _step("old token still works")),
        status(_DENIED),
    ),
    Deviation(
        "recovery-token",
        "a recovery token is no access token",
        lambda cell: cell.actor == "resettoken",
        status(_DENIED, 422),
    ),
    Deviation(
        "recovery-token",
        "it can be used once",
        _both(_case("recover password"), _step("token used twice")),
        status(_BAD, _DENIED),
    ),
    Deviation(
        "recovery-token",
        "the password of its first use stays",
        _both(_case("recover password"), _step("login after second")),
        status(_DENIED),
    ),
    Deviation(
        "recovery-token",
        "it can be used once, and for what it was mailed for",
        _both(_case("recover two factor"), _step("reset token used twice", "two factor token resets password")),
        status(_BAD, _DENIED),
    ),
    Deviation(
        "otp-secret-shown",
        "the secret is never shown",
        _both(_case("user setup"), _step("same organization sees", "other user sees secret")),
        lambda cell, answer: without(".otp_secret", ".data[0].otp_secret")(cell, answer) + _shown_secrets(answer.body),
    ),
    # ---- what the recording had left over from before
    Deviation(
        "LEFTOVERS",
        "an earlier case had left a value in another field",
        _case("validate PATCH organization domain"),
        without(".address1", ".address2", ".country", ".zipcode"),
    ),
    Deviation(
        "LEFTOVERS",
        "the same",
        _case("validate PATCH organization zipcode"),
        without(".address1", ".address2", ".country"),
    ),
    Deviation(
        "LEFTOVERS",
        "the original gave the id of a deleted node again",
        _both(_case("validate node more"), _step("default name", "default organization")),
        without(".id"),
    ),
    Deviation(
        "LEFTOVERS",
        "how many there are depends on what was made before",
        lambda cell: cell.suite == "calls" and cell.method == "HEAD" and cell.status == _OK,
        without("header total-count", "header link"),
    ),
    Deviation(
        "wrong-token-kind",
        "HEAD is refused as GET is",
        lambda cell: cell.method == "HEAD" and cell.status == _FAULT,
        lambda _cell, answer: [] if answer.status in (_FORBIDDEN, _DENIED) else [f"status {answer.status}"],
    ),
)
