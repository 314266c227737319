"""Relay as a process of its own."""

import signal
import sys
from pathlib import Path

import httpx2

from sextant_relay.settings import RelaySettings
from sextant_shared.testing.processes import ProcessKeeper, free_port
from sextant_shared.testing.rabbitmq import RabbitServer

README = Path(__file__).parent.parent / "README.md"


def test_it_lives_says_what_it_lacks_and_ends_when_told(processes: ProcessKeeper, rabbitmq: RabbitServer) -> None:
    port = free_port()
    environment = {
        "SEXTANT_PORT": str(port),
        "SEXTANT_BROKER_URL": rabbitmq.create_vhost("relay"),
        "SEXTANT_AUTH_URL": f"http://127.0.0.1:{free_port()}",
        "SEXTANT_CLIENT_SECRET": "secret",
        "SEXTANT_DRAIN_NOTICE_SECONDS": "0",
    }
    with processes.spawn([sys.executable, "-m", "sextant_relay"], name="relay", env=environment) as process:
        process.wait_for_port(port)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
            process.wait_until(lambda: client.get("/readyz").json()["checks"]["broker"])
            alive, ready = client.get("/livez"), client.get("/readyz")
            session = client.get("/socket.io/?EIO=4&transport=polling")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert (alive.status_code, session.status_code, ready.status_code) == (200, 200, 503)
    assert ready.json()["checks"] == {"broker": True, "signing_keys": False, "staying": True}


def test_the_readme_lists_every_setting() -> None:
    text = README.read_text(encoding="utf-8")
    unused = {"max_body_bytes", "vpn_url"}  # of settings that all services share
    assert [name for name in RelaySettings.model_fields if f"`{name.upper()}`" not in text and name not in unused] == []
