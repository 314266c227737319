"""JSON answers, written by orjson."""

from typing import Any

import orjson
from fastapi.responses import Response


class JsonResponse(Response):
    """An answer whose content is encoded as it is: no model is validated on the way out."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode the content."""
        return orjson.dumps(content)
