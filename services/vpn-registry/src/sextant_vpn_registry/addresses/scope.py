"""What a container asks for: whose addresses, judged by its own task alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from sextant_shared.contract.errors import BadRequestError
from sextant_shared.http.documentation import Parameter, filters, told
from sextant_shared.http.query import Query

_ANYTHING: Parameter = {"schema": {"type": "string"}}
_ONLY: Mapping[str, str] = {
    "only_children": "Those of the task's subtasks",
    "only_parent": "Those of the task that it descends from",
    "only_siblings": "Those of the other organizations in the task",
    "only_self": "The own one",
}
_INCLUDE: Mapping[str, str] = {
    "include_children": "Those of the task's subtasks too",
    "include_parent": "Those of the task that it descends from too",
}
FILTERS = filters(
    **{name: told(_ANYTHING, f"{text}; any text but none is a yes") for name, text in {**_ONLY, **_INCLUDE}.items()},
    label=told(_ANYTHING, "Those with exactly this label"),
)


@dataclass(frozen=True)
class Scope:
    """Whose addresses are wanted.

    Attributes:
        own: the organizations of the own task.
        siblings_alone: of the own task, leave out the own organization.
        self_alone: of the own task, leave out all others.
        children: of all tasks that the own task made.
        parent: of the task that made the own one.
        label: only with this label.
    """

    own: bool = True
    siblings_alone: bool = False
    self_alone: bool = False
    children: bool = False
    parent: bool = False
    label: str | None = None


def read_scope(query: Query) -> Scope:
    """Read what is wanted; of the flags, any value but an empty one is a yes.

    Raises:
        BadRequestError: two things exclude each other.
        ValidationFailedError: the label is none that anything could have.
    """
    only = [name for name in _ONLY if query.text(name)]
    if len(only) > 1:
        raise BadRequestError(f"Only one of these can be asked for: {', '.join(only)}")
    label = query.text("label") or None
    match only:
        case ["only_children"]:
            return Scope(own=False, children=True, label=label)
        case ["only_parent"]:
            return Scope(own=False, parent=True, label=label)
        case ["only_siblings"]:
            return Scope(siblings_alone=True, label=label)
        case ["only_self"]:
            return Scope(self_alone=True, label=label)
        case _:
            return Scope(
                children=bool(query.text("include_children")),
                parent=bool(query.text("include_parent")),
                label=label,
            )
