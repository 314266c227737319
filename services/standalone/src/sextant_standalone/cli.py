"""The `sextant` command.

For people at a terminal: it explains itself, and never answers a mistake of theirs with a stack trace.
"""

import asyncio
import errno
import socket
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console
from rich.panel import Panel

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.http.service import Server, run_until_stopped, uvicorn_config
from sextant_shared.logging import configure_logging
from sextant_standalone import parked
from sextant_standalone.app import create_standalone
from sextant_standalone.epoch import EpochSettings, begin_new_epoch
from sextant_standalone.migrate import MigrateSettings, migrate_all
from sextant_standalone.settings import StandaloneSettings

AnySettings = TypeVar("AnySettings", StandaloneSettings, MigrateSettings, EpochSettings)

app = typer.Typer(
    name="sextant",
    help="The central server of a federated-analytics network.",
    no_args_is_help=True,
    add_completion=False,
)
app.add_typer(parked.app)
_out = Console()
_err = Console(stderr=True)

Port = Annotated[int | None, typer.Option(help="Port to listen at [default: 7601 or $SEXTANT_PORT]")]
Host = Annotated[str | None, typer.Option(help="Address to listen at [default: 127.0.0.1 or $SEXTANT_HOST]")]
Data = Annotated[Path | None, typer.Option(help="Folder for databases and secrets [default: data or $SEXTANT_DATA]")]


@app.command()
def run(port: Port = None, data: Data = None, host: Host = None) -> None:
    """Run the whole suite in one process, on SQLite, until Ctrl-C."""
    given: dict[str, Any] = {"port": port, "data": data, "host": host}
    settings = _settings(StandaloneSettings, **{name: value for name, value in given.items() if value is not None})
    configure_logging(level=settings.log_level, fmt=settings.log_format, service="standalone")
    _check_port(settings.host, settings.port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings))


@app.command()
def migrate() -> None:
    """Bring all databases to the newest schema and make the first user (compose's one-shot; safe to repeat)."""
    settings = _settings(MigrateSettings)
    configure_logging(level=settings.log_level, fmt=settings.log_format, service="migrate")
    try:
        root_password = asyncio.run(migrate_all(settings))
    except UnavailableError as error:
        _fail(error.msg)
    if root_password is not None:
        _show_root_password(root_password)
    _out.print("All databases are at the newest schema.")


@app.command()
def new_epoch(data: Data = None) -> None:
    """Begin a new history of events, after api's database was restored from a backup; listeners are told of the gap."""
    settings = _settings(EpochSettings, **({} if data is None else {"data": data}))
    configure_logging(level=settings.log_level, fmt=settings.log_format, service="new-epoch")
    try:
        epoch = asyncio.run(begin_new_epoch(settings))
    except (FileNotFoundError, UnavailableError) as error:
        _fail(str(error))
    _out.print(f"The history of events begins anew, with the epoch {epoch.hex}.", soft_wrap=True)


@app.command()
def demo() -> None:
    """Show a federated average over three simulated stations, from an empty server to the result."""
    from sextant_standalone.demo import show_demo  # noqa: PLC0415 - brings a socket client that servers do not need

    configure_logging(level="error", fmt="console", service="demo")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(show_demo(_out))


async def _run(settings: StandaloneSettings) -> None:
    standalone = await create_standalone(settings)
    server = Server(uvicorn_config(standalone.asgi, settings))
    if standalone.root_password is not None:
        _show_root_password(standalone.root_password)
    url = f"http://{settings.host}:{settings.port}"
    _out.print(
        f"Sextant listens at [bold]{url}[/] (API: {url}/api, data: {settings.data}). Ctrl-C ends it.", soft_wrap=True
    )
    await run_until_stopped(server, standalone.tasks, standalone.close, standalone.drain)


def _show_root_password(password: str) -> None:
    _out.print(
        Panel(
            f"username  [bold]root[/]\npassword  [bold]{password}[/]\n\nShown only now; only its hash is stored.",
            title="The first user",
            expand=False,
        )
    )


def _settings(kind: type[AnySettings], **given: Any) -> AnySettings:
    try:
        return kind(**given)
    except ValidationError as error:
        for problem in error.errors():
            _err.print(f"[red]SEXTANT_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}[/]")
        raise typer.Exit(1) from None


def _check_port(host: str, port: int) -> None:
    """Find out before anything is made whether the port can be had."""
    try:
        with socket.create_server((host, port)):
            return
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            _fail(f"Port {port} is taken. Choose another: sextant run --port {port + 1} (make run PORT={port + 1})")
        _fail(f"Cannot listen at {host}:{port}: {error.strerror}")


def _fail(reason: str) -> NoReturn:
    _err.print(f"[red]{reason}[/]")
    raise typer.Exit(1)
