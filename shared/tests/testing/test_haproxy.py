from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from sextant_shared.testing.processes import ProcessFailedError, free_port

if TYPE_CHECKING:
    from sextant_shared.testing.haproxy import HaproxyRunner

CONFIG = """
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 5s
frontend front
    bind 127.0.0.1:"${PORT}"
    http-request return status 200 content-type text/plain string "here"
"""


def test_a_given_configuration_is_served_until_the_block_ends(haproxy: HaproxyRunner) -> None:
    port = free_port()

    with haproxy(CONFIG, ports=[port], env={"PORT": str(port)}):
        answer = httpx2.get(f"http://127.0.0.1:{port}/").text
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"http://127.0.0.1:{port}/")

    assert answer == "here"


def test_a_wrong_configuration_is_refused_with_haproxys_own_words(haproxy: HaproxyRunner) -> None:
    with pytest.raises(ProcessFailedError, match="unknown keyword 'fronted'"):
        haproxy("fronted front\n", ports=[free_port()])
