"""What import-linter cannot say of itself: that its contracts reach every package of ours.

The contracts are in the root `pyproject.toml`; `make lint` checks them.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MEMBERS = [ROOT / "shared", *sorted(file.parent for file in ROOT.glob("services/*/pyproject.toml"))]
SOURCES = sorted(file for member in MEMBERS for file in member.glob("src/**/*.py"))


def _imported(file: Path) -> set[str]:
    """List the top-level packages that a file imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_a_member_holds_one_package_named_after_it(member: Path) -> None:
    expected = f"sextant_{member.name.replace('-', '_')}"

    assert [folder.name for folder in (member / "src").iterdir() if folder.name != "__pycache__"] == [expected]


def test_the_import_contracts_see_every_member() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]

    assert sorted(linter["root_packages"]) == sorted(f"sextant_{member.name.replace('-', '_')}" for member in MEMBERS)


def test_nothing_of_ours_imports_the_original() -> None:
    assert [file for file in SOURCES if "vantage6" in _imported(file)] == []


def test_what_a_member_imports_of_ours_it_declares() -> None:
    undeclared: dict[str, set[str]] = {}
    for member in MEMBERS:
        project = tomllib.loads((member / "pyproject.toml").read_text())["project"]
        declared = {name.replace("-", "_") for name in [project["name"], *project["dependencies"]]}
        ours = {name for file in member.glob("src/**/*.py") for name in _imported(file) if name.startswith("sextant_")}
        if ours - declared:
            undeclared[member.name] = ours - declared

    assert undeclared == {}
