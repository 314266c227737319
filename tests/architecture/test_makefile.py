"""The Makefile's own rules: a recipe is one command, and who asks for help sees every target."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE)


def test_a_recipe_is_one_command() -> None:
    recipes = re.findall(r"^[a-z-]+:.*\n((?:\t.*\n)+)", MAKEFILE, flags=re.MULTILINE)

    assert [recipe for recipe in recipes if recipe.count("\n") != 1 or "&&" in recipe or ";" in recipe] == []


def test_every_target_is_phony() -> None:
    assert re.findall(r"^\.PHONY: (.+)$", MAKEFILE, flags=re.MULTILINE) == TARGETS


def test_the_help_describes_every_target_that_is_not_a_part_of_another() -> None:
    command = [sys.executable, "scripts/make_help.py"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout  # noqa: S603 -- ours

    parts = [target for target in TARGETS if target.startswith("lint-")]
    assert re.findall(r"^  ([a-z-]+) ", shown, flags=re.MULTILINE) == [t for t in TARGETS if t not in parts]


def test_every_script_that_the_makefile_calls_is_there() -> None:
    called = set(re.findall(r"scripts/\w+\.py", MAKEFILE))

    assert [script for script in sorted(called) if not (ROOT / script).exists()] == []
