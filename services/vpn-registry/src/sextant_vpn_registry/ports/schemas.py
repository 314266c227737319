"""What a node says about a port."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sextant_shared.http.documentation import example
from sextant_shared.http.query import MAX_ID
from sextant_vpn_registry.models import LABEL_LENGTH

MAX_PORT = 65_535


def _storable(text: str) -> str:
    # JSON can spell what no database can keep
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must not contain a null character or half a character")
    return text


class PortRequest(BaseModel):
    """The body of POST /port."""

    model_config = ConfigDict(extra="forbid", **example({"port": 50001, "label": "web", "run_id": 1}))

    port: Annotated[int, Field(ge=1, le=MAX_PORT)]
    run_id: Annotated[int, Field(ge=1, le=MAX_ID)]
    label: Annotated[str, Field(max_length=LABEL_LENGTH), AfterValidator(_storable)] | None = None
