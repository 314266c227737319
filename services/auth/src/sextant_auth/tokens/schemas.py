"""The bodies of token requests, as the wire has them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sextant_auth.texts import Text


class StrictBody(BaseModel):
    """A body in which nothing is guessed and nothing ignored."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class UserLogin(StrictBody):
    """Name and password."""

    username: Annotated[Text, Field(min_length=1, max_length=128)]
    password: Annotated[Text, Field(min_length=1, max_length=128)]
    mfa_code: Annotated[Text, Field(max_length=10)] | None = None


class NodeLogin(StrictBody):
    """An API key."""

    api_key: Text


class ContainerTokenRequest(StrictBody):
    """What the container will work on."""

    task_id: Annotated[int, Field(ge=1)]
    image: Annotated[Text, Field(min_length=1)]
