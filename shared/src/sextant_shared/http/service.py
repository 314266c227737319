"""What a service is to whoever runs it, and how one is run as a process of its own."""

import asyncio
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from sextant_shared.http.documentation import DocumentedApi
from sextant_shared.http.exception_handlers import install_exception_handlers
from sextant_shared.http.json import JsonResponse
from sextant_shared.http.middleware import REQUEST_ID_HEADER, BodyLimit, HeadAsGet, RequestContext
from sextant_shared.settings.http import HttpSettings

_log = structlog.get_logger(__name__)

_CORS_SECONDS = 600
_WEBSOCKET_MESSAGE_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Service:
    """A service ready to run.

    Attributes:
        name: as in `contract.routing`.
        app: the FastAPI application with its routes, for those who inspect it.
        asgi: the same with everything around it, for those who serve it.
        tasks: long-lived jobs, each `async run()`; they end by cancellation.
        drain: what there is to do before the end while everything still runs, such as sending clients elsewhere.
        close: gives back connections, after the tasks have ended.
    """

    name: str
    app: FastAPI
    asgi: ASGIApp
    tasks: Sequence[Callable[[], Awaitable[None]]] = ()
    drain: Sequence[Callable[[], Awaitable[None]]] = ()
    close: Sequence[Callable[[], Awaitable[None]]] = field(default=())


def make_app(*, title: str, description: str) -> FastAPI:
    """Make a FastAPI application with our error form and without documentation routes of its own."""
    app = DocumentedApi(
        title=title,
        description=description,
        version="4.15.2",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        default_response_class=JsonResponse,
    )
    install_exception_handlers(app)
    return app


def wrap_app(
    app: ASGIApp, settings: HttpSettings, *, service: str, body_limits: Mapping[str, int] | None = None
) -> ASGIApp:
    """Put the common middleware around an application.

    Browsers of the configured origins may read every answer of ours, also a refusal.

    Args:
        app: the application.
        settings: of its listening side.
        service: its name, for metrics.
        body_limits: how large the bodies of certain paths may be, where that differs from the others.
    """
    app = BodyLimit(HeadAsGet(app), max_bytes=settings.max_body_bytes, by_path=body_limits)
    if settings.cors_origins:
        app = CORSMiddleware(
            app,
            allow_origins=settings.cors_origins,
            allow_credentials=True,
            allow_methods=("*",),
            allow_headers=("*",),
            expose_headers=("total-count", "Link", REQUEST_ID_HEADER),
            max_age=_CORS_SECONDS,
        )
    return RequestContext(app, service=service)


class Server(uvicorn.Server):
    """uvicorn's server, leaving the signals to `run_until_stopped`.

    Its own handling raises them again after serving, which would end the process before the tasks have.

    Attributes:
        listening: set once connections are accepted.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve(service: Service, settings: HttpSettings) -> None:
    """Run a service until SIGTERM or SIGINT.

    Order of the end: drain, stop accepting, let running requests finish (all that within `drain_seconds`), cancel the
    tasks, close connections.
    """
    server = Server(uvicorn_config(service.asgi, settings))
    await run_until_stopped(server, service.tasks, service.close, service.drain)


def uvicorn_config(app: ASGIApp, settings: HttpSettings, **changes: Any) -> uvicorn.Config:
    """The settings of uvicorn that all shapes share."""
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "lifespan": "off",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "date_header": False,
        "proxy_headers": False,
        "timeout_graceful_shutdown": settings.drain_seconds,
        "backlog": 4096,
        # what goes over websockets is a few hundred bytes; a compressor for each would take a hundred times that
        "ws_per_message_deflate": False,
        "ws_max_size": _WEBSOCKET_MESSAGE_BYTES,
        # longer than the gateway keeps an idle connection, so that it is never us who close one it is about to use
        "timeout_keep_alive": 75,
    }
    return uvicorn.Config(app, **(options | changes))


async def run_until_stopped(
    server: Server,
    tasks: Sequence[Callable[[], Awaitable[None]]],
    close: Sequence[Callable[[], Awaitable[None]]],
    drain: Sequence[Callable[[], Awaitable[None]]] = (),
) -> None:
    """Serve, with the tasks beside it; one that fails ends the process, so that something restarts it.

    The first signal drains, a second one cuts that short.
    """
    loop = asyncio.get_running_loop()
    leaving: list[asyncio.Task[None]] = []

    def leave(signal_number: signal.Signals) -> None:
        if leaving or not drain:
            server.handle_exit(signal_number, None)
        else:
            leaving.append(loop.create_task(_drain(server, drain)))

    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, leave, signal_number)
    jobs = [asyncio.create_task(_named(task)) for task in tasks]
    serving = asyncio.create_task(server.serve())
    try:
        done, _ = await asyncio.wait([serving, *jobs], return_when=asyncio.FIRST_COMPLETED)
        failed = [task for task in done if task is not serving]
        if failed:
            server.should_exit = True
            await serving
        for task in done:
            task.result()
    finally:
        for job in [*leaving, *jobs]:
            job.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*leaving, *jobs, return_exceptions=True)
        for give_back in close:
            await give_back()
    _log.info("service_stopped")


async def _drain(server: Server, drain: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Take the steps, then let the server stop in what is left of its time."""
    allowed = server.config.timeout_graceful_shutdown or 0
    began = time.monotonic()
    try:
        async with asyncio.timeout(allowed):
            for step in drain:
                await step()
    except TimeoutError:
        _log.warning("drain_unfinished", seconds=allowed)
    except Exception:  # noqa: BLE001 - whatever goes wrong here must not keep the process from ending
        _log.exception("drain_failed")
    finally:
        server.config.timeout_graceful_shutdown = max(1, round(allowed - (time.monotonic() - began)))
        server.should_exit = True


async def _named(task: Callable[[], Awaitable[None]]) -> None:
    try:
        await task()
    except asyncio.CancelledError:
        raise
    except BaseException:
        _log.exception("task_failed", task=getattr(task, "__qualname__", repr(task)))
        raise
