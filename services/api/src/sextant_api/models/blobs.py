"""Blobs: payloads that were uploaded into the object store, of which only the id goes through the ordinary requests.

An input or result refers to a blob by holding its id. There is no foreign key, because most payloads are no ids;
whoever makes a payload refer to a blob holds the blob's row (`blobstream.repository.claim`), and so does whoever
removes one.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, String, Table

from sextant_api.models._base import metadata
from sextant_shared.db.model import UtcDateTime, utc_now

MAX_BLOB_ID: Final = 64

blobs = Table(
    "blobs",
    metadata,
    Column("blob_id", String(MAX_BLOB_ID), primary_key=True),
    # who uploaded it, and alone may make a payload refer to it
    Column("owner", String(64), nullable=False),
    # null: not all of it has arrived (yet)
    Column("size", BigInteger),
    Column("created_at", UtcDateTime, nullable=False, server_default=utc_now(), index=True),
    # when a payload began to refer to it
    Column("used_at", UtcDateTime),
    # when it was decided that it goes: from then on no payload may refer to it
    Column("doomed_at", UtcDateTime, index=True),
)
