"""`nightlight cds-client`: an EHR is registered by its keys or their address; a key that proves nothing is refused."""

import json
from pathlib import Path

import psycopg
import pytest
from joserfc.jwk import ECKey, OctKey
from typer.testing import CliRunner

from domain.errors import InvalidInput
from nightlight.cli import app
from nightlight.cli.cds_clients import read_keys
from tests.conftest import FreshDatabase

ISSUER = "https://ehr.amber.example"
KEY = ECKey.generate_key("P-384", {"kid": "one"})


@pytest.mark.parametrize("command", ["add", "list", "rotate", "disable", "enable"])
def test_each_command_explains_itself(command: str) -> None:
    done = CliRunner().invoke(app, ["cds-client", command, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"keys": {}}',
        b'{"keys": []}',
        json.dumps(KEY.as_dict(private=True)).encode(),
        json.dumps(OctKey.generate_key(384).as_dict() | {"kid": "one"}).encode(),
        json.dumps(ECKey.generate_key("P-256", {"kid": "one"}).as_dict(private=False)).encode(),
        json.dumps(ECKey.generate_key("P-384").as_dict(private=False) | {"kid": None}).encode(),
    ],
    ids=["empty", "a list", "no list", "no key", "private", "a shared secret", "another curve", "no kid"],
)
def test_keys_that_may_verify_nothing_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(content)
    with pytest.raises(InvalidInput):
        read_keys(file)


def test_a_key_and_a_set_of_keys_are_read_alike(tmp_path: Path) -> None:
    public = KEY.as_dict(private=False)
    for content in (public, {"keys": [public]}):
        file = tmp_path / "keys.json"
        file.write_text(json.dumps(content))
        assert json.loads(read_keys(file)) == {"keys": [public]}


def test_an_ehr_is_registered_listed_and_disabled_and_each_is_audited(
    fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("NIGHTLIGHT_PUBLIC_URL", "https://nightlight.example")
    file = tmp_path / "keys.json"
    file.write_text(json.dumps(KEY.as_dict(private=False)))

    def run(*arguments: str, fails: str = "") -> str:
        done = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
        said = done.output + capfd.readouterr().err
        assert (done.exit_code, fails in said) == (1 if fails else 0, True), said
        return said

    add = ("cds-client", "add", ISSUER, "--organisation", "R0C")
    run(*add, "--key", str(file), fails="has no site")
    run("site", "add", "R0C01", "--name", "Canal Hospital", "--setting", "emergency-department")
    run(*add, fails="--jwks-url")
    run(*add, "--jwks-url", "http://keys.example/jwks.json", fails="https://")
    run(*add, "--key", str(file), "--fhir-server", "http://fhir.example", fails="https://")
    run(*add, "--key", str(file), "--site", "R0X01", fails="no site of organisation")
    for origin in ("http://ehr.example", "https://ehr.example/", "https://EHR.example", "*", "null"):
        run(*add, "--key", str(file), "--origin", origin, fails="an origin is written like")
    assert "https://nightlight.example/cds-services" in run(*add, "--key", str(file), "--origin", ISSUER, "--info-card")
    run(*add, "--key", str(file), fails="registered already")
    run("cds-client", "add", "https://two.example", "--organisation", "R0C", "--jwks-url", "https://two.example/jwks.json")
    listed = run("cds-client", "list")
    assert ISSUER in listed
    assert "held here" in listed
    assert "https://two.example/jwks.json" in listed
    run("cds-client", "disable", ISSUER)
    run("cds-client", "disable", ISSUER, fails="disabled already")
    assert "disabled" in run("cds-client", "list")
    with psycopg.connect(fresh_database.service_url) as connection:
        audited = connection.execute("SELECT action FROM audit_events WHERE subject_type = 'cds-client' ORDER BY id").fetchall()
    assert audited == [("cds-client.add",), ("cds-client.add",), ("cds-client.disable",)]


def test_an_ehr_exchanges_its_keys_and_is_enabled_again(
    fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    for file, kid in ((old, "one"), (new, "two")):
        file.write_text(json.dumps(ECKey.generate_key("P-384", {"kid": kid}).as_dict(private=False)))

    def run(*arguments: str) -> int:
        return CliRunner().invoke(app, list(arguments)).exit_code

    with psycopg.connect(fresh_database.owner_url, autocommit=True) as owner:
        assert run("cds-client", "rotate", ISSUER, "--key", str(new)) != 0
        assert run("site", "add", "R0A01", "--name", "Amber", "--setting", "emergency-department") == 0
        assert run("cds-client", "add", ISSUER, "--organisation", "R0A", "--key", str(old)) == 0
        assert run("cds-client", "rotate", ISSUER) != 0
        assert run("cds-client", "rotate", ISSUER, "--key", str(new)) == 0
        kids = owner.execute("SELECT jsonb_path_query_array(keys, '$.keys[*].kid') FROM cds_clients").fetchone()
        assert kids == (["two"],)
        assert run("cds-client", "enable", ISSUER) != 0
        assert run("cds-client", "disable", ISSUER) == 0
        assert run("cds-client", "enable", ISSUER) == 0
        assert owner.execute("SELECT disabled_at FROM cds_clients").fetchone() == (None,)
        actions = owner.execute("SELECT action FROM audit_events WHERE action LIKE 'cds-client.%' ORDER BY occurred_at").fetchall()
    assert [action.rpartition(".")[2] for (action,) in actions] == ["add", "rotate", "disable", "enable"]
