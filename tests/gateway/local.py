"""The gateway for services that run as local processes instead of containers.

Owns the translation of `gateway/backends.cfg`: a replica found by name becomes one line per port. The
rest of the shipped configuration is used as it stands. Needs nothing of the suite but these files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GATEWAY_FOLDER: Final = Path(__file__).parents[2] / "gateway"

_TEMPLATE: Final = re.compile(
    r"^ *server-template +(?P<prefix>\S+) +\d+ +(?P<host>[\w-]+):\d+ +resolvers +\S+ +init-addr +none"
    r"(?P<rest>.*)$",
    re.MULTILINE,
)


def local_gateway_config(
    folder: Path,
    *,
    listen: int,
    auth: Sequence[int],
    api: Sequence[int],
    relay: Sequence[int],
    vpn: Sequence[int],
    inside: int,
    settings: Mapping[str, object] | None = None,
) -> list[Path]:
    """Write what differs from the shipped configuration, and name all files in the order of reading.

    Give them to HAProxy with one `-f` each; their texts joined are one valid configuration too.

    Args:
        folder: where the files are written.
        listen: the loopback port for clients.
        auth: the loopback ports of auth's replicas.
        api: those of api's.
        relay: those of relay's.
        vpn: those of vpn-registry's.
        inside: the loopback port for `/readyz` and `/metrics`.
        settings: further settings of the gateway, such as `SEXTANT_GATEWAY_HOLD_SECONDS`.
    """
    variables = {
        "SEXTANT_GATEWAY_FOLDER": GATEWAY_FOLDER,
        "SEXTANT_GATEWAY_LISTEN": f"127.0.0.1:{listen}",
        "SEXTANT_GATEWAY_INSIDE_LISTEN": f"127.0.0.1:{inside}",
        **(settings or {}),
    }
    environment = folder / "gateway-environment.cfg"
    lines = [f'    setenv {name} "{value}"\n' for name, value in variables.items()]
    environment.write_text("global\n" + "".join(lines))

    ports = {"auth": auth, "api": api, "relay": relay, "vpn-registry": vpn}

    def replicas(found: re.Match[str]) -> str:
        return "\n".join(
            f"    server {found['prefix']}{number} 127.0.0.1:{port}{found['rest']}"
            for number, port in enumerate(ports[found["host"]], start=1)
        )

    backends = folder / "gateway-backends.cfg"
    backends.write_text(_TEMPLATE.sub(replicas, (GATEWAY_FOLDER / "backends.cfg").read_text()))
    return [environment, GATEWAY_FOLDER / "haproxy.cfg", backends]
