"""The settings, and what the README says of them."""

import re
from pathlib import Path

from sextant_auth.settings import AuthSettings

README = Path(__file__).parents[2] / "README.md"
# known to every service for its peers, and of no meaning here
UNUSED = {"AUTH_URL", "VPN_URL", "CLIENT_SECRET"}


def test_the_readme_names_every_setting_and_no_other() -> None:
    table = README.read_text().partition("| setting |")[2]
    told = {
        name
        for row in table.splitlines()
        for name in re.findall(r"`([A-Z_]+)`", row.split("|")[1] if row[:1] == "|" else "")
    }

    assert told == {name.upper() for name in AuthSettings.model_fields} - UNUSED
