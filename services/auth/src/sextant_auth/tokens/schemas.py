"""The bodies of token requests, as the wire has them."""

from typing import Annotated

from pydantic import Field

from sextant_auth.fields import GivenPassword, Id, RequestModel, Text


class UserLogin(RequestModel):
    """Name and password."""

    username: Annotated[Text, Field(min_length=1, max_length=128)]
    password: GivenPassword
    mfa_code: Annotated[Text, Field(max_length=10)] | None = None


class NodeLogin(RequestModel):
    """An API key."""

    api_key: Text


class ContainerTokenRequest(RequestModel):
    """What the container will work on."""

    task_id: Id
    image: Annotated[Text, Field(min_length=1)]
