"""The settings of a standalone server, and those that it makes up for the services inside it."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from sextant_shared.settings import HttpSettings, LoggingSettings


class StandaloneSettings(HttpSettings, LoggingSettings):
    """What a standalone server can be told."""

    port: int = Field(default=7601, ge=0, le=65535, description="Port to listen at")
    data: Path = Field(default=Path("data"), description="Folder for the databases and secrets")
    root_password: SecretStr | None = Field(default=None, description="Password of the first user; else one is made up")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="warning", description="Least level shown")
