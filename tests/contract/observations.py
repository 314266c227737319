"""What the recordings saw beside the answers: mails, calls to algorithm stores, claims of tokens.

Also says which cells cannot be compared at all, and why.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc import jws

from .outside import Stores
from .recording import Cell
from .replay import value_differences
from .world import World


@dataclass
class Outside:
    """Where to look.

    Attributes:
        stores: the algorithm stores.
        mails: takes the mails that came since the last look; None where the server cannot send any.
    """

    stores: Stores = field(default_factory=Stores)
    mails: Callable[[], list[Any]] | None = None


def left_out(cell: Cell, world: World) -> str | None:
    """Why a cell cannot be compared; None if it can."""
    for applies, why in _LEFT_OUT:
        if applies(cell, world):
            return why
    return None


async def observe(cell: Cell, world: World, outside: Outside) -> list[str]:
    """In what an observation is not the recorded one."""
    what = cell.request["observe"]
    if what.endswith("claims"):
        return _claims(cell, world)
    if what.startswith("calls"):
        kind = what.partition(" ")[2]
        store = f"{kind}-flow" if kind else "ok-life"
        shown = [_shown(call, world) for call in outside.stores.called(store)]
        return value_differences(cell.body, shown)
    return [f"nobody looks for {what}"]


def _shown(call: dict[str, Any], world: World) -> dict[str, Any]:
    text = orjson.dumps(call).decode()
    for address, name in world.addresses.items():
        text = text.replace(address, name)
    return dict(orjson.loads(text))


def _claims(cell: Cell, world: World) -> list[str]:
    """The claims of a token, by type where their values cannot be the same; ours may be more."""
    which = world.refresh_tokens if cell.request["observe"].startswith("refresh") else world.tokens
    claims = orjson.loads(jws.extract_compact(which["q.view"].encode()).payload)
    expected = dict(cell.body)
    lifetime = expected.pop("_lifetime")
    found = []
    for name, value in expected.items():
        if name not in claims:
            found.append(f".{name} is missing")
        elif value in ("int", "str"):
            if type(claims[name]).__name__ != value:
                found.append(f".{name} is a {type(claims[name]).__name__} instead of a {value}")
        elif claims[name] != value:
            found.append(f".{name}: {claims[name]!r} instead of {value!r}")
    if claims["exp"] - claims["iat"] != lifetime:
        found.append(f"lives {claims['exp'] - claims['iat']} instead of {lifetime} seconds")
    return found


def _is_expired_without_key(cell: Cell, world: World) -> bool:
    return cell.actor == "expired" and "expired" not in world.tokens


def _counts_the_past(cell: Cell, _world: World) -> bool:
    """How many tasks and runs there were depends on what the recording did before, half of which is not told."""
    shown = cell.body
    if cell.suite != "calls" or cell.method != "GET" or not isinstance(shown, dict):
        return False
    return isinstance(shown.get("data"), int)


_LEFT_OUT: tuple[tuple[Callable[[Cell, World], bool], str], ...] = (
    (_is_expired_without_key, "no expired token can be made from outside"),
    (_counts_the_past, "counts what the recording had made before"),
)
