"""How a site is answered, set on the command line: refused in one line, audited, and only what is named changes."""

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from nightlight.cli import app
from tests.conftest import FreshDatabase

ADD = ["site", "add", "R0C01", "--name", "Canal Hospital", "--setting", "emergency-department"]
COLUMNS = "announce_in_ack, refuse_recycled, silent_on_failure, character_set"


@pytest.fixture
def url(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    assert CliRunner().invoke(app, ADD).exit_code == 0
    return fresh_database.service_url


def row(url: str, statement: str) -> tuple[object, ...] | None:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchone()


@pytest.mark.parametrize(
    "arguments,said",
    [
        (["R0C01"], "say what shall change"),
        (["R0Z99", "--refuse-recycled"], "there is no site R0Z99"),
        (["R0C01", "--character-set", "KLINGON"], "KLINGON is not a character set"),
    ],
)
def test_what_cannot_be_set_is_said_and_changes_nothing(
    url: str, arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    done = CliRunner().invoke(app, ["site", "set", *arguments])
    assert done.exit_code == 1
    assert said in done.output + capfd.readouterr().err
    assert row(url, f"SELECT {COLUMNS} FROM sites") == (False, False, False, "")
    assert row(url, "SELECT count(*) FROM audit_events WHERE action = 'site.set'") == (0,)


def test_only_what_is_named_changes_and_it_is_audited(url: str) -> None:
    for arguments, expected in (
        (["--announce-in-ack", "--character-set", "8859/15"], (True, False, False, "8859/15")),
        (["--refuse-recycled", "--silent-on-failure"], (True, True, True, "8859/15")),
        (["--no-announce-in-ack", "--character-set", ""], (False, True, True, "")),
    ):
        assert CliRunner().invoke(app, ["site", "set", "r0c01", *arguments]).exit_code == 0
        assert row(url, f"SELECT {COLUMNS} FROM sites") == expected
    assert row(url, "SELECT subject_id, detail FROM audit_events WHERE action = 'site.set' ORDER BY id DESC LIMIT 1") == (
        "R0C01",
        {"announce_in_ack": False, "character_set": ""},
    )
