"""What the suite says about itself."""

from sextant_api.system.routes import router

__all__ = ["router"]
