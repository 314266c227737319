"""`sextant parked`: messages that were given up on, for the operator who has mended why.

Owns how they are shown; what a queue and a message are, `sextant_shared.messaging` knows. Needs only the broker's
address, as the services have it: `SEXTANT_BROKER_URL` and `SEXTANT_BROKER_PASSWORD` (or `…_FILE`).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, NoReturn, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from sextant_shared.contract.errors import UnavailableError
from sextant_shared.messaging.parking import ParkedMessage, Parking
from sextant_shared.messaging.topology import DURABLE_QUEUES
from sextant_shared.settings import BrokerSettings

Result = TypeVar("Result")

_LONGEST_BODY = 300

app = typer.Typer(name="parked", help="Messages that were given up on after several attempts.", no_args_is_help=True)
_out = Console()
_err = Console(stderr=True)


def _known(name: str) -> str:
    names = [queue.name for queue in DURABLE_QUEUES]
    if name not in names:
        raise typer.BadParameter(f"There is no such queue; there are {', '.join(names)}")
    return name


Queue = Annotated[str, typer.Argument(help="As `sextant parked list` names it", callback=_known)]
MessageId = Annotated[str, typer.Argument(help="As `sextant parked show` names it")]
OneMessage = Annotated[str | None, typer.Option("--message", help="Only this one")]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask")]


@app.command("list")
def list_queues() -> None:
    """Count the messages of each queue."""
    table = Table("queue", "parked", box=None)
    for queue, count in _at_the_broker(lambda parking: parking.counts()).items():
        table.add_row(queue, str(count), style="red" if count else "")
    _out.print(table)


@app.command()
def show(queue: Queue) -> None:
    """Show what the messages of a queue say."""
    found = _at_the_broker(lambda parking: parking.look(queue))
    for message in found:
        _show(message)
    if not found:
        _out.print(f"Nothing is parked of {queue}.")


@app.command()
def replay(queue: Queue, message: OneMessage = None) -> None:
    """Let messages be tried again, as if they were new. They are harmless to those that acted upon them already."""
    count = _at_the_broker(lambda parking: parking.replay(queue, message))
    if message is not None and not count:
        _fail(f"{queue} has no parked message {message}")
    _out.print(f"{count} put into {queue} again.")


@app.command()
def drop(queue: Queue, message: MessageId, *, yes: Sure = False) -> None:
    """Throw a message away for good."""
    if not yes:
        typer.confirm(f"Throw {message} of {queue} away?", abort=True)
    if not _at_the_broker(lambda parking: parking.drop(queue, message)):
        _fail(f"{queue} has no parked message {message}")
    _out.print(f"{message} is thrown away.")


def _show(message: ParkedMessage) -> None:
    _out.print(f"[bold]{message.id or 'without an id'}[/]")
    if message.envelope is None:
        _out.print(f"  cannot be read: {message.body[:_LONGEST_BODY]!r}", markup=False)
        return
    said = message.envelope
    _out.print(f"  {said.type} by {said.source} at {said.time:%Y-%m-%d %H:%M:%S} UTC", markup=False)
    _out.print(f"  {str(said.data)[:_LONGEST_BODY]}", markup=False)


def _at_the_broker(ask: Callable[[Parking], Awaitable[Result]]) -> Result:
    async def asked() -> Result:
        async with Parking.at(BrokerSettings().broker_address) as parking:
            return await ask(parking)

    try:
        return asyncio.run(asked())
    except UnavailableError as error:
        _fail(error.msg)


def _fail(reason: str) -> NoReturn:
    _err.print(f"[red]{reason}[/]")
    raise typer.Exit(1)
