"""The base of all settings: environment variables with our prefix, or files that hold the value.

The only place that reads the environment.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

PREFIX = "SEXTANT_"
FILE_SUFFIX = "_FILE"


class _ValueInFile(PydanticBaseSettingsSource):
    """Reads `SEXTANT_X_FILE`: the path of a file whose content, less a final newline, is the value of `SEXTANT_X`."""

    def __init__(self, settings_cls: type[BaseSettings], environ: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        self._environ = environ

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        del field
        path = self._environ.get(PREFIX + field_name.upper() + FILE_SUFFIX)
        value = Path(path).read_text(encoding="utf-8").rstrip("\r\n") if path else None
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, field in self.settings_cls.model_fields.items():
            value, _, is_complex = self.get_field_value(field, name)
            if value is not None:
                # lists and objects are JSON here as they are in variables
                try:
                    values[name] = self.prepare_field_value(name, field, value, is_complex)
                except ValueError as error:
                    raise SettingsError(f"The file for {PREFIX}{name.upper()} does not hold valid JSON") from error
        return values


class SettingsBase(BaseSettings):
    """Frozen settings, read once at start and validated then.

    Each `SEXTANT_X` may be given as `SEXTANT_X_FILE`, which suits secrets; the variable itself wins.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of sources: arguments, variables, files."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, _ValueInFile(settings_cls, os.environ)
