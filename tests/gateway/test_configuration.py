"""The files as they are shipped, name look-ups and all, are accepted by the HAProxy at hand."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from .local import GATEWAY_FOLDER

if TYPE_CHECKING:
    from pathlib import Path


def test_the_shipped_configuration_is_accepted_without_a_warning(haproxy_binary: Path) -> None:
    files = [GATEWAY_FOLDER / name for name in ("haproxy.cfg", "backends.cfg")]
    arguments = [part for file in files for part in ("-f", str(file))]
    checked = subprocess.run(  # noqa: S603 -- the program under test
        [haproxy_binary, "-c", "-dW", *arguments],
        check=False,
        capture_output=True,
        text=True,
        env={"SEXTANT_GATEWAY_FOLDER": str(GATEWAY_FOLDER)},
    )
    assert (checked.returncode, checked.stderr) == (0, "")
