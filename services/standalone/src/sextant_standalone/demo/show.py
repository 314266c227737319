"""Runs the demo and shows how far it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2
from pydantic import SecretStr
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from sextant_shared.http.service import Server, uvicorn_config
from sextant_shared.ids import new_secret
from sextant_standalone.app import create_standalone
from sextant_standalone.demo.rest import Rest, packed
from sextant_standalone.demo.station import IMAGE, Station
from sextant_standalone.settings import StandaloneSettings

_DATA = Path(__file__).with_name("data")
_COLUMN = "age"


@dataclass(frozen=True)
class _World:
    """What the demo set up."""

    collaboration_id: int
    organization_ids: dict[str, int]
    nodes: dict[str, dict[str, Any]]
    researcher_password: str


async def show_demo(console: Console) -> dict[str, float]:
    """Run the demo; returns the result that it printed."""
    files = sorted(_DATA.glob("*.csv"))
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with TemporaryDirectory(prefix="sextant-demo-") as folder, Progress(*columns, console=console) as progress:
        steps = progress.add_task("Starting a server", total=5)

        def done(next_step: str) -> None:
            progress.update(steps, advance=1, description=next_step)

        def report(name: str) -> Any:
            return lambda what: progress.console.print(f"  [cyan]{name}[/] {what}")

        async with _running_server(Path(folder)) as (http, url, root_password):
            done("Setting up three organizations")
            world = await _set_up(http, root_password, [file.stem for file in files])
            done("Connecting three stations")
            async with AsyncExitStack() as stations:
                for file in files:
                    node = world.nodes[file.stem]
                    station = Station(
                        http,
                        url=url,
                        node_id=node["id"],
                        api_key=node["api_key"],
                        data=file,
                        report=report(file.stem),
                    )
                    await stations.enter_async_context(station)
                done("Computing the federated average")
                result = await _ask(http, world, files)
                done("Stopping")
        progress.update(steps, advance=1, description="Done")
    _show(console, result, files)
    return result


@asynccontextmanager
async def _running_server(folder: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, str, str]]:
    """A standalone server on a free port, with its root password."""
    root_password = f"Aa1!{new_secret(12)}"
    settings = StandaloneSettings(data=folder, port=0, host="127.0.0.1", root_password=SecretStr(root_password))
    standalone = await create_standalone(settings)
    server = Server(uvicorn_config(standalone.asgi, settings))
    jobs = [asyncio.ensure_future(task()) for task in (server.serve, *standalone.tasks)]
    try:
        await server.listening.wait()
        port = server.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        async with httpx2.AsyncClient(base_url=url, timeout=60) as http:
            yield http, url, root_password
    finally:
        server.should_exit = True
        await jobs[0]
        for job in jobs[1:]:
            job.cancel()
        await asyncio.gather(*jobs[1:], return_exceptions=True)
        for close in standalone.close:
            await close()


async def _set_up(http: httpx2.AsyncClient, root_password: str, names: list[str]) -> _World:
    root = await Rest.login(http, "user", {"username": "root", "password": root_password})
    organization_ids = {}
    for name in names:
        organization_ids[name] = (await root.post("/organization", {"name": name}))["id"]
    collaboration = await root.post(
        "/collaboration",
        {"name": "demo", "organization_ids": list(organization_ids.values()), "encrypted": False},
    )
    nodes = {}
    for name, organization_id in organization_ids.items():
        node = {"name": name, "organization_id": organization_id, "collaboration_id": collaboration["id"]}
        nodes[name] = await root.post("/node", node)
    roles = (await root.get("/role", name="Researcher"))["data"]
    password = f"Aa1!{new_secret(12)}"
    await root.post(
        "/user",
        {
            "username": "researcher",
            "password": password,
            "email": "researcher@demo.invalid",
            "firstname": "Rosa",
            "lastname": "Demo",
            "organization_id": organization_ids[names[0]],
            "roles": [roles[0]["id"]],
        },
    )
    return _World(collaboration["id"], organization_ids, nodes, password)


async def _ask(http: httpx2.AsyncClient, world: _World, files: list[Path]) -> dict[str, float]:
    """What a researcher does: post a task for one central organization, wait, read the result."""
    credentials = {"username": "researcher", "password": world.researcher_password}
    researcher = await Rest.login(http, "user", credentials)
    central = world.organization_ids[files[0].stem]
    task = await researcher.post(
        "/task",
        {
            "name": "average age",
            "image": IMAGE,
            "collaboration_id": world.collaboration_id,
            "organizations": [{"id": central, "input": packed({"method": "average", "column": _COLUMN})}],
        },
    )
    result: dict[str, float] = (await researcher.results(task["id"]))[0]
    return result


def _show(console: Console, result: dict[str, float], files: list[Path]) -> None:
    table = Table("station", "rows", title="What each station kept to itself")
    for file in files:
        table.add_row(file.stem, str(len(file.read_text(encoding="utf-8").splitlines()) - 1))
    console.print(table)
    console.print(
        Panel(f"average {_COLUMN} of {result['count']:.0f} patients: [bold]{result['average']:.2f}[/]", expand=False)
    )
    console.print("Now try your own server: [bold]make run[/]")
