"""`nightlight client`: what may not be registered, then a system's whole life, with every step in the audit trail."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
from typer.testing import CliRunner

from domain.errors import InvalidInput
from nightlight.cli import app
from nightlight.cli.key_files import read_key_file
from tests.conftest import FreshDatabase
from tests.runtime.signing import signer

OLD, NEW, RSA = signer("ES384", "old"), signer("ES384", "new"), signer("RS384", "rsa")


@pytest.fixture
def store(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection[Any]]:
    """A store with an organisation and an authority, which the commands find by the environment."""
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    done("site", "add", "R0A01", "--name", "Amber Hospital", "--setting", "emergency-department")
    phones = ("--office-phone", "01632 960301", "--emergency-phone", "01632 961301")
    done("authority", "add", "301", "--name", "Ambershire", *phones)
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as connection:
        yield connection


def done(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "250"})
    assert result.exit_code == 0, result.output
    return result.output


def refused(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "250"})
    assert result.exit_code != 0
    return " ".join((result.output + str(result.exception or "")).split())


def written(folder: Path, name: str, content: bytes | Any) -> str:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
    return str(file)


def add(*more: str, client: str = "ward-app", owner: tuple[str, str] = ("--organisation", "r0a")) -> tuple[str, ...]:
    return ("client", "add", client, *owner, "--scope", "system/Flag.rs", *more)


def generation(store: psycopg.Connection[Any]) -> int:
    [(value,)] = store.execute("SELECT token_generation FROM clients WHERE id = 'ward-app'").fetchall()
    return int(value)


def audited(store: psycopg.Connection[Any]) -> list[tuple[str, Any]]:
    return store.execute("SELECT action, detail FROM audit_events WHERE subject_type = 'client' ORDER BY id").fetchall()


@pytest.mark.parametrize("command", ["add", "list", "show", "rotate", "disable", "enable"])
def test_each_command_explains_itself(command: str) -> None:
    assert "Usage:" in done("client", command, "--help")


@pytest.mark.parametrize(
    "content, words",
    [
        (b"", "holds no public key"),
        (b"nonsense", "holds no public key"),
        (b"[]", "holds no public key"),
        (b'{"keys": []}', "holds no public key"),
        (b'{"keys": [7]}', "holds no public key"),
        (b"-----BEGIN PUBLIC KEY-----\nMIIB", "holds no public key"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "holds no public key"),
        (OLD.key.as_pem(private=True), "private key"),
        (RSA.key.as_pem(private=True), "private key"),
        (orjson.dumps(OLD.key.as_dict(private=True)), "private or shared"),
        (orjson.dumps({"keys": [OLD.public(), OLD.public()]}), "the same id"),
        (orjson.dumps({"kty": "oct", "k": "c2VjcmV0"}), "private or shared"),
    ],
)
def test_what_is_no_public_key_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        read_key_file(content)


def test_one_id_is_not_given_to_two_keys() -> None:
    with pytest.raises(InvalidInput, match="several"):
        read_key_file(orjson.dumps({"keys": [OLD.public(), NEW.public()]}), "mine")


@pytest.mark.parametrize("each", [OLD, RSA])
def test_the_same_key_is_read_from_every_form(each: Any) -> None:
    [from_pem] = read_key_file(each.pem)
    [from_jwk] = read_key_file(orjson.dumps(each.public(kid=None)))
    [from_set] = read_key_file(orjson.dumps({"keys": [each.public()]}))
    assert from_pem["kid"] == from_jwk["kid"] == each.key.thumbprint()
    assert from_set["kid"] == each.kid
    members = ("n", "e") if each is RSA else ("crv", "x", "y")
    assert [[jwk[name] for name in members] for jwk in (from_pem, from_jwk)] == [[from_set[name] for name in members]] * 2
    assert read_key_file(each.pem, "mine")[0]["kid"] == "mine"


def test_what_does_not_fit_is_not_registered(store: psycopg.Connection[Any], tmp_path: Path) -> None:
    assert "to one of them" in refused(*add(owner=("--authority", "301")), "--organisation", "R0A")
    assert "to one of them" in refused("client", "add", "ward-app", "--scope", "system/Flag.rs")
    assert "has no site" in refused(*add(owner=("--organisation", "R0X")))
    assert "no authority 999" in refused(*add(owner=("--authority", "999")))
    assert "a scope is one of" in refused(*add("--scope", "system/Patient.rs"))
    assert "only a client of a local authority" in refused(*add("--scope", "system/Extract.cr"))
    assert "https://" in refused(*add("--jwks-url", "http://ehr.example/jwks"))
    assert "private key" in refused(*add("--key", written(tmp_path, "key.pem", OLD.key.as_pem(private=True))))
    assert store.execute("SELECT count(*) FROM clients").fetchone() == (0,)
    assert audited(store) == []


def test_a_system_belongs_to_an_organisation_or_to_an_authority(store: psycopg.Connection[Any]) -> None:
    done(*add("--care", "scheduled"))
    done(*add("--auditor", client="ig-app", owner=("--authority", "301")))
    assert "registered already" in refused(*add())
    listed = done("client", "list")
    assert re.search(r"ward-app .* R0A .* scheduled .* enabled .* system/Flag.rs", listed)
    assert re.search(r"ig-app .* authority 301 ", listed)
    assert "It may read the whole trail." in done("client", "show", "ig-app")
    assert "It has no key" in done("client", "show", "ward-app")
    assert "whole trail" not in done("client", "show", "ward-app")


def test_an_authoritys_system_may_be_registered_to_send_extracts(store: psycopg.Connection[Any]) -> None:
    done("client", "add", "case-system", "--authority", "301", "--scope", "system/Extract.cr")
    assert "system/Extract.cr" in done("client", "show", "case-system")


def test_a_new_key_is_good_beside_the_old_one_until_that_ends(store: psycopg.Connection[Any], tmp_path: Path) -> None:
    old, new = written(tmp_path, "old.json", OLD.public()), written(tmp_path, "new.json", {"keys": [NEW.public()]})
    assert "the id (kid) old" in done(*add("--key", old))
    before = generation(store)
    assert "Key old ends in 48 hours." in done("client", "rotate", "ward-app", "--key", new, "--overlap-hours", "48")
    shown = done("client", "show", "ward-app")
    assert re.search(r"Key old \(EC\), added on [^,]*, good until", shown)
    assert re.search(r"Key new \(EC\), added on [^,]*\.", shown)
    assert "Key old ends now." in done("client", "rotate", "ward-app", "--drop", "old")
    assert "Key old" not in done("client", "show", "ward-app")
    assert "no key of this id" in refused("client", "rotate", "ward-app", "--drop", "old")
    assert generation(store) == before
    assert [action for action, _ in audited(store)] == [
        "client.add",
        "client.key.add",
        "client.key.add",
        "client.key.end",
        "client.key.end",
    ]


def test_a_key_that_others_know_ends_at_once_with_every_token(store: psycopg.Connection[Any], tmp_path: Path) -> None:
    done(*add("--key", written(tmp_path, "old.json", OLD.public())))
    before = generation(store)
    said = done("client", "rotate", "ward-app", "--key", written(tmp_path, "new.json", NEW.public()), "--revoke")
    assert "Key old ends now." in said
    assert "Every token" in said
    assert generation(store) == before + 1
    assert "Key old" not in done("client", "show", "ward-app")
    assert "client.revoke" in [action for action, _ in audited(store)]


def test_another_key_does_not_take_the_place_of_one_by_its_id(store: psycopg.Connection[Any], tmp_path: Path) -> None:
    done(*add("--key", written(tmp_path, "old.json", OLD.public())))
    assert "another key" in refused("client", "rotate", "ward-app", "--key", written(tmp_path, "new.json", NEW.public(kid="old")))
    assert "Key old (EC)" in done("client", "show", "ward-app")
    done("client", "rotate", "ward-app", "--key", written(tmp_path, "same.json", {"keys": [OLD.public(), NEW.public()]}))
    assert "until" not in done("client", "show", "ward-app")


def test_keys_that_are_published_take_the_place_of_registered_ones_and_back(store: psycopg.Connection[Any], tmp_path: Path) -> None:
    done(*add("--key", written(tmp_path, "old.json", OLD.public())))
    done("client", "rotate", "ward-app", "--jwks-url", "https://ehr.example/jwks", "--overlap-hours", "0")
    shown = done("client", "show", "ward-app")
    assert "https://ehr.example/jwks" in shown
    assert "Key old" not in shown
    done("client", "rotate", "ward-app", "--key", written(tmp_path, "new.json", NEW.public()))
    assert "https://" not in done("client", "show", "ward-app")


@pytest.mark.parametrize("choice", [(), ("--drop", "x", "--jwks-url", "https://ehr.example/jwks")])
def test_one_thing_is_rotated_at_a_time(choice: tuple[str, ...]) -> None:
    assert "name one of" in refused("client", "rotate", "ward-app", *choice)


@pytest.mark.parametrize("command", ["show", "disable", "enable"])
def test_nobody_is_changed_who_is_not_registered(store: psycopg.Connection[Any], command: str) -> None:
    assert "there is no client nobody" in refused("client", command, "nobody")
    assert "there is no client nobody" in refused("client", "rotate", "nobody", "--jwks-url", "https://ehr.example/jwks")
    assert "there is no client nobody" in refused("token", "nobody")


def test_a_system_that_is_disabled_and_enabled_has_lost_its_tokens(store: psycopg.Connection[Any]) -> None:
    done(*add())
    before = generation(store)
    assert done("token", "ward-app").count(".") == 2
    done("client", "disable", "ward-app")
    assert "is disabled" in refused("token", "ward-app")
    assert "disabled" in done("client", "list")
    done("client", "enable", "ward-app")
    assert "is enabled" in done("client", "show", "ward-app")
    assert generation(store) > before
    assert [action for action, _ in audited(store)] == ["client.add", "client.disable", "client.enable"]
