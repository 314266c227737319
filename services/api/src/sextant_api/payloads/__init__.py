"""Payloads too large for the database, which are streamed into a store of their own where there is one."""
