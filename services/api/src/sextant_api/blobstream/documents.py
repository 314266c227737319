"""What is said about large payloads, for the documents."""

from typing import Annotated, Any, Final

from pydantic import Field

from sextant_shared.http.documentation import Document

_BYTES: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
UPLOAD: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": _BYTES}}
DOWNLOAD: Final[dict[int | str, dict[str, Any]]] = {200: {"content": _BYTES, "description": "The payload"}}


class StoreStatus(Document):
    """Whether there is a store for large payloads."""

    blob_store_enabled: bool


class Upload(Document):
    """A payload that was taken."""

    uuid: Annotated[
        str,
        Field(
            description="To be sent in the place of an input or result",
            examples=["0f8b2a7e-5d1c-4c39-8a55-7b1de0c4a2f6"],
        ),
    ]
