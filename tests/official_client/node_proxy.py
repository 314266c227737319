"""What a node puts between an algorithm and the server: payloads are encoded on the way up, decoded on the way down.

A node's proxy does that with the node's cryptor while they pass through; here they are held whole, which no
algorithm notices. Without it, what algorithms and nodes write into the object store would not fit together.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

import requests
from vantage6.common.encryption import DummyCryptor  # type: ignore[import-not-found]  # only in the clients' venv

_BLOBS = "/api/blobstream"
_PASSED_ON = ("authorization", "content-type")


@contextmanager
def node_proxy(server: str) -> Iterator[str]:
    """Run the proxy of a node in a collaboration without encryption; gives its address.

    Args:
        server: where requests go.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _pass_on(self) -> None:
            body = self._body()
            if self.command == "POST" and self.path == _BLOBS:
                body = b"".join(DummyCryptor().encrypt_stream(BytesIO(body)))
            headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
            answer = requests.request(self.command, server + self.path, data=body, headers=headers, timeout=60)
            content = answer.content
            if self.command == "GET" and answer.ok and self.path.startswith(f"{_BLOBS}/") and "status" not in self.path:
                content = b"".join(DummyCryptor().decrypt_stream(BytesIO(content)))
            self.send_response(answer.status_code)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            chunks = []
            while size := int(self.rfile.readline(), 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        do_GET = do_POST = _pass_on  # noqa: N815 - the names that the library looks for

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    proxy.daemon_threads = True
    threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{proxy.server_port}"
    finally:
        proxy.shutdown()
        proxy.server_close()
