"""Collaborations: which organizations work together, and under which terms."""

from sextant_api.collaborations.routes import router

__all__ = ["router"]
