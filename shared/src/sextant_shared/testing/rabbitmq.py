"""A RabbitMQ broker for tests: an existing one, or a private one that is thrown away.

Owns the broker's life and the fresh virtual hosts on it. It must not know any exchange or queue:
what is inside a virtual host is the business of whoever asked for it.
"""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from sextant_shared.testing._installation import (
    UnavailableError,
    program_beside,
    unprivileged_user,
)
from sextant_shared.testing.processes import LOOPBACK, Process, ProcessFailedError, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sextant_shared.testing.processes import ProcessKeeper

_ACCOUNT = "guest"  # the broker's own default, good from loopback only
_START_SECONDS = 90
_CALL_SECONDS = 60
_MANAGEMENT_PORT = 15672

_CONFIGURATION = """\
loopback_users.guest = true
disk_free_limit.absolute = 10MB
vm_memory_high_watermark.absolute = 1GB
log.console = true
log.console.level = warning
log.file = false
"""

# A small Erlang machine: one scheduler, one thread of each kind, no waiting in circles.
_ERLANG_ARGUMENTS = "+S 1:1 +SDcpu 1:1 +SDio 1 +A 1 +sbwt none +sbwtdcpu none +sbwtdio none +P 65536 +t 1048576"


class RabbitServer:
    """A broker that somebody else started and that must be left running.

    Virtual hosts are made through its management interface, which listens at the usual port unless
    told otherwise.

    Attributes:
        url: its address, `amqp://user:password@host:port/vhost`.
    """

    def __init__(self, url: str, *, management_url: str | None = None) -> None:
        self.url = url
        address = urlsplit(url)
        self._management_url = management_url or f"http://{address.hostname}:{_MANAGEMENT_PORT}"
        self._made: list[str] = []

    def create_vhost(self, name: str = "test") -> str:
        """Make a fresh, empty virtual host and return its address.

        Args:
            name: what its name begins with; the rest makes it unique.
        """
        vhost = f"{name}-{secrets.token_hex(4)}"
        self._make_vhost(vhost)
        self._made.append(vhost)
        address = urlsplit(self.url)
        return urlunsplit((address.scheme, address.netloc, f"/{vhost}", address.query, ""))

    def delete_vhost(self, url: str) -> None:
        """Remove a virtual host, and with it every queue in it and every connection to it."""
        vhost = urlsplit(url).path.lstrip("/")
        self._drop_vhost(vhost)
        self._made.remove(vhost)

    def wipe_vhost(self, url: str) -> None:
        """Remove all that is in a virtual host, and every connection to it; it is there again afterwards, empty."""
        vhost = urlsplit(url).path.lstrip("/")
        self._drop_vhost(vhost)
        self._make_vhost(vhost)

    def close_connections(self) -> None:
        """Have the broker close all connections to it."""
        self._refuse()

    def start(self) -> None:
        """Start the broker again, on the same port with the same durable state."""
        self._refuse()

    def stop(self) -> None:
        """Stop the broker in good order; its clients are told and disconnected."""
        self._refuse()

    def kill(self) -> None:
        """End the broker as a crash would; its clients see their connections drop."""
        self._refuse()

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Keep the broker killed for the length of the block."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def close(self) -> None:
        """Leave nothing of this run behind."""
        for vhost in self._made:
            self._drop_vhost(vhost)
        self._made.clear()

    def _make_vhost(self, vhost: str) -> None:
        user = quote(unquote(urlsplit(self.url).username or _ACCOUNT), safe="")
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        self._manage("PUT", f"vhosts/{vhost}", {})
        self._manage("PUT", f"permissions/{vhost}/{user}", everything)

    def _drop_vhost(self, vhost: str) -> None:
        self._manage("DELETE", f"vhosts/{vhost}", None)

    def _manage(self, method: str, path: str, body: dict[str, str] | None) -> None:
        address = urlsplit(self.url)
        user, password = address.username or _ACCOUNT, address.password or _ACCOUNT
        credentials = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
        request = urllib.request.Request(  # noqa: S310 -- the address is the tester's own
            f"{self._management_url.rstrip('/')}/api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Basic {credentials}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_CALL_SECONDS):  # noqa: S310 -- as above
                pass
        except (urllib.error.URLError, OSError) as failure:
            raise UnavailableError(
                f"the management interface of the broker named in SEXTANT_TEST_RABBITMQ does not "
                f"serve at {self._management_url} ({failure}); enable it with `rabbitmq-plugins "
                f"enable rabbitmq_management`, or name it in SEXTANT_TEST_RABBITMQ_MANAGEMENT"
            ) from failure

    def _refuse(self) -> None:
        raise UnavailableError(
            "this test stops RabbitMQ, which it may only do to a private broker; unset SEXTANT_TEST_RABBITMQ"
        )


class PrivateRabbit(RabbitServer):
    """A broker of this run's own, on free ports, whose state is thrown away with the run.

    It has its own home, cookie, node name and port mapper (epmd), so it meets no other broker.
    """

    def __init__(self, keeper: ProcessKeeper, programs: Path) -> None:
        """Start the port mapper and the broker.

        Args:
            keeper: owns the broker's processes and folder.
            programs: the folder that holds `rabbitmq-server` and `rabbitmqctl`.
        """
        self._keeper = keeper
        self._programs = programs
        self._user = unprivileged_user("rabbitmq")
        self._home = keeper.make_folder("rabbitmq", self._user)
        self._port = free_port()
        self._mapper_port = free_port()
        self._cookie = secrets.token_hex(10)
        self._node = f"sextant-{secrets.token_hex(4)}@localhost"
        self._process: Process | None = None
        self._write(".erlang.cookie", self._cookie, mode=0o400)
        self._write("rabbitmq.conf", _CONFIGURATION)
        self._write("enabled_plugins", "[].\n")
        self._write("rabbitmq-env.conf", "")
        self._environment = self._make_environment()
        self._start_mapper()
        self.start()
        super().__init__(f"amqp://{_ACCOUNT}:{_ACCOUNT}@{LOOPBACK}:{self._port}/")

    def start(self) -> None:
        """Start the broker again, on the same port with the same durable state."""
        if self._process is not None and self._process.is_running:
            return
        self._process = self._keeper.spawn(
            [self._programs / "rabbitmq-server"],
            name="rabbitmq",
            env=self._environment,
            cwd=self._home,
            user=self._user,
        )
        self._process.wait_until(self._is_ready, timeout=_START_SECONDS)

    def stop(self) -> None:
        """Stop the broker in good order; its clients are told and disconnected."""
        if self._process is not None:
            self._process.stop(signal.SIGTERM, timeout=60)

    def close_connections(self) -> None:
        """Have the broker close all connections to it, as `rabbitmqctl close_all_connections` does."""
        self._call('[rabbit_networking:close_connection(P, "test") || P <- rabbit_networking:connections()], ok.')

    def kill(self) -> None:
        """End the broker as a crash would; its clients see their connections drop."""
        if self._process is None or not self._process.is_running:
            return
        # The name of a new quorum queue is in memory only for half a second, and a queue whose
        # name was lost never finds a leader again. That is the broker's own defect (seen with
        # 3.10) and not what our tests are about, so the name is written before the crash.
        self._call("[dets:sync(T) || T <- dets:all()], catch mnesia:sync_log(), ok.")
        self._process.kill()

    def close(self) -> None:
        """End the broker; its state goes with the scratch folder."""
        if self._process is not None:
            self._process.kill()

    def _make_environment(self) -> dict[str, str]:
        return {
            "HOME": str(self._home),
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self._port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self._home / "state"),
            "RABBITMQ_LOG_BASE": str(self._home / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONFIG_FILE": str(self._home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self._home / "none.config"),
            "RABBITMQ_CONF_ENV_FILE": str(self._home / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self._home / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self._home / "config"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ERLANG_ARGUMENTS,
            "RABBITMQ_CTL_ERL_ARGS": "+S 1:1 +A 1",
            # its start script then becomes the broker instead of waiting for it
            "RUNNING_UNDER_SYSTEMD": "true",
            "LANG": "C.UTF-8",
        }

    def _start_mapper(self) -> None:
        mapper = program_beside(self._programs, "epmd")
        if mapper is None:
            raise UnavailableError("RabbitMQ is installed but Erlang's epmd is not on PATH; add Erlang's bin folder")
        process = self._keeper.spawn(
            [mapper, "-port", str(self._mapper_port), "-address", LOOPBACK],
            name="epmd",
            cwd=self._home,
            user=self._user,
        )
        process.wait_for_port(self._mapper_port)

    def _is_ready(self) -> bool:
        """Whether the broker greets a client that speaks AMQP 0-9-1 to it."""
        with socket.socket() as client:
            client.settimeout(5)
            try:
                client.connect((LOOPBACK, self._port))
                client.sendall(b"AMQP\x00\x00\x09\x01")
                return client.recv(1) == b"\x01"  # a method frame: connection.start
            except OSError:
                return False

    def _make_vhost(self, vhost: str) -> None:
        self._call(
            f'ok = rabbit_vhost:add(<<"{vhost}">>, <<"tests">>), '
            f'ok = rabbit_auth_backend_internal:set_permissions(<<"{_ACCOUNT}">>, <<"{vhost}">>, '
            f'<<".*">>, <<".*">>, <<".*">>, <<"tests">>).'
        )

    def _drop_vhost(self, vhost: str) -> None:
        self._call(f'ok = rabbit_vhost:delete(<<"{vhost}">>, <<"tests">>).')

    def _call(self, expression: str) -> None:
        """Have the broker evaluate an Erlang expression whose value is `ok`.

        Erlang's small C client is preferred: `rabbitmqctl` boots an Erlang machine for each call.
        """
        caller = program_beside(self._programs, "erl_call")
        command: list[str | Path] = (
            [self._programs / "rabbitmqctl", "-q", "-n", self._node, "eval", expression]
            if caller is None
            else [caller, "-n", self._node, "-c", self._cookie, "-e"]
        )
        done = subprocess.run(  # noqa: S603 -- the broker's own tools
            command,
            check=False,
            input="" if caller is None else expression + "\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_CALL_SECONDS,
            env={"PATH": "/usr/bin:/bin:/usr/local/bin", **self._environment},
            cwd=self._home,
        )
        if done.returncode != 0 or "ok" not in done.stdout:
            raise ProcessFailedError(f"RabbitMQ refused {expression}: {done.stdout.strip()}")

    def _write(self, name: str, text: str, *, mode: int = 0o644) -> None:
        path = self._home / name
        path.write_text(text)
        path.chmod(mode)
        if self._user is not None:
            shutil.chown(path, self._user)
