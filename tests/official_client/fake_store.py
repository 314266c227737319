"""An algorithm store as far as the official clients see it: records of a few kinds, kept in memory, over real HTTP.

Like the real one it asks the server that a request names whose token came with it, so what the server tells stores is
proven too. It grants everything to everybody.
"""

import itertools
import json
import re
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

DIGEST = "sha256:" + "ab" * 32

_BASE = re.compile(r"^/api/\d+/")
_NO_FILTERS = {"page", "per_page"}


@dataclass
class FakeStore:
    """The store, as a thread of this process.

    Attributes:
        records: by kind and id.
        callers: what the server said of who called.
        queries: of the requests, by path.
    """

    records: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    callers: list[dict[str, Any]] = field(default_factory=list)
    queries: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status, answer = store.answer(self.command, self.path, dict(self.headers), body)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that the library looks for

        self._numbers = itertools.count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def new_url(self) -> str:
        """Name an address of its API that nobody was told before."""
        return f"http://127.0.0.1:{self._server.server_port}/api/{next(self._numbers)}"

    def add_algorithm(self, image: str) -> int:
        """Have an algorithm; returns its id."""
        kept = self.records.setdefault("algorithm", {})
        made = {"id": next(self._numbers), "name": image, "image": image, "digest": DIGEST}
        kept[made["id"]] = made
        return made["id"]

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        """Answer one request."""
        address = urlsplit(target)
        path = _BASE.sub("", address.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        given = json.loads(body) if body else {}
        self.queries.append((path, query))
        headers = {name.lower().replace("_", "-"): value for name, value in headers.items()}
        if path == "policy/public":
            return 200, {"algorithm_view": "public"}
        refusal = None if path.startswith("vantage6-server") else self._identify(headers)
        return refusal or self._act(method, path, query, given)

    def _identify(self, headers: dict[str, str]) -> tuple[int, Any] | None:
        """Ask the server whose token it is."""
        kind = "node" if headers.get("client-type") == "node" else "user"
        request = urllib.request.Request(  # noqa: S310 - the server under test
            f"{headers['server-url']}/token/{kind}/validate",
            method="POST",
            headers={"Authorization": headers.get("authorization", "")},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                self.callers.append(json.load(answer))
        except urllib.error.HTTPError as refused:
            return 401, {"msg": f"the server says {refused.code}"}
        return None

    def _act(self, method: str, path: str, query: dict[str, str], given: dict[str, Any]) -> tuple[int, Any]:
        kind, _, rest = path.partition("/")
        key, _, verb = rest.partition("/")
        kept = self.records.setdefault(kind, {})
        if kind == "policy":
            return 200, {"algorithm_view": "only-registered"}
        if not key:
            if method == "POST":
                made = {**given, "id": next(self._numbers)}
                if kind == "algorithm":
                    made["digest"] = DIGEST
                kept[made["id"]] = made
                return 201, made
            found = [record for record in kept.values() if _matches(record, query)]
            return 200, {"data": found, "links": {}}
        if int(key) not in kept:
            return 404, {"msg": "there is no such thing"}
        record = kept[int(key)]
        if method == "DELETE":
            del kept[int(key)]
            return 200, {"msg": "gone"}
        if verb:
            record.update(given, status=verb)
        elif method == "PATCH":
            record.update(given)
        return 200, record


def _matches(record: dict[str, Any], query: dict[str, str]) -> bool:
    """Compare with what the record has; what it knows nothing of is no reason to leave it out."""
    filters = {name: value for name, value in query.items() if name in record.keys() - _NO_FILTERS}
    return all(str(record[name]) == value for name, value in filters.items())
