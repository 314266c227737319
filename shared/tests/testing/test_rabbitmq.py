from __future__ import annotations

import asyncio
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import aio_pika
import aio_pika.exceptions
import pytest

from sextant_shared.testing.backing import BackingServers, UnavailableError
from sextant_shared.testing.processes import free_port
from sextant_shared.testing.rabbitmq import RabbitServer

if TYPE_CHECKING:
    from collections.abc import Iterator


async def test_virtual_hosts_are_fresh_and_apart(rabbitmq: RabbitServer) -> None:
    first, second = rabbitmq.create_vhost(), rabbitmq.create_vhost()
    async with await aio_pika.connect(first) as connection, await connection.channel() as channel:
        await channel.declare_queue("things")

    async with await aio_pika.connect(second) as connection, await connection.channel() as channel:
        with pytest.raises(aio_pika.exceptions.ChannelNotFoundEntity):
            await channel.declare_queue("things", passive=True)


async def test_a_deleted_virtual_host_refuses_connections(rabbitmq: RabbitServer) -> None:
    url = rabbitmq.create_vhost()

    rabbitmq.delete_vhost(url)

    with pytest.raises(aio_pika.exceptions.AMQPError):
        await aio_pika.connect(url)


@pytest.mark.slow
async def test_a_killed_broker_drops_its_clients_and_comes_back_with_what_was_confirmed(
    rabbitmq: RabbitServer,
) -> None:
    url = rabbitmq.create_vhost()
    connection = await aio_pika.connect(url)
    channel = await connection.channel()
    await channel.declare_queue("things", durable=True, arguments={"x-queue-type": "quorum"})
    message = aio_pika.Message(b"kept", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    await channel.default_exchange.publish(message, routing_key="things")

    with rabbitmq.down():
        async with asyncio.timeout(10):
            await channel.closed()
        with pytest.raises(aio_pika.exceptions.AMQPConnectionError):
            await aio_pika.connect(url)

    async with await aio_pika.connect(url) as connection, await connection.channel() as channel:
        kept = await (await channel.get_queue("things")).get()
    assert kept.body == b"kept"


class _ManagementInterface(BaseHTTPRequestHandler):
    """Answers as the broker's management interface does, and remembers what it was asked."""

    asked: list[tuple[str, str, Any]]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append((self.command, self.path, json.loads(body) if body else None))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_DELETE = _answer  # noqa: N815 -- the names that http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def management() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _ManagementInterface)
    _ManagementInterface.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_virtual_hosts_of_a_broker_that_the_environment_names_are_made_by_its_management_interface(
    management: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEXTANT_TEST_RABBITMQ", "amqp://ann:secret@broker:5672/")
    monkeypatch.setenv("SEXTANT_TEST_RABBITMQ_MANAGEMENT", f"http://127.0.0.1:{management.server_port}")

    with BackingServers() as servers:
        url = servers.rabbitmq.create_vhost("mine")

    vhost = url.removeprefix("amqp://ann:secret@broker:5672/")
    everything = {"configure": ".*", "write": ".*", "read": ".*"}
    assert _ManagementInterface.asked == [
        ("PUT", f"/api/vhosts/{vhost}", {}),
        ("PUT", f"/api/permissions/{vhost}/ann", everything),
        ("DELETE", f"/api/vhosts/{vhost}", None),
    ]


def test_a_named_broker_without_management_interface_is_said_to_lack_it() -> None:
    server = RabbitServer("amqp://guest:guest@broker/", management_url=f"http://127.0.0.1:{free_port()}")

    with pytest.raises(UnavailableError, match="rabbitmq-plugins enable rabbitmq_management"):
        server.create_vhost()
