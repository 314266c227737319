"""Makes the virtual environments that the Makefile's targets run in; needs nothing but Python.

Owns the order of installation (pip brings uv, uv brings the locked dependencies, then the members of
the workspace are installed editable) and the stamp that makes a second call cost nothing. It must
not know what any target does with an environment, and it runs before anything is installed.

    python3 scripts/setup_venv.py runtime|dev|clients
"""

from __future__ import annotations  # so that an older Python gets as far as the message below

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "requirements"
VENV = ROOT / ".venv"
CLIENTS_VENV = ROOT / ".venv-clients"

_OLDEST = (3, 11)
_CANDIDATES = ("python3.13", "python3.12", "python3.11", "python3.14")
_ATTEMPTS = 3
_PAUSE_SECONDS = 5
_STAMP = "sextant-stamp"


def main(arguments: list[str]) -> int:
    """Bring the environment that `arguments` names up to date; return an exit status."""
    if len(arguments) != 1 or arguments[0] not in ("runtime", "dev", "clients"):
        print("usage: setup_venv.py runtime|dev|clients", file=sys.stderr)
        return 2
    if sys.version_info < _OLDEST:
        return _run_under_newer_python(arguments)
    try:
        with _one_at_a_time():
            if arguments[0] == "clients":
                _make_workspace_venv("runtime")  # which brings uv
                _make_clients_venv()
            else:
                _make_workspace_venv(arguments[0])
    except subprocess.CalledProcessError as failure:
        print(f"setup failed: {' '.join(failure.cmd)}", file=sys.stderr)
        return 1
    return 0


def _run_under_newer_python(arguments: list[str]) -> int:
    for name in _CANDIDATES:
        program = shutil.which(name)
        if program is not None:
            return subprocess.call([program, __file__, *arguments])  # noqa: S603 -- this script
    wanted = ".".join(str(part) for part in _OLDEST)
    found = sys.version.split()[0]
    print(
        f"Sextant needs Python {wanted} or newer, {sys.executable} is {found}; "
        "install one and name it, as in `make run PYTHON=/path/to/python3.12`",
        file=sys.stderr,
    )
    return 1


def _make_workspace_venv(level: str) -> None:
    """Bring `.venv` up to date: what the services need, or (`dev`) what their tests need too."""
    if _is_stamped(VENV, *(["dev"] if level == "dev" else ["runtime", "dev"])):
        return
    if not _works(VENV):
        _say(f"making {VENV.name} with Python {sys.version.split()[0]}")
        _create_venv(VENV)
    _say(f"installing the locked dependencies ({level})")
    pip = [f"{VENV}/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _retry([*pip, "--require-hashes", "-r", str(REQUIREMENTS / "bootstrap.txt")])
    _uv_install(VENV, "--require-hashes", "-r", f"{REQUIREMENTS}/{level}.txt")
    members = [part for folder in _members() for part in ("-e", str(folder))]
    _uv_install(VENV, "--no-deps", "--no-build-isolation", *members)
    _write_stamp(VENV, level)


def _make_clients_venv() -> None:
    """Bring `.venv-clients` up to date: the official clients, whose pins differ from ours."""
    if _is_stamped(CLIENTS_VENV, "clients"):
        return
    _say(f"making {CLIENTS_VENV.name}, which holds the official clients")
    uv = [f"{VENV}/bin/uv", "venv", "--quiet", "--clear", "--no-project"]
    _retry([*uv, "--python", sys.executable, str(CLIENTS_VENV)])
    _uv_install(CLIENTS_VENV, "--require-hashes", "-r", f"{REQUIREMENTS}/clients.txt")
    _uv_install(CLIENTS_VENV, "--require-hashes", "--no-deps", "-r", f"{REQUIREMENTS}/algorithm.txt")
    _write_stamp(CLIENTS_VENV, "clients")


def _create_venv(folder: Path) -> None:
    """Make a venv with pip in it, on Debian bringing the package that this takes."""
    command = [sys.executable, "-m", "venv", "--clear", str(folder)]
    done = subprocess.run(  # noqa: S603 -- this interpreter
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode == 0:
        return
    package = "python{}.{}-venv".format(*sys.version_info)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _say(f"installing {package}")
        if not _apt_get("install", package):  # a new machine may have no package lists
            _apt_get("update")
            _apt_get("install", package)
    else:
        print(done.stdout, file=sys.stderr)
        _say(f"on Debian or Ubuntu `sudo apt-get install {package}` helps")
    subprocess.check_call(command)  # noqa: S603


def _apt_get(*arguments: str) -> bool:
    """Run apt-get without a word of it unless it fails; return whether it succeeded."""
    done = subprocess.run(  # noqa: S603 -- fixed words
        ["apt-get", "-qq", "--yes", "--no-install-recommends", *arguments],  # noqa: S607 -- wherever it is
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
    return done.returncode == 0


def _uv_install(venv: Path, *what: str) -> None:
    uv = [f"{VENV}/bin/uv", "pip", "install", "--quiet"]
    _retry([*uv, "--python", f"{venv}/bin/python", *what])


def _retry(command: list[str]) -> None:
    """Run a command that asks a package index, which now and then denies what it has."""
    for attempt in range(1, _ATTEMPTS + 1):
        status = subprocess.call(command, cwd=ROOT)  # noqa: S603
        if status == 0:
            return
        if attempt < _ATTEMPTS:
            _say(f"that failed; attempt {attempt + 1} of {_ATTEMPTS} in {_PAUSE_SECONDS} s")
            time.sleep(_PAUSE_SECONDS)
    raise subprocess.CalledProcessError(status, command)


def _members() -> list[Path]:
    return [ROOT / "shared", *sorted(path.parent for path in ROOT.glob("services/*/pyproject.toml"))]


def _fingerprint(level: str) -> str:
    """Digest all that decides what is in an environment."""
    files = [REQUIREMENTS / f"{level}.txt"]
    if level == "clients":
        files.append(REQUIREMENTS / "algorithm.txt")
    else:
        files += [REQUIREMENTS / "bootstrap.txt", *(m / "pyproject.toml" for m in _members())]
    digest = hashlib.sha256(f"{ROOT}\0".encode())
    for file in files:
        digest.update(file.read_bytes())
    return f"{level} {digest.hexdigest()}\n"


def _works(venv: Path) -> bool:
    """Whether the venv is there, and the Python it was made with too."""
    return (venv / "bin" / "python").exists() and (venv / "pyvenv.cfg").exists()


def _is_stamped(venv: Path, *levels: str) -> bool:
    stamp = venv / _STAMP
    if not _works(venv) or not stamp.exists():
        return False
    return stamp.read_text() in [_fingerprint(level) for level in levels]


def _write_stamp(venv: Path, level: str) -> None:
    (venv / _STAMP).write_text(_fingerprint(level))


def _say(text: str) -> None:
    print(f"setup: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let a second call wait for the first."""
    state = ROOT / ".state"
    state.mkdir(exist_ok=True)
    with (state / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
