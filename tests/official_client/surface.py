"""What a client offers: its public methods and properties with their arguments, found by looking at it.

Owns the names by which calls are counted, such as `organization.list`. Knows of the official libraries only that a
sub-client is an attribute of some class, and that filters are decorators around a method.
"""

import inspect
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

Surface = dict[str, list[str]]


def surface(client: object, part: type) -> Surface:
    """Name all that can be called, with the arguments that can be given.

    Args:
        client: to look at.
        part: the class of sub-clients.
    """
    return {name: arguments(function) for name, function in sorted(_members(client, part))}


def arguments(function: Callable[..., Any] | None) -> list[str]:
    """Name the arguments of a function, and those that its decorators take away before they call it."""
    if function is None:
        return []
    own = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if name != "self" and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    added = [name for wrapper in _wrappers(function) for name in _keywords(wrapper) if name not in own]
    return own + sorted(set(added))


def members_of(owner: object) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties of one object, as they stand in its class."""
    for name in dir(type(owner)):
        member = inspect.getattr_static(type(owner), name)
        if not name.startswith("_") and isinstance(member, FunctionType | staticmethod | classmethod | property):
            yield name, member


def parts_of(owner: object, part: type) -> Iterator[tuple[str, object]]:
    """Yield the sub-clients of an object; one that has two names comes once."""
    seen: list[object] = []
    for name, value in vars(owner).items():
        if isinstance(value, part) and value not in seen and name != "parent":
            seen.append(value)
            yield name, value


def _members(owner: object, part: type, prefix: str = "") -> Iterator[tuple[str, Callable[..., Any] | None]]:
    for name, member in members_of(owner):
        yield prefix + name, None if isinstance(member, property) else getattr(owner, name)
    for name, inner in parts_of(owner, part):
        yield from _members(inner, part, f"{prefix}{name}.")


def _keywords(function: Callable[..., Any]) -> list[str]:
    parameters = inspect.signature(function, follow_wrapped=False).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]


def _wrappers(function: Any) -> Iterator[Callable[..., Any]]:
    """Yield a decorated function and all between it and the original, which only their closures tell."""
    plain = getattr(function, "__func__", function)
    if not hasattr(plain, "__wrapped__"):
        return
    yield plain
    for cell in plain.__closure__ or ():
        if isinstance(cell.cell_contents, FunctionType):
            yield from _wrappers(cell.cell_contents)
