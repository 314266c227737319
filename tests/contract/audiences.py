"""Who hears what: where that is not as recorded, because the original told too many.

The rules are those of the decision on rooms and audiences (docs/decisions/0008) and of the list of defects.
"""

from collections.abc import Sequence
from typing import Any

from .recording import Cell
from .replay import Seen, differences, value_differences

_COLLABORATION_OF = {"node:A1": "c1", "node:B1": "c1", "node:A2": "c2", "node:B3": "c3", "node:E3": "c3"}
_GLOBAL = ("root", "x.event.glo.receive")
_OF_ORGANIZATION = "x.event.org.receive"
_PRESENCE = ("node-online", "node-offline")
_SPOOFED = ("log by other org", "log by foreign node", "status change by foreign node", "status change sparse")
_NOT_STORED = ("status change crashed", "status change subtask")
_ENDS = ("run finished", "run patched", "status change")


def expected(cell: Cell) -> tuple[list[Any], str | None]:
    """The events that an actor has to hear, and the rule by which they differ from the recorded ones."""
    recorded = [event for event in cell.body["events"] if "<col:?>" not in str(event)]
    left: list[Any] = []
    rules: list[str] = []
    for event in recorded:
        rule = _silenced(cell, event) or ("nodes-see-all-nodes" if event in left and event[0] in _PRESENCE else None)
        if rule is None:
            left.append(event)
        else:
            rules.append(rule)
    if cell.case.partition("/")[2].startswith("bad ") and cell.case.count(" ") and cell.actor in _STRANGERS:
        return _told(cell), "sockets-unauthenticated"
    return left, rules[0] if rules else None


_STRANGERS = ("bad signature", "garbage", "no token", "refresh token", "expired", "container token")


def _told(cell: Cell) -> list[Any]:
    """Whoever comes with a bad token is told so, once."""
    if cell.case.endswith(("emits", "leaves")):
        return []
    return [["expired_token"]] if cell.actor == "expired" else [["invalid_token"]]


def judged(cell: Cell, answer: Seen) -> tuple[str | None, list[str]]:
    """The rule by which an answer is judged that was asked for in between, and what is wrong with it."""
    case = cell.case.partition("/")[2]
    found = differences(cell, answer)
    if case in ("second left", "ping after second left"):
        others = [difference for difference in found if not difference.startswith((".config", ".status"))]
        return "offline-while-connected", others + value_differences("online", answer.body.get("status"), ".status")
    if case == "log after":
        others = [difference for difference in found if not difference.startswith(".log")]
        own = cell.body["log"].partition("\nby B1")[0]
        return "socket-spoof", others + value_differences(own, answer.body.get("log"), ".log")
    if case == "kill node":
        return "kill-node", [] if answer.status == _OK else [f"status {answer.status} instead of 200"]
    return None, found


_OK = 200


def allowed(cell: Cell, event: Sequence[Any]) -> bool:
    """Whether an actor may hear something that was not recorded."""
    case = cell.case.partition("/")[2]
    if cell.actor == _OF_ORGANIZATION and event[0] != "message":
        return True  # the original had rooms for them and never used them
    if case.startswith((*_ENDS, "kill task")) and event[0] in ("algorithm_status_change", "status_update"):
        return True  # told when it is stored, not when the node says so
    return case == "kill node" and event[0] in ("kill_containers", "status_update", "algorithm_status_change")


def _silenced(cell: Cell, event: Sequence[Any]) -> str | None:
    """The rule by which an actor does not hear a recorded event."""
    name = event[0]
    case = cell.case.partition("/")[2]
    is_node = cell.actor.startswith("node:")
    if case in _SPOOFED:
        return "socket-spoof"
    if name == "algorithm_status_change" and case in _NOT_STORED:
        return "STORED-FIRST"
    if name == "message" and "#2" in case and cell.actor == "node:A1":
        return "AUDIENCES"  # told to the connection that joined
    if name == "message" and (f"<{_name(cell.actor)}>" not in event[1] or cell.actor in _GLOBAL):
        return "AUDIENCES"
    if name in _PRESENCE:
        return _of_presence(cell, event, is_node=is_node)
    unmeant = name == "algorithm_log" or (name in ("new_task", "kill_containers") and not _is_meant(cell, event))
    return "AUDIENCES" if is_node and unmeant else None


def _name(actor: str) -> str:
    return actor.partition("#")[0].replace("node:", "node-")


def _of_presence(cell: Cell, event: Sequence[Any], *, is_node: bool) -> str | None:
    node = event[1]["id"]
    case = cell.case.partition("/")[2]
    if "#2" in case or "second" in case or cell.actor.partition("#")[0] == node:
        return "offline-while-connected"
    if is_node and _COLLABORATION_OF[cell.actor] != _COLLABORATION_OF[node]:
        return "nodes-see-all-nodes"
    return None


def _is_meant(cell: Cell, event: Sequence[Any]) -> bool:
    organization = cell.actor.removeprefix("node:")[0]
    if event[0] == "new_task":
        return organization in str(cell.request.get("orgs", ""))
    return any(entry["organization_id"] == f"org:{organization}" for entry in event[1]["kill_list"])
