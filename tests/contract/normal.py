"""Puts our answers into the normal form of the recordings (`recordings/README.md`).

Owns what is masked and what a list of many items is reduced to; must not know what any answer should be.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from json import dumps
from typing import Any
from urllib.parse import urlsplit

from .symbols import KINDS, Symbols, kind_of_parameter

MANY = 3
"""A list of more items than this is reduced."""

_TEXT = "<text>"
_TEXTS = ("msg", "message", "errors")
_TOKENS = ("access_token", "refresh_token", "container_token")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
_GIVEN_YEAR = "2024-"  # times that a request of the recordings gave are shown as they are
_LINK = re.compile(r"/api/([a-z]+)(?:/(\d+))?(?:/([a-z]+)(?:/(\d+))?)?(\?.*)?")
_PARAMETER = re.compile(r"(?<=[?&])([a-z_]+)=(\d+)(?=&|>|$)")
_OF_FIELD = {
    "organization": "org",
    "organizations": "org",
    "orgs_in_collabs": "org",
    "init_org": "org",
    "collaboration": "col",
    "init_user": "user",
    "parent": "task",
    "runs": "run",
    "results": "run",
    "ports": "port",
    "roles": "role",
    "rules": "rule",
    "algorithm_store": "store",
}
_UNORDERED = ("methods", "roles", "rules", "orgs_in_collabs")
"""Lists of names that the original gives in any order."""
_SECRET = re.compile(r"secret=[A-Z2-7]+")
_SIBLING = re.compile(r"Not started: run (\d+) of the same task ended with status '([^']*)'")
_IMAGE_REGISTRY = re.compile(r"[a-z0-9.-]+(?=/vantage6/)")
_BASE32 = re.compile(r"[A-Z2-7]{32}")


def _secret(text: str) -> str:
    return f"<base32:{len(text)}>" if _BASE32.fullmatch(text) else text


_TEXT_OF_FIELD: Mapping[str, Callable[[str], str]] = {
    **dict.fromkeys(_TOKENS, lambda _: "<jwt>"),
    "api_key": lambda _: "<uuid>",
    "otp_secret": _secret,
    "qr_uri": lambda text: _SECRET.sub("secret=<base32>", text),
    "image": lambda text: _IMAGE_REGISTRY.sub("<image-registry>", text),
}
"""What is masked because of the field in which it stands."""


def digest(items: Any) -> str:
    """The hash by which the recordings stand for many items."""
    return sha256(_json(items).encode()).hexdigest()[:16]


def normal(body: Any, path: str, symbols: Symbols, addresses: Mapping[str, str]) -> Any:
    """Put the answer to a request for `path` (below `/api`) into normal form.

    Args:
        body: parsed JSON.
        path: decides what the ids in it are of.
        symbols: for the ids.
        addresses: what to show in the place of which address.
    """
    shown = plain(body, path, symbols, addresses)
    if isinstance(shown, dict) and isinstance(shown.get("data"), list) and len(shown["data"]) > MANY:
        items = shown.pop("data")
        shown |= {
            "_ids": [item.get("id") for item in items],
            "_first": items[0],
            "_digest": digest(items),
            "_sorted_digest": digest(sorted(items, key=_json)),
        }
    return shown


def plain(body: Any, path: str, symbols: Symbols, addresses: Mapping[str, str]) -> Any:
    """The same, with all items of a list."""
    return _Reader(symbols, addresses).read(body, _kind_of_path(path), "")


def normal_event(event: Sequence[Any], symbols: Symbols) -> list[Any]:
    """Put a socket event, its name and arguments, into normal form."""
    name, *arguments = event
    kind = {"new_task": "task", "node-online": "node", "node-offline": "node"}.get(name)
    reader = _Reader(symbols, {})
    return [
        name,
        *(reader.room_text(one) if isinstance(one, str) else reader.read(one, kind, "data") for one in arguments),
    ]


def normal_links(header: str, symbols: Symbols) -> str:
    """Put a `Link` header into normal form."""
    return _Reader(symbols, {}).link_text(header)


class _Reader:
    def __init__(self, symbols: Symbols, addresses: Mapping[str, str]) -> None:
        self._symbols = symbols
        self._addresses = addresses

    def read(self, value: Any, kind: str | None, key: str) -> Any:
        if key in _TEXTS:
            return _masked(value)
        if isinstance(value, dict):
            return self._object(value, kind)
        if isinstance(value, list):
            shown = [self.read(item, kind, "") for item in value]
            return sorted(shown) if key in _UNORDERED and _all_texts(shown) else shown
        if key == "last_seen":
            return "<seen>"
        if isinstance(value, int) and not isinstance(value, bool) and (key in ("id", "") or kind_of_parameter(key)):
            of = kind_of_parameter(key) or kind
            return self._symbols.name(of, value) if of else value
        return self._text(value, key) if isinstance(value, str) else value

    def _object(self, value: Mapping[str, Any], kind: str | None) -> dict[str, Any]:
        link = _LINK.fullmatch(str(value.get("link", "")))
        if link and link[1] in KINDS:
            kind = KINDS[link[1]]
        return {key: self.read(item, _kind_inside(key, kind), key) for key, item in value.items()}

    def _text(self, text: str, key: str) -> str:
        of_field = _TEXT_OF_FIELD.get(key)
        if of_field is not None:
            return of_field(text)
        if _TIME.fullmatch(text):
            return text if text.startswith(_GIVEN_YEAR) else "<ts>"
        for address, shown in self._addresses.items():
            if text.startswith(address):
                return text.replace(address, shown, 1)
        ended_early = _SIBLING.fullmatch(text)
        if ended_early:  # said in our words, shown in those of the recordings
            run = self._symbols.name("run", int(ended_early[1]))
            return f"Marked as failed because sibling run id=<{run}> failed with status '{ended_early[2]}'."
        return self.link_text(text) if text.startswith("/api/") else text

    def room_text(self, text: str) -> str:
        """Show the ids in the names of rooms as symbols."""

        def symbol(match: re.Match[str]) -> str:
            return f"{match[1]}_<{self._symbols.name(KINDS[match[1]], int(match[2]))}>"

        return re.sub(r"(collaboration|organization)_(\d+)", symbol, text)

    def link_text(self, text: str) -> str:
        """Show ids as symbols in a link, or in several."""

        def in_path(match: re.Match[str]) -> str:
            kind = KINDS.get(match[1])
            return f"/api/{match[1]}/<{self._symbols.name(kind, int(match[2]))}>" if kind else match[0]

        def in_query(match: re.Match[str]) -> str:
            kind, number = kind_of_parameter(match[1]), int(match[2])
            return f"{match[1]}=<{self._symbols.name(kind, number)}>" if kind else match[0]

        return _PARAMETER.sub(in_query, re.sub(r"/api/([a-z]+)/(\d+)", in_path, text))


def _kind_of_path(path: str) -> str | None:
    parts = [part for part in urlsplit(path).path.split("/") if part]
    nouns = [KINDS[part] for part in parts if part in KINDS]
    if parts[:1] == ["column"]:
        return "task"
    return nouns[-1] if nouns else None


def _kind_inside(key: str, kind: str | None) -> str | None:
    if key in ("data", "id"):
        return kind
    return _OF_FIELD.get(key) or KINDS.get(key)


def _masked(value: Any) -> Any:
    """Hide texts for people; keys of errors stay, and several texts count as one."""
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_TEXT] if value else []
    return _TEXT


def _all_texts(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _json(value: Any) -> str:
    return dumps(value, sort_keys=True, separators=(",", ":"))
