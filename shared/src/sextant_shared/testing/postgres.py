"""A PostgreSQL server for tests: an existing one, or a private one that is thrown away.

Owns the server's life and the fresh databases on it. It must not know any schema: what is inside a
database is the business of whoever asked for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import signal
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from sextant_shared.testing._installation import UnavailableError, unprivileged_user
from sextant_shared.testing.processes import LOOPBACK, Process, ProcessFailedError, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sextant_shared.testing.processes import ProcessKeeper

_SUPERUSER = "postgres"
_START_ATTEMPTS = 3
_RELEASE_SECONDS = 15
_READY_LINE = 7  # of postmaster.pid, where the server itself writes that it is ready

# Fast, and still honest about a killed server: a commit reaches the operating system before it is
# answered, so only a power cut would lose it.
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
}


class PostgresServer:
    """A server to make databases on; one that somebody else started and that must be left running.

    Attributes:
        url: the superuser's address of it, `postgresql://user@host:port/postgres`.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._made: list[str] = []

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """Make a fresh database, owned by the superuser, and return its address.

        Args:
            name: what its name begins with; the rest makes it unique.
            template: the address of a database to copy, which must have no open connection.

        Returns:
            The address in the form that settings take, `postgresql+asyncpg://...`.
        """
        database = f"{name}_{secrets.token_hex(4)}"
        copied = "template1" if template is None else urlsplit(template).path.lstrip("/")
        self.execute(f"CREATE DATABASE {_quoted(database)} TEMPLATE {_quoted(copied)}")
        self._made.append(database)
        address = urlsplit(self.url)
        return urlunsplit(("postgresql+asyncpg", address.netloc, f"/{database}", address.query, ""))

    def execute(self, *statements: str, database: str | None = None) -> list[tuple[object, ...]]:
        """Run statements as the superuser, each on its own, and return the last one's rows.

        Args:
            statements: SQL without parameters.
            database: the address of the database to run in, by default the superuser's own.
        """
        url = (database or self.url).replace("postgresql+asyncpg:", "postgresql:", 1)
        rows: list[tuple[object, ...]] = []
        failures: list[BaseException] = []

        def work() -> None:
            try:
                rows.extend(asyncio.run(_execute(url, statements)))
            except BaseException as failure:  # noqa: BLE001 -- raised again by the caller
                failures.append(failure)

        # in a thread, because the caller may be inside a running event loop
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if failures:
            raise failures[0]
        return rows

    def start(self) -> None:
        """Start the server again, on the same port with the same data."""
        self._refuse()

    def stop(self) -> None:
        """Stop the server in good order; its clients are disconnected."""
        self._refuse()

    def kill(self) -> None:
        """End the server as a crash would; its clients see their connections drop."""
        self._refuse()

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Keep the server killed for the length of the block."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def close(self) -> None:
        """Leave nothing of this run behind."""
        for database in self._made:
            self.execute(f"DROP DATABASE IF EXISTS {_quoted(database)} WITH (FORCE)")
        self._made.clear()

    def _refuse(self) -> None:
        raise UnavailableError(
            "this test stops PostgreSQL, which it may only do to a private server; unset SEXTANT_TEST_POSTGRES"
        )


class PrivatePostgres(PostgresServer):
    """A server of this run's own, on a free port, whose data is thrown away with the run."""

    def __init__(self, keeper: ProcessKeeper, programs: Path) -> None:
        """Make the data folder and start the server.

        Args:
            keeper: owns the server's process and folder.
            programs: the folder that holds `initdb` and `postgres`.
        """
        self._keeper = keeper
        self._programs = programs
        self._user = unprivileged_user("postgres")
        self._home = keeper.make_folder("postgres", self._user)
        self._data = self._home / "data"
        self._process: Process | None = None
        self._initialize()
        self._port = free_port()
        self._start_somewhere()
        super().__init__(f"postgresql://{_SUPERUSER}@{LOOPBACK}:{self._port}/postgres")

    def start(self) -> None:
        """Start the server again, on the same port with the same data."""
        if self._process is not None and self._process.is_running:
            return
        deadline = time.monotonic() + _RELEASE_SECONDS
        while True:
            try:
                self._start_once()
            except ProcessFailedError as failure:
                # sessions of a killed server may take a moment to notice and let go of its memory
                if time.monotonic() > deadline or "shared memory block" not in str(failure):
                    raise
            else:
                return

    def stop(self) -> None:
        """Stop the server in good order; its clients are disconnected."""
        if self._process is not None:
            self._process.stop(signal.SIGINT, timeout=30)

    def kill(self) -> None:
        """End the server as a crash would; its clients see their connections drop."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """End the server; its data goes with the scratch folder."""
        if self._process is not None:
            self._process.stop(signal.SIGQUIT)

    def _initialize(self) -> None:
        process = self._keeper.spawn(
            [
                self._programs / "initdb",
                f"--pgdata={self._data}",
                f"--username={_SUPERUSER}",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--no-instructions",
            ],
            name="initdb",
            cwd=self._home,
            user=self._user,
        )
        if process.wait(timeout=120) != 0:
            raise ProcessFailedError(f"initdb failed:\n{process.output()}")

    def _start_somewhere(self) -> None:
        """Start for the first time; another port is tried when somebody was quicker to take it."""
        for attempt in range(1, _START_ATTEMPTS + 1):
            try:
                self._start_once()
            except ProcessFailedError as failure:
                if attempt == _START_ATTEMPTS or "could not bind" not in str(failure):
                    raise
                self._port = free_port()
            else:
                return

    def _start_once(self) -> None:
        settings = {**_SETTINGS, "port": str(self._port), "cluster_name": self._keeper.folder.name}
        self._process = self._keeper.spawn(
            [
                self._programs / "postgres",
                "-D",
                self._data,
                *(part for key, value in settings.items() for part in ("-c", f"{key}={value}")),
            ],
            name="postgres",
            cwd=self._home,
            user=self._user,
            last_signal=signal.SIGQUIT,
        )
        self._process.wait_until(self._is_ready, timeout=60)

    def _is_ready(self) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return (
            self._process is not None
            and len(lines) > _READY_LINE
            and lines[0] == str(self._process.pid)
            and lines[_READY_LINE].strip() == "ready"
        )


def _quoted(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise ValueError(f"not a plain database name: {name!r}")
    return f'"{name}"'


async def _execute(url: str, statements: tuple[str, ...]) -> list[tuple[object, ...]]:
    import asyncpg  # noqa: PLC0415 -- every pytest run loads this package, few need the driver

    connection = await asyncpg.connect(url, timeout=30)
    try:
        rows: list[tuple[object, ...]] = []
        for statement in statements:
            rows = [tuple(row) for row in await connection.fetch(statement)]
        return rows
    finally:
        await connection.close()
