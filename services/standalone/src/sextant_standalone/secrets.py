"""The secrets of a standalone server: made once, kept in a file that only its owner can read."""

import json
import os
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_serializer

from sextant_shared.contract.routing import SERVICES
from sextant_shared.ids import new_secret

_OWNER_ONLY = 0o600


class Secrets(BaseModel):
    """What compose keeps in files of their own.

    Attributes:
        key_encryption: under which auth encrypts signing keys and second factors.
        api_key_pepper: with which auth finds nodes by their API keys.
        clients: of each service, for its calls to others.
    """

    model_config = ConfigDict(frozen=True)

    key_encryption: SecretStr = Field(default_factory=lambda: SecretStr(new_secret()))
    api_key_pepper: SecretStr = Field(default_factory=lambda: SecretStr(new_secret()))
    clients: dict[str, SecretStr] = Field(
        default_factory=lambda: {service: SecretStr(new_secret()) for service in SERVICES}
    )

    @field_serializer("key_encryption", "api_key_pepper", "clients", when_used="json")
    def _reveal(self, value: SecretStr | dict[str, SecretStr]) -> str | dict[str, str]:
        if isinstance(value, dict):
            return {name: secret.get_secret_value() for name, secret in value.items()}
        return value.get_secret_value()

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        """Read the secrets of a data folder, making them first if it has none.

        Raises:
            ValueError: the file is not one of ours.
            OSError: it cannot be read or written.
        """
        path = folder / "secrets.json"
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            made = cls()
        # complete or not there at all, and never readable for others, even for a moment
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(made.model_dump(mode="json"), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return made
