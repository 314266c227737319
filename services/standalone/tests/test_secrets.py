"""The secrets of a data folder are made once, and for the owner alone."""

from pathlib import Path

import pytest

from sextant_shared.contract.routing import SERVICES
from sextant_standalone.secrets import Secrets


def test_a_folder_keeps_its_secrets(tmp_path: Path) -> None:
    made = Secrets.in_folder(tmp_path)

    assert made == Secrets.in_folder(tmp_path)
    assert made.clients.keys() == set(SERVICES)


def test_two_folders_share_none(tmp_path: Path) -> None:
    first, second = (tmp_path / name for name in ("first", "second"))
    first.mkdir()
    second.mkdir()

    assert Secrets.in_folder(first).key_encryption != Secrets.in_folder(second).key_encryption


def test_nobody_else_can_read_the_file(tmp_path: Path) -> None:
    Secrets.in_folder(tmp_path)

    assert [(path.name, path.stat().st_mode & 0o077) for path in tmp_path.iterdir()] == [("secrets.json", 0)]


def test_secrets_do_not_show_when_printed(tmp_path: Path) -> None:
    made = Secrets.in_folder(tmp_path)

    assert made.api_key_pepper.get_secret_value() not in repr(made)


def test_a_file_of_something_else_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("not json")

    with pytest.raises(ValueError, match="JSON"):
        Secrets.in_folder(tmp_path)

    assert (tmp_path / "secrets.json").read_text() == "not json"
