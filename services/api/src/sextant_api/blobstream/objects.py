"""The object store: a folder, S3 or Azure, written and read in pieces.

Owns how much of a blob is in memory at a time. Knows names and bytes, and nothing of runs or callers; the only module
that speaks to obstore.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from sextant_shared.contract.errors import NotFoundError, UnavailableError

if TYPE_CHECKING:
    # names that obstore has for type checkers alone
    from obstore import GetResult
    from obstore.store import ObjectStore

_PART_BYTES: Final = 5 * 1024 * 1024
"""The smallest part that S3 takes; it takes 10,000 of them."""

_PARTS_ON_THEIR_WAY: Final = 1
_PIECE_BYTES: Final = 1024 * 1024
_CONNECT: Final = timedelta(seconds=5)
_ANSWER: Final = timedelta(seconds=30)
_RETRIES: Final = 3
_ELSEWHERE: Final = frozenset({"s3", "az", "gs", "memory"})


class Objects:
    """An object store.

    Args:
        store: as obstore knows it.
        folder: where it is, if it is a folder.
    """

    def __init__(self, store: "ObjectStore", *, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    @classmethod
    def at(cls, url: str, options: Mapping[str, str]) -> Self:
        """Open the store at an address.

        Args:
            url: `file:///folder`, `s3://bucket/prefix`, `az://container/prefix` or `gs://bucket/prefix`.
            options: of the store, such as credentials, by obstore's names for them.

        Raises:
            ValueError: there can be no store at this address.
        """
        parts = urlsplit(url)
        if parts.scheme == "file":
            folder = Path(unquote(parts.path))
            if parts.netloc or not folder.is_absolute():
                raise ValueError("A folder is written file:///path/of/the/folder")
            return cls(LocalStore(folder, mkdir=True), folder=folder)
        if parts.scheme not in _ELSEWHERE:
            raise ValueError(f"There is no object store of the kind {parts.scheme!r}")
        try:
            return cls(from_url(url, **_arguments(parts.scheme, options)))
        except (BaseError, ValueError) as error:
            # what follows the first line may show the options, and with them secrets
            reason = str(error).partition("\n")[0]
            raise ValueError(f"There can be no object store at {parts.scheme}://{parts.netloc}: {reason}") from None

    async def write(self, name: str, pieces: AsyncIterator[bytes]) -> int:
        """Store what comes in; if it breaks off, nothing is left of it.

        Args:
            name: to store it by.
            pieces: may raise anything but `OSError`, which is taken for the store's fault.

        Returns:
            How many bytes it was.

        Raises:
            UnavailableError: the store does not take it.
        """
        size = 0
        with _unavailable_when_lost():
            async with obstore.open_writer_async(
                self._store, name, buffer_size=_PART_BYTES, max_concurrency=_PARTS_ON_THEIR_WAY
            ) as writer:
                async for piece in pieces:
                    await writer.write(piece)
                    size += len(piece)
        return size

    async def read(self, name: str) -> AsyncIterator[bytes]:
        """Find a blob; what is returned gives its bytes piece by piece.

        Raises:
            NotFoundError: it is not there.
            UnavailableError: the store does not answer.
        """
        with _unavailable_when_lost():
            try:
                found = await obstore.get_async(self._store, name)
            except FileNotFoundError as error:
                raise NotFoundError("This payload is not there any more") from error
        return _pieces(found)

    async def delete(self, name: str) -> None:
        """Delete a blob, if it is there.

        Raises:
            UnavailableError: the store does not answer.
        """
        with _unavailable_when_lost():
            with suppress(FileNotFoundError):
                await obstore.delete_async(self._store, name)
            if self._folder is not None:
                await asyncio.to_thread(_sweep, self._folder, name)


def _arguments(scheme: str, options: Mapping[str, str]) -> dict[str, Any]:
    if scheme == "memory":
        return {}
    plain = any(value.startswith("http://") for key, value in options.items() if key.endswith("endpoint"))
    return {
        "config": dict(options),
        "client_options": {"allow_http": plain, "connect_timeout": _CONNECT, "timeout": _ANSWER},
        # callers are waiting
        "retry_config": {"max_retries": _RETRIES, "retry_timeout": _ANSWER},
    }


async def _pieces(found: "GetResult") -> AsyncIterator[bytes]:
    with _unavailable_when_lost():
        async for piece in found.stream(min_chunk_size=_PIECE_BYTES):
            yield bytes(piece)


def _sweep(folder: Path, name: str) -> None:
    """Delete what is left of an upload whose process died in the middle, which obstore does not show."""
    for leftover in folder.glob(f"{name}#*"):
        leftover.unlink(missing_ok=True)


@contextmanager
def _unavailable_when_lost() -> Iterator[None]:
    try:
        yield
    except (BaseError, OSError) as error:
        raise UnavailableError("The store for large payloads is not available at the moment") from error
