"""What may be said about a user."""

from pydantic import Field

from sextant_auth.fields import Email, GivenPassword, NewPassword, RequestModel, ShortText, Username
from sextant_shared.http.documentation import example
from sextant_shared.http.fields import Id


class NewUser(RequestModel):
    """The body of POST /user; without `organization_id` it is the caller's."""

    model_config = example(
        {
            "username": "anna",
            "password": "Correct-horse-7",
            "email": "anna@alkmaar.example",
            "firstname": "Anna",
            "lastname": "de Vries",
            "roles": [5],
        }
    )

    username: Username
    password: NewPassword
    email: Email
    firstname: ShortText = ""
    lastname: ShortText = ""
    organization_id: Id = 0
    roles: list[Id] = Field(default_factory=list)
    rules: list[Id] = Field(default_factory=list)


class UserChanges(RequestModel):
    """The body of PATCH /user/{id}; only what was sent counts, so the defaults are never read.

    Nobody moves to another organization: `organization_id` is accepted, and ignored.
    """

    model_config = example({"firstname": "Anne"})

    username: Username = ""
    email: Email = ""
    firstname: ShortText = ""
    lastname: ShortText = ""
    organization_id: Id = 0
    roles: list[Id] = Field(default_factory=list)
    rules: list[Id] = Field(default_factory=list)


class PasswordChange(RequestModel):
    """The body of PATCH /password/change."""

    model_config = example({"current_password": "Correct-horse-7", "new_password": "Battery-staple-8"})

    current_password: GivenPassword
    new_password: NewPassword
