"""Finds the programs of a server on this machine, or brings them.

Owns the places where systems keep server programs, the choice of an unprivileged account, and the
installation of Debian packages. It must not know how a server is configured or started.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_APT_GET = Path("/usr/bin/apt-get")
_POLICY = Path("/usr/sbin/policy-rc.d")
_APT_SECONDS = 900


class UnavailableError(RuntimeError):
    """A server that a test needs cannot be had; the message says why and what would help."""


@dataclass(frozen=True)
class Program:
    """What to look for on a machine, and what brings it.

    Attributes:
        name: how people call the server.
        files: the programs that must lie in one folder.
        folders: patterns of folders to look in besides PATH, the first match of them wins.
        shadowed: whether PATH comes last, because what it holds may be a wrapper.
        debian: the package that brings it on Debian and Ubuntu.
        homebrew: the formula that brings it on macOS.
        variable: the environment variable that names a server to use instead.
    """

    name: str
    files: tuple[str, ...]
    folders: tuple[str, ...]
    shadowed: bool
    debian: str
    homebrew: str
    variable: str


POSTGRES = Program(
    name="PostgreSQL",
    files=("initdb", "postgres"),
    folders=(
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/opt/homebrew/opt/postgresql*/bin",
        "/usr/local/opt/postgresql*/bin",
    ),
    shadowed=False,
    debian="postgresql",
    homebrew="postgresql@17",
    variable="SEXTANT_TEST_POSTGRES",
)
RABBITMQ = Program(
    name="RabbitMQ",
    files=("rabbitmq-server", "rabbitmqctl"),
    # Debian's /usr/sbin/rabbitmq-server insists on the system's own user and settings
    folders=(
        "/usr/lib/rabbitmq/bin",
        "/opt/homebrew/opt/rabbitmq/sbin",
        "/usr/local/opt/rabbitmq/sbin",
        "/usr/sbin",
    ),
    shadowed=True,
    debian="rabbitmq-server",
    homebrew="rabbitmq",
    variable="SEXTANT_TEST_RABBITMQ",
)
HAPROXY = Program(
    name="HAProxy",
    files=("haproxy",),
    folders=("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/local/bin"),
    shadowed=False,
    debian="haproxy",
    homebrew="haproxy",
    variable="SEXTANT_TEST_HAPROXY",
)


def find(program: Program) -> Path | None:
    """Return the folder that holds all files of a program, symbolic links resolved."""
    on_path = [Path(folder) for folder in os.get_exec_path()]
    elsewhere = [
        folder
        for pattern in program.folders
        for folder in sorted(Path("/").glob(pattern.lstrip("/")), key=_version, reverse=True)
    ]
    for folder in elsewhere + on_path if program.shadowed else on_path + elsewhere:
        if all(os.access(folder / file, os.X_OK) for file in program.files):
            return (folder / program.files[0]).resolve().parent
    return None


def find_or_install(program: Program) -> Path:
    """Return the folder of a program, installing its Debian package when that is possible.

    Raises:
        UnavailableError: it is not here and cannot be brought.
    """
    folder = find(program)
    if folder is not None:
        return folder
    if os.geteuid() != 0 or not _APT_GET.exists():
        raise UnavailableError(f"{program.name} is not installed here; {_remedy(program)}")
    complaint = _install(program.debian)
    folder = find(program)
    if folder is None:
        raise UnavailableError(
            f"{program.name} is not installed here and apt-get could not bring it "
            f"({complaint or 'no error, but no program either'}); {_remedy(program)}"
        )
    return folder


def unprivileged_user(preferred: str) -> str | None:
    """Name the account a server should run under, or None when this process has no privileges."""
    if os.geteuid() != 0:
        return None
    known = {account.pw_name for account in pwd.getpwall()}
    return preferred if preferred in known else "nobody"


def _remedy(program: Program) -> str:
    return (
        f"run `sudo apt-get install {program.debian}` or `brew install {program.homebrew}`, "
        f"or name one in {program.variable}"
    )


def _version(folder: Path) -> list[int]:
    digits = "".join(c if c.isdigit() else " " for c in str(folder))
    return [int(number) for number in digits.split()]


def _install(package: str) -> str:
    """Install a Debian package without letting it start a system service; return the complaint."""
    with _one_at_a_time(), _no_service_starts():
        complaint = _apt_get("install", "--yes", "--no-install-recommends", package)
        if complaint:  # a new machine may have no package lists, an old one stale lists
            _apt_get("update")
            complaint = _apt_get("install", "--yes", "--no-install-recommends", package)
    return complaint


def _apt_get(*arguments: str) -> str:
    """Run apt-get; return nothing when it succeeds, else the end of what it said."""
    done = subprocess.run(  # noqa: S603 -- a fixed program with our own package names
        [_APT_GET, "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_APT_SECONDS,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"},
    )
    return "" if done.returncode == 0 else done.stdout.strip()[-500:] or "no output"


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep two test runs on one machine from installing at the same time."""
    lock = Path(tempfile.gettempdir()) / "sextant-test-install.lock"
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _no_service_starts() -> Iterator[None]:
    """Have Debian's maintainer scripts start no service, by the policy they all ask."""
    if _POLICY.exists():  # as in every container image; whoever wrote it decided already
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


def program_beside(folder: Path, name: str) -> Path | None:
    """Find a helper program in a server's folder, or else on PATH."""
    found = shutil.which(name, path=os.pathsep.join([str(folder), *os.get_exec_path()]))
    return None if found is None else Path(found)
