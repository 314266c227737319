"""What requests for tokens are answered with, for the documents."""

from typing import Annotated, Any, Final

from pydantic import Field

from sextant_shared.http.documentation import SERVICE_SECRET, Document, Id, secured_by

_Token = Annotated[str, Field(examples=["eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOjF9.c2lnbmF0dXJl"])]

SERVICE_TOKEN_REQUEST: Final[dict[str, Any]] = {
    **secured_by(SERVICE_SECRET),
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {"grant_type": {"type": "string", "const": "client_credentials"}},
                }
            }
        },
    },
}
TOKEN_HEADER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"headers": {"jwt-token": {"schema": {"type": "string"}, "description": "The access token again"}}}
}


class TokenPair(Document):
    """An access token, and what it is renewed with."""

    access_token: _Token
    refresh_token: _Token
    refresh_url: Annotated[str, Field(examples=["/api/token/refresh"])]


class UserTokens(TokenPair):
    """The tokens of a user."""

    user_url: Annotated[str, Field(examples=["/api/user/1"])]


class NodeTokens(TokenPair):
    """The tokens of a node."""

    node_url: Annotated[str, Field(examples=["/api/node/1"])]


class SecondFactorWanted(Document):
    """The password is right, and a code of the second factor is wanted, too."""

    msg: str


class OfferedSecondFactor(Document):
    """A second factor to be set up; from then on its codes are wanted."""

    msg: str
    qr_uri: Annotated[str, Field(examples=["otpauth://totp/Sextant:anna?secret=JBSWY3DPEHPK3PXP&issuer=Sextant"])]
    otp_secret: Annotated[str, Field(examples=["JBSWY3DPEHPK3PXP"])]


class ContainerToken(Document):
    """The token of an algorithm container."""

    container_token: _Token


class ServiceToken(Document):
    """The token of a service."""

    access_token: _Token
    token_type: Annotated[str, Field(examples=["Bearer"])]
    expires_in: Annotated[int, Field(description="Seconds", examples=[300])]


class ValidUser(Document):
    """Whose token it is."""

    msg: str
    user_id: Id
    username: Annotated[str, Field(examples=["anna"])]
    email: Annotated[str, Field(examples=["anna@alkmaar.example"])]
    organization_id: Id


class ValidNode(Document):
    """Whose token it is."""

    msg: str
    node_id: Id
    name: Annotated[str, Field(examples=["Hospital of Alkmaar - Rare tumours Node"])]
    organization_id: Id
