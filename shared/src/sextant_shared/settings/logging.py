"""How much a service says, and in which form."""

from typing import Literal

from pydantic import Field

from sextant_shared.settings._base import SettingsBase


class LoggingSettings(SettingsBase):
    """Log output."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level shown")
    log_format: Literal["json", "console"] = Field(default="json", description="One JSON object a line, or for people")
