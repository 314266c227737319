from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sextant_shared.testing._installation import Program, UnavailableError, find, find_or_install

if TYPE_CHECKING:
    from pathlib import Path


def _program(root: Path, *, shadowed: bool = False) -> Program:
    return Program(
        name="Ledger",
        files=("ledgerd", "ledger-init"),
        folders=(f"{root}/opt/*/bin",),
        shadowed=shadowed,
        debian="ledger-server",
        homebrew="ledger",
        variable="SEXTANT_TEST_LEDGER",
    )


def _install(folder: Path, *files: str) -> Path:
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).touch(mode=0o755)
    return folder.resolve()


@pytest.fixture(autouse=True)
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))


def test_the_newest_of_several_versions_is_found(tmp_path: Path) -> None:
    for version in ("9", "15", "10"):
        _install(tmp_path / "opt" / version / "bin", "ledgerd", "ledger-init")

    assert find(_program(tmp_path)) == (tmp_path / "opt" / "15" / "bin").resolve()


def test_a_folder_that_lacks_one_of_the_files_does_not_count(tmp_path: Path) -> None:
    _install(tmp_path / "opt" / "15" / "bin", "ledgerd")

    assert find(_program(tmp_path)) is None


def test_a_link_on_path_leads_to_the_folder_behind_it(tmp_path: Path) -> None:
    real = _install(tmp_path / "real", "ledgerd", "ledger-init")
    (tmp_path / "path").mkdir()
    for file in ("ledgerd", "ledger-init"):
        (tmp_path / "path" / file).symlink_to(real / file)

    assert find(_program(tmp_path)) == real


@pytest.mark.parametrize(("shadowed", "expected"), [(False, "path"), (True, "opt/15/bin")])
def test_path_comes_first_unless_it_may_hold_a_wrapper(tmp_path: Path, *, shadowed: bool, expected: str) -> None:
    _install(tmp_path / "path", "ledgerd", "ledger-init")
    _install(tmp_path / "opt" / "15" / "bin", "ledgerd", "ledger-init")

    assert find(_program(tmp_path, shadowed=shadowed)) == (tmp_path / expected).resolve()


def test_without_the_right_to_install_the_message_names_every_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(UnavailableError) as refusal:
        find_or_install(_program(tmp_path))

    assert str(refusal.value) == (
        "Ledger is not installed here; run `sudo apt-get install ledger-server` or `brew install ledger`, "
        "or name one in SEXTANT_TEST_LEDGER"
    )
