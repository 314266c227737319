"""HAProxy for tests: a proxy process that runs a given configuration.

Owns the configuration's file and the process. It must not know Sextant's gateway: the configuration
comes from whoever tests it.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from sextant_shared.testing.processes import Process, ProcessKeeper


class HaproxyRunner:
    """Runs HAProxy in the foreground, as often as asked.

    Attributes:
        binary: the program.
    """

    def __init__(self, keeper: ProcessKeeper, binary: Path) -> None:
        self.binary = binary
        self._keeper = keeper

    def __call__(self, config: str, *, ports: Iterable[int], env: Mapping[str, str] | None = None) -> Process:
        """Start a proxy and return once it listens; it ends with its `with` block or the run.

        Args:
            config: the whole text of the configuration.
            ports: the loopback ports it binds, all of which are waited for.
            env: variables that the configuration refers to.

        Raises:
            ProcessFailedError: HAProxy refused the configuration; the message holds its reasons.
        """
        file = self._keeper.folder / f"haproxy-{secrets.token_hex(3)}.cfg"
        file.write_text(config)
        process = self._keeper.spawn([self.binary, "-db", "-f", file], name="haproxy", env=env)
        for port in ports:
            process.wait_for_port(port)
        return process
