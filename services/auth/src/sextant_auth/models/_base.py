"""The metadata to which every table of auth belongs, and the outbox and inbox beside them."""

from sqlalchemy import MetaData

from sextant_shared.db import NAMING, inbox_table, outbox_table

metadata = MetaData(naming_convention=NAMING)

outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
