"""Removes the virtual environments and what the tools cached; data, secrets and results stay."""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_AT_THE_ROOT = (
    ".venv",
    ".venv-clients",
    ".state",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".import_linter_cache",
)
_OUR_CODE = ("shared", "services", "tests", "scripts", "bench")


def main() -> int:
    """Remove them."""
    for name in _AT_THE_ROOT:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for folder in _OUR_CODE:
        for cache in list((ROOT / folder).rglob("__pycache__")):
            shutil.rmtree(cache)
    return 0


if __name__ == "__main__":
    sys.exit(main())
