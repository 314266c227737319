"""The bodies of token requests, as the wire has them."""

from typing import Annotated

from pydantic import Field

from sextant_auth.fields import GivenPassword, RequestModel, Text
from sextant_shared.http.documentation import example
from sextant_shared.http.fields import Id


class UserLogin(RequestModel):
    """Name and password."""

    model_config = example({"username": "anna", "password": "Correct-horse-7"})

    username: Annotated[Text, Field(min_length=1, max_length=128)]
    password: GivenPassword
    mfa_code: Annotated[Text, Field(max_length=10)] | None = None


class NodeLogin(RequestModel):
    """An API key."""

    model_config = example({"api_key": "3f0c2d1e-6b7a-4c59-9d11-0a4b8c7e5f21"})

    api_key: Text


class ContainerTokenRequest(RequestModel):
    """What the container will work on."""

    model_config = example({"task_id": 1, "image": "registry.example/average:1"})

    task_id: Id
    image: Annotated[Text, Field(min_length=1)]
