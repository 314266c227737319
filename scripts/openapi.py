"""Writes each service's `openapi.json`: what it offers the world, without what services ask each other.

Owns the selection and the form of the files, which is stable, so that a diff shows what changed on the wire. It must
not know any route: it asks the applications.

    .venv/bin/python scripts/openapi.py [--check]
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sextant_standalone.app import create_standalone
from sextant_standalone.settings import StandaloneSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sextant_shared.http.service import Service

SERVICES = Path(__file__).resolve().parent.parent / "services"
_NOT_PUBLIC = ("/internal", "/livez", "/readyz", "/metrics")


def main(arguments: list[str]) -> int:
    """Write the files, or with `--check` only name those that are not up to date."""
    described = documents()
    stale = [file for file, text in described.items() if not file.exists() or file.read_text() != text]
    if arguments == ["--check"]:
        for file in stale:
            print(f"{file.relative_to(SERVICES.parent)} is not up to date; run `make openapi`", file=sys.stderr)
        return 1 if stale else 0
    for file in stale:
        file.write_text(described[file])
    return 0


def documents() -> dict[Path, str]:
    """Describe every service that has public routes: the file and what it should hold."""
    described = {}
    for service in asyncio.run(_services()):
        document = _public(service.app.openapi())
        if document["paths"]:
            text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
            described[SERVICES / service.name / "openapi.json"] = f"{text}\n"
    return described


def _public(document: dict[str, Any]) -> dict[str, Any]:
    paths = {path: item for path, item in document["paths"].items() if not path.startswith(_NOT_PUBLIC)}
    components = document.get("components", {})
    schemas = components.get("schemas", {})
    wanted = _referenced(paths)
    while (more := wanted | _referenced({name: schemas[name] for name in wanted})) != wanted:
        wanted = more
    kept = {name: schema for name, schema in schemas.items() if name in wanted}
    return {**document, "paths": paths, "components": {**components, "schemas": kept}}


def _referenced(part: dict[str, Any]) -> set[str]:
    """Name the schemas that a part of a document refers to."""
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(part)))


async def _services() -> Sequence[Service]:
    """Put all services together on an empty folder, start nothing, and give them back."""
    with tempfile.TemporaryDirectory() as folder:
        standalone = await create_standalone(StandaloneSettings(data=Path(folder)))
        for give_back in standalone.close:
            await give_back()
        return standalone.services


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
