"""Writes `requirements/*.txt` anew: exact versions with hashes, for every platform.

Owns the order (each file is bound to the versions of the one before it, so that they agree) and the
options of uv. No index address goes into the files: any mirror serves them.

    .venv/bin/python scripts/lock.py [--upgrade]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")

_OPTIONS = [
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--no-annotate",
]


def main(arguments: list[str]) -> int:
    """Compile every file; `arguments` are passed on to uv, `--upgrade` being the useful one."""
    projects = sorted(ROOT.glob("services/*/pyproject.toml"))
    members = [str(file.relative_to(ROOT)) for file in [ROOT / "shared" / "pyproject.toml", *projects]]
    ours = [f"--no-emit-package=sextant-{file.split('/')[-2]}" for file in members]
    for target, sources, bound_to in (
        ("runtime", [*members, *ours], None),
        ("dev", [*members, *ours, "requirements/dev.in"], "runtime"),
        ("bootstrap", ["requirements/bootstrap.in"], "dev"),
        ("clients", ["requirements/clients.in"], None),
        ("algorithm", ["requirements/algorithm.in", "--no-deps"], None),
    ):
        bound = [] if bound_to is None else ["--constraints", f"requirements/{bound_to}.txt"]
        output = f"--output-file=requirements/{target}.txt"
        command = [str(UV), "pip", "compile", *_OPTIONS, *sources, *bound, output, *arguments]
        subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603 -- our own uv
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
