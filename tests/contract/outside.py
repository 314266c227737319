"""What the recordings had outside the server: algorithm stores and a mail server, as threads of this process.

The name of a store says how it behaves: `ok-x` does all that is asked, `deny-x` refuses, `fail-x` breaks, and so on.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from sextant_shared.testing.processes import free_port

RESOLVED = f"@sha256:{'ab' * 32}"
"""What a store adds to an image that it knows."""

_STATUS = {"deny": 403, "fail": 500, "open": 401, "teapot": 418}


@dataclass
class Stores:
    """Stores that remember what they were asked.

    Attributes:
        url: before the name of the store.
        calls: every request, as the recordings show it.
    """

    url: str = ""
    calls: list[dict[str, Any]] = field(default_factory=list)

    def called(self, store: str) -> list[dict[str, Any]]:
        """The requests to one store."""
        return [call for call in self.calls if call["store"] == store]


@dataclass
class Mailbox:
    """Everybody's mailbox, at a mail server that takes all.

    Attributes:
        host: of the mail server.
        port: of it.
        received: the mails that nobody has looked at yet.
    """

    host: str = "127.0.0.1"
    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail."""
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.received.append(message)
        return "250 OK"

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a server that sends its mails here."""
        return {
            "SEXTANT_SMTP_HOST": self.host,
            "SEXTANT_SMTP_PORT": str(self.port),
            "SEXTANT_SMTP_TLS": "none",
            "SEXTANT_MAIL_FROM": "noreply@sextant.test",
        }


@dataclass(frozen=True)
class Outside:
    """All that is outside."""

    stores: Stores
    mailbox: Mailbox

    def forget(self) -> None:
        """Begin anew: forget what was asked and sent."""
        self.stores.calls.clear()
        self.mailbox.received.clear()


@contextmanager
def outside() -> Iterator[Outside]:
    """Run all of it."""
    with running_stores() as stores, running_mail_server() as mailbox:
        yield Outside(stores, mailbox)


@contextmanager
def running_mail_server() -> Iterator[Mailbox]:
    """Take mails at a port of this machine."""
    mailbox = Mailbox(port=free_port())
    controller = Controller(mailbox, hostname=mailbox.host, port=mailbox.port)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


@contextmanager
def running_stores() -> Iterator[Stores]:
    """Serve stores at a port of this machine."""
    stores = Stores()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            content = self.rfile.read(length)
            address = urlsplit(self.path)
            name, _, path = address.path.strip("/").partition("/api/")
            stores.calls.append(
                {
                    "store": name,
                    "method": self.command,
                    "path": path,
                    "query": parse_qs(address.query),
                    "auth": (self.headers.get("authorization") or "").partition(" ")[0] or None,
                    "content_type": self.headers.get("content-type"),
                    "server_url": self.headers.get("server_url") or self.headers.get("server-url"),
                    "json": json.loads(content) if content else None,
                }
            )
            status, body = _behave(name.partition("-")[0], self.command, path, str(stores.calls[-1]["server_url"]))
            shown = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(shown)))
            self.end_headers()
            self.wfile.write(shown)

        do_GET = do_POST = do_DELETE = do_PATCH = _answer  # noqa: N815 - the names that the library looks for

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stores.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield stores
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _behave(kind: str, method: str, path: str, server_url: str) -> tuple[int, Any]:
    if kind in _STATUS:
        return _STATUS[kind], {"msg": kind}
    if kind == "dup" and method == "POST":
        return 200, {"msg": "known already"}
    if kind == "empty":
        return 201 if method == "POST" else 200, {}
    server = {"id": 1, "url": server_url}
    answers: dict[tuple[str, str], tuple[int, Any]] = {
        ("POST", "vantage6-server"): (201, server),
        ("GET", "vantage6-server"): (200, {"data": [server]}),
        ("DELETE", "vantage6-server/1"): (200, {"msg": "gone"}),
        ("GET", "algorithm"): (200, {"data": [{"id": 1, "image": "registry.test/algo:1", "digest": RESOLVED[1:]}]}),
    }
    return answers.get((method, path), (404, {"msg": "nothing here"}))
