"""What the other services ask api."""

from sextant_api.internal.routes import router

__all__ = ["router"]
