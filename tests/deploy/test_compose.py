"""docker-compose.yml, without a Docker engine: it fits the Compose schema, and keeps what it promises."""

import json
import os
import re
import stat
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hl7_listener.ports import Port, read_ports
from hl7_listener.tls import TlsFiles
from runtime.settings import PREFIX, Settings
from tools.make_secrets import make_secrets

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
KEPT_RUNNING = sorted(set(SERVICES) - {"migrate"})
OURS = ("migrate", "api", "listener", "dispatcher", "loader")

GIVEN = {"mllp_certificate", "mllp_key", "mllp_client_ca"}
"""Secrets that nobody can make for you."""

# What each image has besides what we put into it; a health check must not call anything else.
PROGRAMS = {
    "postgres": {"pg_isready"},
    "valkey": {"valkey-cli", "sed", "grep"},
    "api": {"python"},
    "listener": {"python"},
    "dispatcher": {"python"},
    "loader": {"python"},
    "mail": {"/mailpit"},
}


def schema() -> dict[str, Any]:
    """The Compose Specification's own schema, as check-jsonschema ships it."""
    vendored = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    read: dict[str, Any] = json.loads(vendored.read_text())
    return read


def test_the_schema_tells_a_wrong_file_from_a_right_one() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**COMPOSE, "services": {"api": {"restart": ["always"]}}}, schema())


def test_the_file_fits_the_compose_schema() -> None:
    jsonschema.validate(COMPOSE, schema())


def test_everything_the_service_needs_is_there() -> None:
    assert set(SERVICES) == {"postgres", "valkey", "migrate", "api", "listener", "dispatcher", "loader", "mail"}
    assert SERVICES["postgres"]["image"] == "postgres:18"


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].split(":")[0] not in {"", "0", "root"}
    assert not service.get("privileged", False)


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_has_a_version(name: str) -> None:
    tag = SERVICES[name]["image"].partition(":")[2]
    assert re.fullmatch(r"v?\d+(\.\d+)*", tag)


@pytest.mark.parametrize("name", KEPT_RUNNING)
def test_what_runs_is_checked_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    kind, *command = service["healthcheck"]["test"]
    called = {command[0]} if kind == "CMD" else set(re.findall(r"(?:^|[|(;] *|\) )([a-z][a-z-]+)", command[0]))
    assert called <= PROGRAMS[name]
    assert called


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    known = {PREFIX + setting.upper() for setting in Settings.model_fields}
    variables = SERVICES[name]["environment"]
    assert {variable if variable in known else variable.removesuffix("_FILE") for variable in variables} <= known


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_on_this_machine_only(name: str) -> None:
    assert all(filled_in(port).startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_the_stores_are_reached_from_inside_only() -> None:
    assert COMPOSE["networks"]["store"]["internal"] is True
    for name in ("postgres", "valkey"):
        assert SERVICES[name]["networks"] == ["store"]
        assert "ports" not in SERVICES[name]


# Secrets


def test_no_secret_is_in_the_file() -> None:
    secret_settings = {
        PREFIX + name.upper() for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)
    }
    for service in SERVICES.values():
        given = service.get("environment", {})
        assert all(given[name].startswith("${") for name in secret_settings & set(given))
        assert not [name for name in given if "PASSWORD" in name and not name.endswith("_FILE")]
    assert not re.search(r"://[^/\s]*:[^/\s{]*@", (ROOT / "docker-compose.yml").read_text())


def test_every_secret_is_a_file_that_make_secrets_makes(tmp_path: Path) -> None:
    made = set(make_secrets(tmp_path / "secrets"))
    assert {f"./secrets/{name}" for name in made} == {COMPOSE["secrets"][name]["file"] for name in set(COMPOSE["secrets"]) - GIVEN}
    assert {name for service in SERVICES.values() for name in service.get("secrets", [])} == made | GIVEN


# HL7 v2 over mutual TLS


def test_without_certificate_files_there_is_no_listener_with_tls_and_nothing_is_mounted() -> None:
    assert [port.name for port in listeners()] == ["plain"]
    assert {filled_in(COMPOSE["secrets"][name]["file"]) for name in GIVEN} == {"/dev/null"}


def test_with_them_it_demands_certificates_on_2576() -> None:
    given = {"MLLP_CERTIFICATE": "/etc/pki/nightlight.pem", "MLLP_KEY": "/etc/pki/nightlight.key", "MLLP_CLIENT_CA": "ca.pem"}
    _, secure = listeners(**given)
    folder = Path("/run/secrets")
    assert secure.tls == TlsFiles(folder / "mllp_certificate", folder / "mllp_key", folder / "mllp_client_ca")
    assert secure.address.endswith(":2576")
    assert "2576" in next(line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("EXPOSE"))
    assert {filled_in(COMPOSE["secrets"][name]["file"], **given) for name in GIVEN} == set(given.values())


@pytest.mark.parametrize("address", ["", "0.0.0.0"])
def test_only_the_port_with_tls_can_be_opened_to_other_machines(address: str) -> None:
    ports = [filled_in(port, MLLP_TLS_ADDRESS=address) for port in SERVICES["listener"]["ports"]]
    assert ports == ["127.0.0.1:2575:2575", f"{address or '127.0.0.1'}:2576:2576"]


def filled_in(text: str, **given: str) -> str:
    """The text as Compose reads it: ${NAME:-otherwise} and ${NAME:+instead}."""

    def value(found: re.Match[str]) -> str:
        name, kind, word = found.groups()
        return (given.get(name) or word) if kind == "-" else word if given.get(name) else ""

    return re.sub(r"\$\{(\w+):([-+])([^}]*)\}", value, text)


def listeners(**given: str) -> tuple[Port, ...]:
    """The listeners of the container."""
    environment = {name: filled_in(value, **given) for name, value in SERVICES["listener"]["environment"].items()}
    names = {name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX + "MLLP")}
    return read_ports(Settings(**names))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_gets_the_secrets_that_it_reads_and_no_other(name: str) -> None:
    service = SERVICES[name]
    text = json.dumps([service.get("environment"), service.get("command"), service.get("healthcheck")])
    if name == "postgres":
        text += (ROOT / "deploy" / "postgres-roles.sh").read_text()
    assert set(re.findall(r"/run/secrets/(\w+)", text)) == set(service.get("secrets", []))


def test_only_the_migration_knows_the_owner() -> None:
    assert [name for name in OURS if "owner_database_url" in SERVICES[name]["secrets"]] == ["migrate"]


def test_make_secrets_keeps_what_is_there_and_closes_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert make_secrets(folder)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert make_secrets(folder) == []
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert before["postgres_owner_password"] in before["owner_database_url"]
    assert before["postgres_service_password"] in before["database_url"]
    assert len({len(set(text)) > 8 for text in before.values()}) == 1


def test_make_secrets_never_makes_half_of_what_belongs_together(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make_secrets(folder)
    os.unlink(folder / "database_url")
    with pytest.raises(FileExistsError, match="but not database_url"):
        make_secrets(folder)


# The image


def test_the_image_is_not_root_and_installs_by_hash() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    last_stage = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert [line for line in last_stage if line.startswith("USER ")] == ["USER 10001:10001"]
    installs = [line for line in lines if "pip install" in line]
    assert all("--require-hashes" in line or "--no-deps ." in line for line in installs)
    assert not [line for line in last_stage if line.startswith(("ADD ", "COPY . "))]
