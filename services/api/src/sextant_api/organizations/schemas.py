"""What may be said about an organization."""

from sextant_api.fields import Base64Text, Name, RequestModel, ShortText
from sextant_shared.http.documentation import example


class NewOrganization(RequestModel):
    """The body of POST /organization."""

    model_config = example(
        {
            "name": "Hospital of Alkmaar",
            "address1": "Canal 1",
            "zipcode": "1811 AA",
            "country": "Netherlands",
            "domain": "alkmaar.example",
        }
    )

    name: Name
    address1: ShortText = ""
    address2: ShortText | None = None
    zipcode: ShortText = ""
    country: ShortText = ""
    domain: ShortText = ""
    public_key: Base64Text = ""


class OrganizationChanges(RequestModel):
    """The body of PATCH /organization/{id}; only what was sent counts, so the defaults are never read."""

    model_config = example({"address1": "Canal 2"})

    name: Name = ""
    address1: ShortText = ""
    address2: ShortText = ""
    zipcode: ShortText = ""
    country: ShortText = ""
    domain: ShortText = ""
    public_key: Base64Text = ""
