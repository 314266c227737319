"""Studies: parts of collaborations that have a question in common."""

from sextant_api.studies.routes import router

__all__ = ["router"]
