"""Payloads too large for ordinary requests, which are streamed into an object store and out of it again."""
