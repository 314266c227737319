"""What may be said about a user."""

from pydantic import Field

from sextant_auth.fields import Email, GivenPassword, Id, NewPassword, RequestModel, ShortText, Username


class NewUser(RequestModel):
    """The body of POST /user; without `organization_id` it is the caller's."""

    username: Username
    password: NewPassword
    email: Email
    firstname: ShortText = ""
    lastname: ShortText = ""
    organization_id: Id = 0
    roles: list[Id] = Field(default_factory=list)
    rules: list[Id] = Field(default_factory=list)


class UserChanges(RequestModel):
    """The body of PATCH /user/{id}; only what was sent counts, so the defaults are never read."""

    username: Username = ""
    email: Email = ""
    firstname: ShortText = ""
    lastname: ShortText = ""
    organization_id: Id = 0
    roles: list[Id] = Field(default_factory=list)
    rules: list[Id] = Field(default_factory=list)


class PasswordChange(RequestModel):
    """The body of PATCH /password/change."""

    current_password: GivenPassword
    new_password: NewPassword
