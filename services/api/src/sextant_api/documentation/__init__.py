"""The documentation that people read in a browser: one document of the whole suite, and a page that shows it."""

from sextant_api.documentation.routes import router

__all__ = ["router"]
