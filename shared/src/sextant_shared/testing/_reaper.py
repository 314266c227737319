"""Ends what a test run started, when that run dies without cleaning up.

A script of its own (`python -I -S _reaper.py`), not a module to import: it reads commands from
standard input, and the end of that input means that whoever wrote them is gone, however it died. It
owns no process; it only remembers which process groups and folders must not outlive its writer. It
must not know what the processes are.

Commands, one a line: `watch PID SIGNAL`, `forget PID`, `folder PATH`.
"""

import os
import shutil
import signal
import sys
import time

_GRACE_SECONDS = 5.0
_POLL_SECONDS = 0.05


def _signal_group(group: int, number: int) -> bool:
    """Signal a process group; return whether any of it was there."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        return False
    return True


def main() -> None:
    """Read commands until the writer is gone, then end all that it left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # a Ctrl-C is the writer's to handle
    groups: dict[int, int] = {}
    folders: list[str] = []
    for line in sys.stdin:
        command, _, rest = line.rstrip("\n").partition(" ")
        if command == "watch":
            group, last_signal = rest.split()
            groups[int(group)] = int(last_signal)
        elif command == "forget":
            groups.pop(int(rest), None)
        elif command == "folder":
            folders.append(rest)
    alive = {group for group, number in groups.items() if _signal_group(group, number)}
    deadline = time.monotonic() + _GRACE_SECONDS
    while alive and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        alive = {group for group in alive if _signal_group(group, 0)}
    for group in alive:
        _signal_group(group, signal.SIGKILL)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
