"""`nightlight client endpoint`: an operator alone says where Nightlight may call a client."""

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from nightlight.cli import app
from tests.conftest import FreshDatabase

URL = "https://cases.example/nightlight"


@pytest.mark.parametrize("command", ["add", "list", "remove"])
def test_each_command_explains_itself(command: str) -> None:
    done = CliRunner().invoke(app, ["client", "endpoint", command, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output


def test_an_endpoint_is_added_listed_and_removed_and_each_is_audited(
    fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))

    def run(*arguments: str, fails: str = "") -> str:
        done = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
        said = done.output + capfd.readouterr().err
        assert (done.exit_code, fails in said) == (1 if fails else 0, True), said
        return said

    run("client", "endpoint", "add", "ward", URL, fails="there is no client ward")
    run("site", "add", "R0C01", "--name", "Canal Hospital", "--setting", "emergency-department")
    run("client", "add", "ward", "--organisation", "R0C", "--scope", "system/Subscription.cruds")
    assert "No endpoint" in run("client", "endpoint", "list", "ward")
    for wrong in ("http://cases.example/nightlight", "https://user:secret@cases.example", "cases.example"):
        run("client", "endpoint", "add", "ward", wrong, fails="address")
    run("client", "endpoint", "add", "ward", URL)
    run("client", "endpoint", "add", "ward", URL, fails="registered for the client ward already")
    assert URL in run("client", "endpoint", "list", "ward")
    assert "Subscriptions ended: 0" in run("client", "endpoint", "remove", "ward", URL)
    run("client", "endpoint", "remove", "ward", URL, fails="not registered")
    with psycopg.connect(fresh_database.service_url) as connection:
        audited = connection.execute("SELECT action FROM audit_events WHERE action LIKE 'client.endpoint%' ORDER BY id").fetchall()
    assert audited == [("client.endpoint-add",), ("client.endpoint-remove",)]
