"""Requests made up from the OpenAPI document, against a running server."""
