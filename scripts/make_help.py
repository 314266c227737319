"""Prints the Makefile's targets; needs nothing but Python.

Owns the reading of two kinds of comment: `##@ Section` on a line of its own, and `## What it does` behind a target.
A target without one is for other targets.
"""

import re
import sys
from pathlib import Path

MAKEFILE = Path(__file__).resolve().parent.parent / "Makefile"


def main() -> int:
    """Print the list, in colour when a person reads it."""
    bold, cyan, plain = ("\033[1m", "\033[36m", "\033[0m") if sys.stdout.isatty() else ("", "", "")
    print("Usage: make [TARGET] [NAME=value ...]")
    for line in MAKEFILE.read_text().splitlines():
        section = re.match(r"##@ (.+)", line)
        target = re.match(r"([a-z-]+):.*?## (.+)", line)
        if section:
            print(f"\n{bold}{section[1]}{plain}")
        elif target:
            print(f"  {cyan}{target[1]:<14}{plain} {target[2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
