"""Writes what Sextant says and hears without being asked as an AsyncAPI 3 document: on sockets and through the broker.

Owns the form of `docs/asyncapi.json`, which is stable, so that a diff shows what changed. It must not know any message:
it asks the contract. `docs/events.md` says the same to people, with the reasons.

    .venv/bin/python scripts/asyncapi.py [--check]
"""

from __future__ import annotations

import inspect
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from sextant_relay.inbound import PAYLOADS as SAID
from sextant_shared.contract import socket_events
from sextant_shared.contract.commands import COMMANDS
from sextant_shared.contract.events import EVENTS
from sextant_shared.contract.messages import Content, Envelope
from sextant_shared.contract.socket_payloads import HEARD
from sextant_shared.messaging.topology import COMMAND_QUEUES, COMMANDS_EXCHANGE, EVENTS_EXCHANGE

FILE = Path(__file__).resolve().parent.parent / "docs" / "asyncapi.json"
INTRODUCTION = Path(__file__).with_name("asyncapi.md")
_SCHEMAS = "#/components/schemas/{model}"
_SOCKET = {"$ref": "#/servers/sockets"}
_BROKER = {"$ref": "#/servers/broker"}
_TEXT_OR_NOTHING = {
    socket_events.PING: None,
    socket_events.MESSAGE: str,
    socket_events.ERROR: str,
}
"""What anybody may say, beside what nodes may."""


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` only tell whether it is up to date."""
    text = f"{json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False)}\n"
    stale = not FILE.exists() or FILE.read_text() != text
    if arguments == ["--check"]:
        if stale:
            print("docs/asyncapi.json is not up to date; run `make asyncapi`", file=sys.stderr)
        return int(stale)
    if stale:
        FILE.write_text(text)
    return 0


def document() -> dict[str, Any]:
    """Describe all channels, what goes over them, and which way."""
    parts = _Parts()
    for event, payload in HEARD.items():
        parts.add_socket_event(event, None if payload is None else TypeAdapter(payload), action="send")
    for event, adapter in SAID.items():
        parts.add_socket_event(event, adapter, action="receive")
    for event, payload in _TEXT_OR_NOTHING.items():
        parts.add_socket_event(event, None if payload is None else TypeAdapter(payload), action="receive")
    for fact in EVENTS:
        parts.add_fact(fact)
    for command in COMMANDS:
        parts.add_command(command, COMMAND_QUEUES[command.owner].name)
    title, _, description = INTRODUCTION.read_text().removeprefix("# ").partition("\n")
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": version("sextant-shared"), "description": description.strip()},
        "defaultContentType": "application/json",
        "servers": {
            "sockets": {
                "host": "sextant.example",
                "pathname": "/socket.io",
                "protocol": "wss",
                "description": "Socket.IO 5 over Engine.IO 4, as long polling or websocket; with the header "
                "`Authorization: Bearer …` of the first request",
                "security": [{"$ref": "#/components/securitySchemes/token"}],
            },
            "broker": {
                "host": "rabbitmq:5672",
                "protocol": "amqp",
                "protocolVersion": "0.9.1",
                "description": "RabbitMQ; only the services are there",
            },
        },
        "channels": parts.channels,
        "operations": parts.operations,
        "components": {
            "messages": parts.messages,
            "schemas": parts.schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


class _Parts:
    """The document as it grows."""

    def __init__(self) -> None:
        self.schemas: dict[str, Any] = {}
        self.messages: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}
        self.channels: dict[str, dict[str, Any]] = {
            "tasks": {
                "address": socket_events.NAMESPACE,
                "title": "Socket.IO namespace of nodes and users",
                "servers": [_SOCKET],
                "messages": {},
            }
        }

    def add_socket_event(self, event: str, payload: TypeAdapter[Any] | None, *, action: str) -> None:
        """Add an event that clients hear (`send`) or say (`receive`)."""
        message: dict[str, Any] = {"name": event, "title": f"Socket event {event}"}
        if payload is not None:
            message["payload"] = self._schema(payload.json_schema(ref_template=_SCHEMAS))
        self._add(f"socket.{action}.{event}", message, channel="tasks", action=action)

    def add_fact(self, fact: type[Content]) -> None:
        """Add a fact with the topic it is told under."""
        concerns_one = "collaboration_id" in fact.model_fields
        channel: dict[str, Any] = {
            "address": f"{fact.type}.{'{collaboration}' if concerns_one else '0'}",
            "title": f"Fact {fact.type}",
            "servers": [_BROKER],
            "messages": {},
            "bindings": {
                "amqp": {
                    "is": "routingKey",
                    "exchange": {"name": EVENTS_EXCHANGE, "type": "topic", "durable": True},
                }
            },
        }
        if concerns_one:
            channel["parameters"] = {"collaboration": {"description": "Its id; 0 if the fact is of none at the moment"}}
        self.channels[fact.type] = channel
        self._add(f"fact.{fact.type}", self._enclosed(fact), channel=fact.type, action="send")

    def add_command(self, command: type[Content], queue: str) -> None:
        """Add a command with the queue that takes it."""
        self.channels.setdefault(
            queue,
            {
                "address": queue,
                "title": f"Commands in {queue}",
                "servers": [_BROKER],
                "messages": {},
                "bindings": {
                    "amqp": {
                        "is": "routingKey",
                        "exchange": {"name": COMMANDS_EXCHANGE, "type": "direct", "durable": True},
                    }
                },
            },
        )
        self._add(f"command.{command.type}", self._enclosed(command), channel=queue, action="receive")

    def _add(self, name: str, message: dict[str, Any], *, channel: str, action: str) -> None:
        self.messages[name] = message
        self.channels[channel]["messages"][name] = {"$ref": f"#/components/messages/{name}"}
        self.operations[name] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"}],
        }

    def _enclosed(self, content: type[Content]) -> dict[str, Any]:
        """Describe the envelope that carries some content."""
        carried = self._schema(content.model_json_schema(ref_template=_SCHEMAS))
        envelope = self._schema(Envelope.model_json_schema(ref_template=_SCHEMAS))
        narrowed = {"type": {"const": content.type}, "version": {"const": content.version}, "data": carried}
        return {
            "name": content.type,
            "title": f"{content.type}, version {content.version}",
            "summary": inspect.cleandoc(content.__doc__ or "").partition("\n")[0],
            "payload": {"allOf": [envelope, {"type": "object", "properties": narrowed}]},
        }

    def _schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Keep a schema with those that it refers to, and give back a reference to it.

        Raises:
            ValueError: two different ones have the same name.
        """
        for name, referred in schema.pop("$defs", {}).items():
            self._keep(name, referred)
        if "title" not in schema or schema.get("type") != "object":
            return schema
        self._keep(schema["title"], schema)
        return {"$ref": _SCHEMAS.format(model=schema["title"])}

    def _keep(self, name: str, schema: dict[str, Any]) -> None:
        if self.schemas.setdefault(name, schema) != schema:
            raise ValueError(f"Two schemas are called {name}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
