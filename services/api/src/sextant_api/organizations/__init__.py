"""Organizations: who owns data, users and nodes."""

from sextant_api.organizations.routes import router

__all__ = ["router"]
