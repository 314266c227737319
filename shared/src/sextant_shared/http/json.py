"""JSON answers, written by orjson."""

from typing import Any

import orjson
from fastapi.responses import JSONResponse


class JsonResponse(JSONResponse):
    """An answer whose content is encoded as it is: no model is validated on the way out."""

    def render(self, content: Any) -> bytes:
        """Encode the content."""
        return orjson.dumps(content)
