"""What is asked of recovery."""

from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from sextant_auth.fields import Email, GivenPassword, NewPassword, RequestModel, Text
from sextant_shared.http.documentation import example
from sextant_shared.http.fields import Id

ResetToken = Annotated[Text, Field(min_length=1, max_length=1024)]


class LostPassword(RequestModel):
    """Whose password is lost; of name and mail address the name counts."""

    model_config = example({"username": "anna"})

    username: Annotated[Text, Field(max_length=128)] = ""
    email: Email = ""

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        if not self.username and not self.email:
            raise ValueError("a username or an email is needed")
        return self


class PasswordReset(RequestModel):
    """The mailed token, and a new password."""

    model_config = example({"reset_token": "c2VjcmV0", "password": "Battery-staple-8"})

    reset_token: ResetToken
    password: NewPassword


class LostSecondFactor(RequestModel):
    """Name or mail address, and password, of who lost a second factor; of name and mail address the name counts.

    Clients send both, one of them null.
    """

    model_config = example({"username": "anna", "password": "Correct-horse-7"})

    email: Email | None = None
    username: Annotated[Text, Field(min_length=1, max_length=128)] | None = Field(default=None, validate_default=True)
    password: GivenPassword

    @field_validator("username")
    @classmethod
    def _says_who(cls, username: str | None, given: ValidationInfo) -> str | None:
        is_named_otherwise = "email" not in given.data or given.data["email"] is not None
        if username is None and not is_named_otherwise:
            raise ValueError("a username or an email is needed")
        return username


class SecondFactorReset(RequestModel):
    """The mailed token."""

    model_config = example({"reset_token": "c2VjcmV0"})

    reset_token: ResetToken


class LostApiKey(RequestModel):
    """The node that needs another key."""

    model_config = example({"id": 1})

    id: Id
