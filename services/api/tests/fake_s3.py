"""A stand-in for S3, over real HTTP: objects and multipart uploads of one bucket. Signatures are not checked."""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from starlette.types import Receive, Scope, Send

BUCKET = "bucket"
_KEYS = re.compile(r"<Key>([^<]*)</Key>")


@dataclass
class FakeS3:
    """A bucket.

    Attributes:
        objects: their contents, by key.
        uploads: parts by number of uploads that are neither completed nor aborted, by id.
        largest_body: of all requests.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    largest_body: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = bytearray()
        while (message := await receive()).get("more_body"):
            body += message["body"]
        body += message.get("body", b"")
        self.largest_body = max(self.largest_body, len(body))
        key = scope["path"].removeprefix(f"/{BUCKET}/").removeprefix(f"/{BUCKET}")
        query = {
            name: values[0] for name, values in parse_qs(scope["query_string"].decode(), keep_blank_values=True).items()
        }
        status, content = self._answer(scope["method"], key, query, bytes(body))
        headers = [
            (b"etag", b'"tag"'),
            (b"last-modified", b"Tue, 24 Nov 2026 12:00:00 GMT"),
            (b"content-length", str(len(content)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, method: str, key: str, query: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if "uploads" in query:
            upload = str(len(self.uploads) + 1)
            self.uploads[upload] = {}
            return 200, _xml("InitiateMultipartUploadResult", Bucket=BUCKET, Key=key, UploadId=upload)
        if "uploadId" in query:
            return self._of_upload(method, key, query, body)
        if "delete" in query:
            keys = _KEYS.findall(body.decode())
            for deleted in keys:
                self.objects.pop(deleted, None)
            return 200, _xml("DeleteResult", Deleted="".join(f"<Key>{deleted}</Key>" for deleted in keys))
        if method == "PUT":
            self.objects[key] = body
            return 200, b""
        return (200, self.objects[key]) if key in self.objects else (404, _xml("Error", Code="NoSuchKey"))

    def _of_upload(self, method: str, key: str, query: dict[str, str], body: bytes) -> tuple[int, bytes]:
        upload = query["uploadId"]
        if method == "PUT":
            self.uploads[upload][int(query["partNumber"])] = body
            return 200, b""
        parts = self.uploads.pop(upload)
        if method == "DELETE":
            return 204, b""
        self.objects[key] = b"".join(parts[number] for number in sorted(parts))
        return 200, _xml("CompleteMultipartUploadResult", Bucket=BUCKET, Key=key, ETag="tag")


def _xml(name: str, **members: str) -> bytes:
    inside = "".join(f"<{member}>{value}</{member}>" for member, value in members.items())
    return f'<?xml version="1.0" encoding="UTF-8"?><{name}>{inside}</{name}>'.encode()
