"""The official user client as a program: a test says which of its methods to call.

Run it in the clients' venv: ``python -P -m tests.clients.researcher http://host:port`` with the
repository on the path. Owns one logged-in user and that user's socket; judges nothing.
"""

import sys
from typing import Any
from urllib.parse import urlsplit

from vantage6.client import (  # type: ignore[import-not-found]  # only in the clients' venv
    UserClient,
)
from vantage6.common.task_status import (  # type: ignore[import-not-found]  # likewise
    has_task_finished,
)

from .hearing import Journal, Socket
from .lines import Complaints, serve, take_stdout


class Researcher:
    """One user at a computer: the official client, and an ear at the event channel."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._client = UserClient(f"{parts.scheme}://{parts.hostname}", parts.port, "/api")
        self._complaints = Complaints()
        self._complaints.listen()
        self._journal = Journal()
        self._socket = Socket(url, self._journal, {"algorithm_status_change": self._look_up})

    def login(self, username: str, password: str) -> dict[str, Any]:
        """Log in and tell who the client believes to be."""
        self._client.authenticate(username, password)
        if self._client.whoami is None:
            raise RuntimeError("the client logged in, but could not find out who it is")
        return dict(self._client.whoami._asdict())

    def setup_encryption(self, private_key: str | None) -> None:
        """Use the key file, or none in collaborations without encryption."""
        self._client.setup_encryption(private_key)

    def call(self, method: str, kwargs: dict[str, Any] | None = None) -> Any:
        """Call a method of the client by its dotted name, such as ``task.create``."""
        target: Any = self._client
        for name in method.split("."):
            target = getattr(target, name)
        return target(**(kwargs or {}))

    def token(self) -> str:
        """Return the access token, for requests that the client has no method for."""
        return str(self._client.token)

    def listen(self, transports: list[str] | None = None) -> str:
        """Connect to the event channel; tell the transport it settled on."""
        self._socket.connect(self._client.token, transports)
        return self._socket.transport()

    def complaints(self) -> list[str]:
        """Return the errors that the client logged so far."""
        return self._complaints.texts

    def heard(self, event: str | None = None, matching: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        """Return the events heard so far."""
        return self._journal.heard(event, matching)

    def await_event(self, event: str, conditions: dict[str, Any]) -> list[dict[str, Any]]:
        """Wait for events, see `Journal.wait`."""
        return self._journal.wait(event, **conditions)

    def close(self) -> None:
        """Leave the event channel."""
        self._socket.leave()

    def _look_up(self, change: dict[str, Any]) -> None:
        """When a run's end is announced, note what the server has stored at that moment."""
        if has_task_finished(change["status"]):
            run = self._client.request(f"run/{change['run_id']}")
            self._journal.note(
                "looked up",
                [{"run_id": change["run_id"], "status": run.get("status")}],
            )


def main() -> None:
    """Serve commands until standard input ends."""
    answers = take_stdout()
    researcher = Researcher(sys.argv[1])
    serve(
        {
            "login": researcher.login,
            "setup_encryption": researcher.setup_encryption,
            "call": researcher.call,
            "token": researcher.token,
            "listen": researcher.listen,
            "complaints": researcher.complaints,
            "heard": researcher.heard,
            "await_event": researcher.await_event,
        },
        answers,
    )
    researcher.close()


if __name__ == "__main__":
    main()
