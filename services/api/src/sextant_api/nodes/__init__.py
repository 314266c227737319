"""Nodes: the data stations, one for each organization and collaboration."""

from sextant_api.nodes.routes import router

__all__ = ["router"]
