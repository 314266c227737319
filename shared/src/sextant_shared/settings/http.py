"""How a service is reached, and by whom."""

from pydantic import Field

from sextant_shared.settings._base import SettingsBase


class HttpSettings(SettingsBase):
    """The listening side of a service."""

    host: str = Field(default="127.0.0.1", description="Address to listen at")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen at")
    cors_origins: list[str] = Field(
        default_factory=list, description="JSON list of web origins that may call with credentials"
    )
    max_body_bytes: int = Field(default=64 * 1024 * 1024, ge=1024, description="Largest accepted request body")
    drain_seconds: int = Field(default=20, ge=0, description="How long running requests may take after SIGTERM")
