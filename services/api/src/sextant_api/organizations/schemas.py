"""What may be said about an organization."""

from sextant_api.fields import Base64Text, Name, RequestModel, ShortText


class NewOrganization(RequestModel):
    """The body of POST /organization."""

    name: Name
    address1: ShortText = ""
    address2: ShortText | None = None
    zipcode: ShortText = ""
    country: ShortText = ""
    domain: ShortText = ""
    public_key: Base64Text = ""


class OrganizationChanges(RequestModel):
    """The body of PATCH /organization/{id}; only what was sent counts, so the defaults are never read."""

    name: Name = ""
    address1: ShortText = ""
    address2: ShortText = ""
    zipcode: ShortText = ""
    country: ShortText = ""
    domain: ShortText = ""
    public_key: Base64Text = ""
