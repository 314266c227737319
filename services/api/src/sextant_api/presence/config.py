"""What a node shares about its configuration, as the flat list of keys and values that the wire shows.

A list gives one entry for each item, an inner object its own entries without the outer name, and yes and no are
written 1 and 0.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

Entry = tuple[str, str | None]


def flattened(info: Mapping[str, Any]) -> list[Entry]:
    """Make the list."""
    return list(_entries(info))


def _entries(info: Mapping[str, Any]) -> Iterator[Entry]:
    for key, value in info.items():
        if isinstance(value, Mapping):
            yield from _entries(value)
        elif isinstance(value, list | tuple):
            for item in value:
                yield _storable(key), _text(item)
        else:
            yield _storable(key), _text(value)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str):
        return _storable(value)
    return orjson.dumps(value).decode()


def _storable(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
