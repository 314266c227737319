"""A restored server gets a new history."""

from pathlib import Path

import pytest
from sqlalchemy import select

from sextant_api.models import event_history_state
from sextant_shared.contract.routing import API
from sextant_shared.db import Database
from sextant_standalone.app import create_standalone
from sextant_standalone.epoch import EpochSettings, begin_new_epoch
from sextant_standalone.settings import StandaloneSettings


async def epochs(folder: Path) -> list[str]:
    async with Database(f"sqlite+aiosqlite:///{folder / 'api.db'}", source=API) as db, db.read() as session:
        return [each.hex for each in (await session.execute(select(event_history_state.c.epoch))).scalars()]


def files(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


@pytest.fixture
async def server(tmp_path: Path) -> Path:
    """The data folder of a server that does not run."""
    for close in (await create_standalone(StandaloneSettings(data=tmp_path))).close:
        await close()
    return tmp_path


async def test_the_epoch_of_a_data_folder_is_replaced(server: Path) -> None:
    before = await epochs(server)
    epoch = await begin_new_epoch(EpochSettings(data=server))

    assert ([epoch.hex], len(before)) == (await epochs(server), 1)
    assert before != [epoch.hex]


async def test_the_database_may_be_named_by_its_address(server: Path) -> None:
    epoch = await begin_new_epoch(EpochSettings(api_database_url=f"sqlite+aiosqlite:///{server / 'api.db'}"))

    assert await epochs(server) == [epoch.hex]


async def test_a_server_that_starts_again_keeps_its_epoch(server: Path) -> None:
    before = await epochs(server)
    for close in (await create_standalone(StandaloneSettings(data=server))).close:
        await close()

    assert await epochs(server) == before


async def test_where_there_is_no_server_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no server"):
        await begin_new_epoch(EpochSettings(data=tmp_path))

    assert files(tmp_path) == []
