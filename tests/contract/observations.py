"""What the recordings saw beside the answers: mails, calls to algorithm stores, claims of tokens.

Also says which cells cannot be compared at all, and why.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError

from .outside import Mailbox, Stores
from .recording import Cell
from .replay import value_differences
from .world import World

_PATIENCE_SECONDS = 15.0
_LOOK_SECONDS = 0.02
_TOKEN = re.compile(r"^\S{30,}$", re.MULTILINE)


def left_out(cell: Cell, world: World) -> str | None:
    """Why a cell cannot be compared; None if it can."""
    for applies, why in _LEFT_OUT:
        if applies(cell, world):
            return why
    return None


async def observe(cell: Cell, world: World) -> list[str]:
    """In what an observation is not the recorded one."""
    what = str(cell.request["observe"])
    outside = world.outside
    if what == "mail":
        return await _mail(cell, world, outside.mailbox)
    if what == "login with code":
        return await _login_with_code(cell, world)
    if what == "token claims":
        return _recovery_token(world)
    if what.endswith(" claims"):
        tokens = world.refresh_tokens if what.startswith("refresh") else world.tokens
        return _claims(cell.body, tokens["q.view"])
    if what.startswith("calls"):
        seen: Any = _calls(outside.stores, what.removeprefix("calls").strip(), world)
    else:  # how many mails came, beside one that was looked at already
        await world.server.settle()
        seen = len(outside.mailbox.received) + (1 if what == "mails" else 0)
    return value_differences(cell.body, seen)


async def receive(world: World, mailbox: Mailbox, name: str) -> EmailMessage:
    """Wait for a mail and note the token in it as `{val:name}`.

    Raises:
        TimeoutError: none comes.
    """
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not mailbox.received:
            await asyncio.sleep(_LOOK_SECONDS)
    mail = mailbox.received.pop(0)
    token = _TOKEN.search(_text(mail))
    if token is not None:
        world.symbols.note(f"val:{name}", token[0])
        world.tokens["resettoken"] = token[0]
    return mail


async def _mail(cell: Cell, world: World, mailbox: Mailbox) -> list[str]:
    """A mail to the right person; sender, subject and form are ours."""
    mail = await receive(world, mailbox, "reset")
    expected = {"to": cell.body["to"], "token": cell.body.get("token", False)}
    shown = {"to": [str(mail["to"])], "token": _TOKEN.search(_text(mail)) is not None}
    return value_differences(expected, shown)


def _text(mail: EmailMessage) -> str:
    return str(mail.get_content()).replace("\r", "")


def _calls(stores: Stores, kind: str, world: World) -> Sequence[Any]:
    """What one store was asked since the world was built, addresses as in the recordings."""
    text = orjson.dumps(stores.called(f"{kind}-flow" if kind else "ok-life")).decode()
    for address, name in world.addresses.items():
        text = text.replace(address, name)
    return list(orjson.loads(text))


async def _login_with_code(cell: Cell, world: World) -> list[str]:
    """The first code of a second factor that was just set up completes it."""
    user = "z.view"
    login = {"username": user, "password": world.passwords[user], "mfa_code": world.code("new secret")}
    answer = await world.ask("anonymous", "POST", "/token/user", login)
    if answer.status == _OK:
        world.tokens[user] = answer.body["access_token"]
    return value_differences(cell.body["status"], answer.status, ".status")


_OK = 200


def _recovery_token(world: World) -> list[str]:
    """The token of a mail is none that could open anything else: the defect `recovery-token` of the original."""
    try:
        jws.extract_compact(world.tokens["resettoken"].encode())
    except (JoseError, ValueError):
        return []
    return ["the token of the mail is an access token"]


def _claims(recorded: dict[str, Any], token: str) -> list[str]:
    """The claims of a token, by type where their values cannot be the same; ours may be more."""
    claims = orjson.loads(jws.extract_compact(token.encode()).payload)
    expected = dict(recorded)
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
    (_counts_the_past, "they count what the recording had made before"),
)
