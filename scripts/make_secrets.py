"""Makes the secrets that compose.yaml mounts, each a file, under `./secrets` or the folder named.

Owns which secrets there are and which follow from others. What exists is never written again, so a
second call costs nothing and an operator's own value stays. Needs nothing but Python; it must not know
what a secret is used for.

    python3 scripts/make_secrets.py [FOLDER]
"""

from __future__ import annotations  # so that an older Python gets along too

import json
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent

# A file secret keeps its owner and mode inside a container, where programs run under accounts that do
# not exist here. So the files can be read by all, and the folder can be entered by its owner only.
_FOLDER_MODE = 0o700
_FILE_MODE = 0o644

_CHOSEN = (
    "postgres_password",
    "auth_database_password",
    "api_database_password",
    "vpn_database_password",
    "broker_password",
    "api_client_secret",
    "relay_client_secret",
    "vpn_registry_client_secret",
    "key_encryption_secret",
    "api_key_pepper",
    "root_password",
)
_HEX_BYTES = 32


def _rabbitmq_conf(values: dict[str, str]) -> str:
    return f"default_vhost = sextant\ndefault_user = sextant\ndefault_pass = {values['broker_password']}\n"


def _service_secrets(values: dict[str, str]) -> str:
    clients = ("api", "relay", "vpn-registry")
    return json.dumps({name: values[f"{name.replace('-', '_')}_client_secret"] for name in clients})


_DERIVED: dict[str, Callable[[dict[str, str]], str]] = {
    "rabbitmq_conf": _rabbitmq_conf,
    "service_secrets": _service_secrets,
}


def main(arguments: list[str]) -> int:
    """Make what is missing in the folder that `arguments` may name; return an exit status."""
    folder = Path(arguments[0]) if arguments else ROOT / "secrets"
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_FOLDER_MODE)

    # hexadecimal: safe in a URL, in a configuration file and in JSON
    made = [name for name in _CHOSEN if _write_new(folder / name, secrets.token_hex(_HEX_BYTES))]
    values = {name: (folder / name).read_text().strip() for name in _CHOSEN}
    stale = []
    for name, derive in _DERIVED.items():
        if _write_new(folder / name, derive(values)):
            made.append(name)
        elif (folder / name).read_text() != derive(values):
            stale.append(name)

    if made:
        print(f"secrets: made {', '.join(made)} in {folder}")
    for name in stale:
        print(
            f"secrets: {folder / name} does not go with the other secrets; remove it, and it will be made anew",
            file=sys.stderr,
        )
    return 1 if stale else 0


def _write_new(path: Path, content: str) -> bool:
    """Write the file unless it exists, whole or not at all; tell whether it was written."""
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.new")
    with draft.open("w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.chmod(_FILE_MODE)
    draft.rename(path)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
