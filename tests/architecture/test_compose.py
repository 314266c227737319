"""compose.yaml and what it needs: sound as far as that shows without a container engine.

Where `docker compose` is installed it judges the file too. Running the stack for real is another test's.
"""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from sextant_shared.contract import routing

ROOT: Final = Path(__file__).parents[2]
MAKE_SECRETS: Final = ROOT / "scripts" / "make_secrets.py"

_SECRET_NAME: Final = re.compile(r"PASSWORD|SECRET|PEPPER|TOKEN|(?<!API_)KEY(?!_)")
_URL_WITH_PASSWORD: Final = re.compile(r"://[^/@:]*:[^/@]*@")

_NOT_JUDGED: Final = (
    "NOT CHECKED: `docker compose` is not installed, so compose.yaml was read as YAML only; "
    "`docker compose config` judges it"
)

Compose = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> Compose:
    content = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert isinstance(content, dict)
    return content


def _services(compose: Compose) -> dict[str, Any]:
    services = compose["services"]
    assert isinstance(services, dict)
    return services


def _built(compose: Compose) -> dict[str, str]:
    """Service of compose.yaml to the member of the workspace that its image holds."""
    return {
        name: service["build"]["args"]["SERVICE"] for name, service in _services(compose).items() if "build" in service
    }


def _one_shots(compose: Compose) -> set[str]:
    """Those that others wait for until they have ended."""
    return {
        name
        for service in _services(compose).values()
        for name, wait in _waits(service).items()
        if wait == "service_completed_successfully"
    }


def _waits(service: dict[str, Any]) -> dict[str, str]:
    waits = service.get("depends_on", {})
    if isinstance(waits, list):
        return dict.fromkeys(waits, "service_started")
    return {name: wait["condition"] for name, wait in waits.items()}


