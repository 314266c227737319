"""Writes what Sextant offers the world as OpenAPI, without what services ask each other.

Each service's goes into its `openapi.json`; all of them together are a part of api, which shows them at `/api/docs`.
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
    from collections.abc import Mapping, Sequence

    from sextant_shared.http.service import Service

SERVICES = Path(__file__).resolve().parent.parent / "services"
MERGED = SERVICES / "api" / "src" / "sextant_api" / "documentation" / "openapi.json"
INTRODUCTION = Path(__file__).with_name("openapi.md")
_NOT_PUBLIC = ("/internal", "/livez", "/readyz", "/metrics")
_REFERENCE = re.compile(r'"#/components/([^/"]+)/([^/"]+)"')


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
    """Describe every service that has public routes, and all of them together: the file and what it should hold."""
    public = {service.name: _public(service.app.openapi()) for service in asyncio.run(_services())}
    offered = {name: document for name, document in public.items() if document["paths"]}
    files = {SERVICES / name / "openapi.json": document for name, document in offered.items()}
    return {file: _text(document) for file, document in {**files, MERGED: _merge(list(offered.values()))}.items()}


def _text(document: Mapping[str, Any]) -> str:
    return f"{json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)}\n"


def _public(document: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not public, and the components that only that needs."""
    paths = {path: item for path, item in document["paths"].items() if not path.startswith(_NOT_PUBLIC)}
    components = document["components"]
    wanted = _referenced(paths)
    while (more := wanted | _referenced([components[kind][name] for kind, name in wanted])) != wanted:
        wanted = more
    wanted |= {
        ("securitySchemes", scheme)
        for item in paths.values()
        for operation in item.values()
        for requirement in operation["security"]
        for scheme in requirement
    }
    kept = {
        kind: {name: part for name, part in parts.items() if (kind, name) in wanted}
        for kind, parts in components.items()
    }
    return {**document, "paths": paths, "components": {kind: parts for kind, parts in kept.items() if parts}}


def _referenced(part: Any) -> set[tuple[str, str]]:
    """Name the components that a part of a document refers to."""
    return set(_REFERENCE.findall(json.dumps(part)))


def _merge(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put documents together.

    Raises:
        ValueError: they describe the same thing differently.
    """
    title, _, description = INTRODUCTION.read_text().removeprefix("# ").partition("\n")
    merged: dict[str, Any] = {
        "openapi": parts[0]["openapi"],
        "info": {"title": title, "version": parts[0]["info"]["version"], "description": description.strip()},
        "paths": {},
        "components": {},
    }
    for part in parts:
        _add(merged["paths"], part["paths"])
        for kind, components in part["components"].items():
            _add(merged["components"].setdefault(kind, {}), components)
    return merged


def _add(known: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, described in more.items():
        if known.setdefault(name, described) != described:
            raise ValueError(f"Two services describe {name} differently")


async def _services() -> Sequence[Service]:
    """Put all services together on an empty folder, start nothing, and give them back."""
    with tempfile.TemporaryDirectory() as folder:
        standalone = await create_standalone(StandaloneSettings(data=Path(folder)))
        for give_back in standalone.close:
            await give_back()
        return standalone.services


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
