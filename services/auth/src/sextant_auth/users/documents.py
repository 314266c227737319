"""How users look on the wire, for the documents."""

from typing import Annotated, Literal

from pydantic import Field

from sextant_auth.users.repository import SORTABLE
from sextant_shared.http.documentation import (
    FLAG,
    LIKE,
    MOMENT,
    NUMBER,
    Document,
    Id,
    Link,
    ListPath,
    Time,
    filters,
    sorted_by,
    told,
)

FILTERS = filters(
    username=LIKE,
    firstname=LIKE,
    lastname=LIKE,
    email=LIKE,
    organization_id=NUMBER,
    collaboration_id=NUMBER,
    role_id=NUMBER,
    rule_id=NUMBER,
    last_seen_from=MOMENT,
    last_seen_till=MOMENT,
    sort=sorted_by(SORTABLE),
)
DELETION = filters(delete_dependents=told(FLAG, "Delete the tasks that the user has made, too"))
ONE = filters(include_permissions=told(FLAG, "Add what the user may do"))


class Permissions(Document):
    """What a user may do."""

    roles: list[Id]
    rules: Annotated[list[Id], Field(description="Those that the user has directly")]
    orgs_in_collabs: Annotated[list[Id], Field(description="Organizations that share a collaboration with its own")]


class User(Document):
    """One user."""

    id: Id
    type: Literal["user"]
    username: Annotated[str, Field(examples=["anna"])]
    firstname: Annotated[str | None, Field(examples=["Anna"])]
    lastname: Annotated[str | None, Field(examples=["de Vries"])]
    email: Annotated[str, Field(examples=["anna@alkmaar.example"])]
    organization: Link
    roles: ListPath
    rules: ListPath
    last_seen: Time | None
    last_email_failed_login_sent: Time | None
    last_email_recover_password_sent: Time | None
    otp_secret: None
    ip: None
    status: Annotated[
        Literal["online", "offline"] | None,
        Field(description="Whether it is connected to the event channel; null: it never was"),
    ]


class ReadUser(User):
    """One user, with its permissions where these are asked for."""

    permissions: Permissions = Field(default_factory=lambda: Permissions(roles=[], rules=[], orgs_in_collabs=[]))
