"""What becomes of a data folder when a standalone server is put together."""

from pathlib import Path

from pydantic import SecretStr

from sextant_standalone.app import Standalone, create_standalone
from sextant_standalone.settings import StandaloneSettings


async def put_together(folder: Path, *, root_password: str | None = None) -> Standalone:
    secret = SecretStr(root_password) if root_password is not None else None
    standalone = await create_standalone(StandaloneSettings(data=folder, root_password=secret))
    for close in standalone.close:
        await close()
    return standalone


def files_holding(text: str, folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if text.encode() in file.read_bytes()]


async def test_a_new_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    await put_together(tmp_path / "data")

    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


async def test_the_root_password_is_made_up_and_shown_at_the_first_start_only(tmp_path: Path) -> None:
    first, second = await put_together(tmp_path), await put_together(tmp_path)

    assert first.root_password
    assert second.root_password is None


async def test_a_root_password_that_was_chosen_is_not_shown(tmp_path: Path) -> None:
    assert (await put_together(tmp_path, root_password="Aa1!chosen-by-me")).root_password is None


async def test_no_file_holds_the_password_that_was_shown(tmp_path: Path) -> None:
    shown = (await put_together(tmp_path)).root_password

    assert shown
    assert files_holding(shown, tmp_path) == []
