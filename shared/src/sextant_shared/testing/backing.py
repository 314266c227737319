"""The real servers that tests stand on: PostgreSQL, RabbitMQ and HAProxy, found or started.

Owns the order in which they are looked for, each at first use:

1. the one that the environment names: `SEXTANT_TEST_POSTGRES` (superuser URL),
   `SEXTANT_TEST_RABBITMQ` (URL, and `SEXTANT_TEST_RABBITMQ_MANAGEMENT` if its management interface
   is not at the usual port), `SEXTANT_TEST_HAPROXY` (path of the program);
2. a private, throw-away instance from installed programs;
3. the same after installing the Debian package, when this process may do that;
4. `UnavailableError`, which says why and what would help.

It must not know pytest: the benchmark stands on the same servers.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Self

from sextant_shared.testing import _installation
from sextant_shared.testing._installation import UnavailableError
from sextant_shared.testing.haproxy import HaproxyRunner
from sextant_shared.testing.postgres import PostgresServer, PrivatePostgres
from sextant_shared.testing.processes import ProcessKeeper
from sextant_shared.testing.rabbitmq import PrivateRabbit, RabbitServer

__all__ = ["BackingServers", "UnavailableError"]


class BackingServers:
    """At most one of each server, got at first use and ended by `close()`.

    Attributes:
        processes: starts further processes that must not outlive the run.
    """

    def __init__(self) -> None:
        self.processes = ProcessKeeper()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @cached_property
    def postgres(self) -> PostgresServer:
        """The PostgreSQL server."""
        named = os.environ.get(_installation.POSTGRES.variable)
        if named:
            return PostgresServer(named)
        programs = _installation.find_or_install(_installation.POSTGRES)
        return PrivatePostgres(self.processes, programs)

    @cached_property
    def rabbitmq(self) -> RabbitServer:
        """The RabbitMQ broker."""
        named = os.environ.get(_installation.RABBITMQ.variable)
        if named:
            return RabbitServer(named, management_url=os.environ.get("SEXTANT_TEST_RABBITMQ_MANAGEMENT"))
        programs = _installation.find_or_install(_installation.RABBITMQ)
        return PrivateRabbit(self.processes, programs)

    @cached_property
    def haproxy(self) -> HaproxyRunner:
        """HAProxy, to be run with one configuration or another."""
        named = os.environ.get(_installation.HAPROXY.variable)
        if named:
            return HaproxyRunner(self.processes, Path(named))
        programs = _installation.find_or_install(_installation.HAPROXY)
        return HaproxyRunner(self.processes, programs / "haproxy")

    def close(self) -> None:
        """End the private servers, leave the others as they were, and remove all files."""
        try:
            for name in ("rabbitmq", "postgres"):
                if name in self.__dict__:
                    self.__dict__.pop(name).close()
        finally:
            self.processes.close()
