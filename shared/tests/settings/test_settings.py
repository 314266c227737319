"""Where settings come from, and that secrets among them stay secret."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsError

from sextant_shared.settings import (
    BrokerSettings,
    DatabaseSettings,
    HttpSettings,
    PeerSettings,
    SettingsBase,
)

_SECRET = "p@ss/w:rd?#%é"


class Sample(SettingsBase):
    """A field of each kind that is read in its own way."""

    sample_name: str = Field(default="by default")
    sample_count: int = Field(default=0)
    sample_secret: SecretStr | None = Field(default=None)
    sample_list: list[str] = Field(default_factory=list)
    sample_secrets: dict[str, SecretStr] = Field(default_factory=dict)


@pytest.fixture
def in_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, str], None]:
    """Give a setting as a file."""

    def give(name: str, content: str) -> None:
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        monkeypatch.setenv(f"{name}_FILE", str(path))

    return give


def test_a_variable_gives_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEXTANT_SAMPLE_NAME", "by variable")

    assert Sample().sample_name == "by variable"


def test_only_our_prefix_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPLE_NAME", "of somebody else")

    assert Sample().sample_name == "by default"


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"])
def test_a_file_gives_a_setting_less_its_final_newline(in_file: Callable[[str, str], None], end: str) -> None:
    in_file("SEXTANT_SAMPLE_NAME", f" by\nfile {end}")

    assert Sample().sample_name == " by\nfile "


def test_a_file_may_hold_a_number(in_file: Callable[[str, str], None]) -> None:
    in_file("SEXTANT_SAMPLE_COUNT", "7\n")

    assert Sample().sample_count == 7


def test_a_file_may_hold_json_where_a_variable_would(in_file: Callable[[str, str], None]) -> None:
    in_file("SEXTANT_SAMPLE_LIST", '["a", "b"]\n')
    in_file("SEXTANT_SAMPLE_SECRETS", json.dumps({"api": _SECRET}))

    sample = Sample()

    assert sample.sample_list == ["a", "b"]
    assert sample.sample_secrets["api"].get_secret_value() == _SECRET


def test_the_variable_wins_over_the_file_and_the_argument_over_both(
    monkeypatch: pytest.MonkeyPatch, in_file: Callable[[str, str], None]
) -> None:
    in_file("SEXTANT_SAMPLE_NAME", "by file")
    assert Sample().sample_name == "by file"

    monkeypatch.setenv("SEXTANT_SAMPLE_NAME", "by variable")
    assert Sample().sample_name == "by variable"

    assert Sample(sample_name="by argument").sample_name == "by argument"


def test_a_file_that_is_not_there_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEXTANT_SAMPLE_SECRET_FILE", str(tmp_path / "missing"))

    with pytest.raises(FileNotFoundError, match="missing"):
        Sample()


def test_a_value_that_does_not_fit_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEXTANT_SAMPLE_COUNT", "many")

    with pytest.raises(ValidationError, match="sample_count"):
        Sample()


def test_settings_cannot_be_changed() -> None:
    sample = Sample()

    with pytest.raises(ValidationError, match="frozen"):
        setattr(sample, "sample_name", "other")  # noqa: B010 - the checker knows that it cannot be set


def test_a_list_of_origins_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEXTANT_CORS_ORIGINS", '["https://ui.example"]')

    assert HttpSettings().cors_origins == ["https://ui.example"]


# -- secrets ---------------------------------------------------------------------------------------


def test_the_password_is_merged_into_the_address_of_the_database(in_file: Callable[[str, str], None]) -> None:
    in_file("SEXTANT_DATABASE_PASSWORD", f"{_SECRET}\n")

    settings = DatabaseSettings(database_url="postgresql+asyncpg://sextant@db:5432/sextant_api")

    assert settings.database_address == (
        "postgresql+asyncpg://sextant:p%40ss%2Fw%3Ard%3F%23%25%C3%A9@db:5432/sextant_api"
    )


def test_without_a_password_the_address_stays_as_it_is() -> None:
    url = "sqlite+aiosqlite:///folder/file.db"

    assert url == DatabaseSettings(database_url=url).database_address


def test_the_password_is_merged_into_the_address_of_the_broker(in_file: Callable[[str, str], None]) -> None:
    in_file("SEXTANT_BROKER_PASSWORD", f"{_SECRET}\n")

    settings = BrokerSettings(broker_url="amqp://sextant@rabbitmq:5672/%2Fvhost")

    assert settings.broker_address == "amqp://sextant:p%40ss%2Fw%3Ard%3F%23%25%C3%A9@rabbitmq:5672/%2Fvhost"


def test_secrets_are_never_shown() -> None:
    shown = "".join(
        f"{settings!r} {settings} {settings.model_dump()}"
        for settings in (
            DatabaseSettings(database_url="postgresql+asyncpg://db/x", database_password=SecretStr(_SECRET)),
            BrokerSettings(broker_password=SecretStr(_SECRET)),
            PeerSettings(client_secret=SecretStr(_SECRET)),
            Sample(sample_secrets={"api": SecretStr(_SECRET)}),
        )
    )

    assert _SECRET not in shown
    assert shown.count("**********") >= 4


def test_a_value_that_does_not_fit_is_not_shown(in_file: Callable[[str, str], None]) -> None:
    in_file("SEXTANT_SAMPLE_SECRETS", json.dumps([_SECRET]))

    with pytest.raises(ValidationError, match="sample_secrets") as raised:
        Sample()
    assert _SECRET not in str(raised.value)


def test_what_is_no_json_is_told_by_its_name_alone(in_file: Callable[[str, str], None]) -> None:
    in_file("SEXTANT_SAMPLE_SECRETS", _SECRET)

    with pytest.raises(SettingsError, match="SEXTANT_SAMPLE_SECRETS") as raised:
        Sample()
    assert _SECRET not in str(raised.value)


def test_a_secret_that_is_missing_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEXTANT_CLIENT_SECRET", raising=False)

    with pytest.raises(ValidationError, match="client_secret"):
        PeerSettings()