def test_compose_accepts_the_file_where_it_is_installed(compose: Compose, capsys: pytest.CaptureFixture[str]) -> None:
    assert _undeclared(compose) == []
    docker = shutil.which("docker")
    if docker is None or not _answers([docker, "compose", "version"]):
        with capsys.disabled():
            print(f"\n{_NOT_JUDGED}")  # noqa: T201 -- must not be overlooked
        return
    judged = subprocess.run(  # noqa: S603 -- the compose plugin
        [docker, "compose", "-f", str(ROOT / "compose.yaml"), "config", "--quiet"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (judged.returncode, judged.stderr) == (0, "")


def _answers(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603


def _undeclared(compose: Compose) -> list[str]:
    """Name what services refer to and nobody declares."""
    found = []
    for name, service in _services(compose).items():
        named_volumes = {mount.partition(":")[0] for mount in service.get("volumes", [])}
        secrets = {each if isinstance(each, str) else each["source"] for each in service.get("secrets", [])}
        referred = {
            "services": set(_waits(service)),
            "networks": set(service["networks"]),
            "secrets": secrets,
            "volumes": {volume for volume in named_volumes if not volume.startswith("./")},
        }
        for kind, names in referred.items():
            found += [f"{name}: {kind} {each}" for each in names - set(compose[kind])]
    return found


def test_every_service_of_the_suite_is_there(compose: Compose) -> None:
    assert set(_services(compose)) >= {*routing.SERVICES, "gateway", "migrate", "postgres", "rabbitmq"}


def test_only_the_gateway_publishes_a_port(compose: Compose) -> None:
    publishing = [name for name, service in _services(compose).items() if service.get("ports")]
    assert publishing == ["gateway"]
    assert not any("network_mode" in service for service in _services(compose).values())


def test_what_holds_data_is_on_internal_networks_only(compose: Compose) -> None:
    internal = {name for name, network in compose["networks"].items() if network.get("internal")}
    exposed = {name for name, service in _services(compose).items() if not set(service["networks"]) <= internal}
    assert exposed == {"gateway", "auth", "api", "vpn-registry"}


def test_whoever_may_call_out_shares_no_network_with_the_published_port(compose: Compose) -> None:
    (published,) = (set(each["networks"]) for each in _services(compose).values() if each.get("ports"))
    internal = {name for name, network in compose["networks"].items() if network.get("internal")}
    sharing = {
        name
        for name, service in _services(compose).items()
        if name != "gateway" and set(service["networks"]) & (published - internal)
    }
    assert sharing == set()


def test_everything_that_stays_up_has_a_health_check(compose: Compose) -> None:
    recipe = (ROOT / "services" / "Dockerfile").read_text()
    checked_by_image = set(_built(compose)) if re.search(r"^HEALTHCHECK ", recipe, re.MULTILINE) else set()
    checked = {name for name, service in _services(compose).items() if "test" in service.get("healthcheck", {})}
    assert set(_services(compose)) - checked - checked_by_image == set()
    disabled = {name for name, service in _services(compose).items() if service.get("healthcheck", {}).get("disable")}
    assert disabled == _one_shots(compose)


def test_all_services_wait_for_the_migration_and_the_migration_for_the_database(
    compose: Compose,
) -> None:
    services = _services(compose)
    waits = {name: _waits(services[name]) for name in routing.SERVICES}
    assert waits == {
        name: {"migrate": "service_completed_successfully", "rabbitmq": "service_healthy"} for name in routing.SERVICES
    }
    assert _waits(services["migrate"]) == {"postgres": "service_healthy"}


def test_no_secret_is_a_value_in_the_environment(compose: Compose) -> None:
    found = []
    for name, service in _services(compose).items():
        for variable, value in service.get("environment", {}).items():
            is_path = variable.endswith("_FILE") and str(value).startswith("/run/secrets/")
            if _URL_WITH_PASSWORD.search(str(value)) or (_SECRET_NAME.search(variable) and not is_path):
                found.append(f"{name}: {variable}")
    assert found == []


def test_a_service_is_given_exactly_the_secrets_that_its_settings_read(compose: Compose) -> None:
    given, read = {}, {}
    for name in (*routing.SERVICES, "migrate"):
        service = _services(compose)[name]
        given[name] = set(service["secrets"])
        values = (str(value) for value in service["environment"].values())
        read[name] = {value.rpartition("/")[2] for value in values if value.startswith("/run/secrets/")}
    assert given == read


def test_images_are_built_from_members_that_can_be_started(compose: Compose) -> None:
    built = _built(compose)
    assert built == {**{name: name for name in routing.SERVICES}, "migrate": "standalone"}
    started = {member: f"services/{member}/src/sextant_{member.replace('-', '_')}" for member in routing.SERVICES}
    missing = [path for path in started.values() if not (ROOT / path / "__main__.py").is_file()]
    assert missing == []


def test_containers_run_without_capabilities_and_without_endless_logs(compose: Compose) -> None:
    for name, service in _services(compose).items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name


def test_everything_but_the_one_shots_is_started_again_when_it_ends(compose: Compose) -> None:
    policies = {name: service["restart"] for name, service in _services(compose).items()}
    once = _one_shots(compose)
    assert policies == {name: "no" if name in once else "unless-stopped" for name in policies}


def test_the_files_that_are_mounted_exist(compose: Compose) -> None:
    mounts = [str(mount) for service in _services(compose).values() for mount in service.get("volumes", [])]
    sources = [mount.partition(":")[0] for mount in mounts if mount.startswith("./")]
    assert sources != []
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_example_of_settings_names_every_variable_with_its_default() -> None:
    used = dict(re.findall(r"\$\{(SEXTANT_\w+):-([^}]*)\}", (ROOT / "compose.yaml").read_text()))
    example = re.findall(r"^#(SEXTANT_\w+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    shown = dict(example) | {"SEXTANT_CORS_ORIGINS": "[]"}  # shown by example, since nothing is the default
    assert shown == used


def test_the_recipe_needs_no_other_front_end_and_does_not_run_as_root() -> None:
    recipe = (ROOT / "services" / "Dockerfile").read_text()
    assert not re.search(r"^# *syntax *=", recipe, re.MULTILINE)
    last_stage = recipe[recipe.rindex("\nFROM ") :]
    assert re.search(r"^USER sextant$", last_stage, re.MULTILINE)
    entry = re.search(r"^ENTRYPOINT (.*)$", last_stage, re.MULTILINE)
    assert entry is not None
    assert json.loads(entry[1]) == ["serve"]
    check = re.search(r"^HEALTHCHECK .*\\\n +CMD (.*)$", last_stage, re.MULTILINE)
    assert check is not None
    program, option, code = json.loads(check[1])
    assert (program, option) == ("python", "-c")
    compile(code, "health check", "exec")


def _make_secrets(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own script
        [sys.executable, str(MAKE_SECRETS), str(folder)], check=False, capture_output=True, text=True
    )


def test_the_script_makes_exactly_the_secrets_that_compose_mounts(compose: Compose, tmp_path: Path) -> None:
    assert _make_secrets(tmp_path / "secrets").returncode == 0
    made = {path.name for path in (tmp_path / "secrets").iterdir()}
    assert made == set(compose["secrets"])
    assert {secret["file"].rpartition("/")[2] for secret in compose["secrets"].values()} == made


def test_secrets_are_never_made_twice(tmp_path: Path) -> None:
    (tmp_path / "root_password").write_text("chosen by the operator")
    _make_secrets(tmp_path)
    first = {path.name: path.read_text() for path in tmp_path.iterdir()}
    again = _make_secrets(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == first
    assert (again.returncode, again.stdout) == (0, "")
    assert first["root_password"] == "chosen by the operator"


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    _make_secrets(tmp_path / "one")
    _make_secrets(tmp_path / "two")
    one, two = ({path.read_text() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one & two == set()
    assert len(one) == len(list((tmp_path / "one").iterdir()))


def test_containers_can_read_the_secrets_and_other_accounts_of_the_host_cannot(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    _make_secrets(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}


def test_secrets_that_follow_from_others_agree_with_them(tmp_path: Path) -> None:
    _make_secrets(tmp_path)
    value = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert json.loads(value["service_secrets"]) == {
        "api": value["api_client_secret"],
        "relay": value["relay_client_secret"],
        "vpn-registry": value["vpn_registry_client_secret"],
    }
    assert f"default_pass = {value['broker_password']}\n" in value["rabbitmq_conf"]


def test_a_secret_that_no_longer_agrees_with_its_origin_is_named(tmp_path: Path) -> None:
    _make_secrets(tmp_path)
    (tmp_path / "broker_password").write_text("changed by hand")
    again = _make_secrets(tmp_path)
    assert again.returncode == 1
    assert str(tmp_path / "rabbitmq_conf") in again.stderr
