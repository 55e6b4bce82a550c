"""Telling a hospital's own system is switched on by a person's declaration and by nothing else, shown, and switched off."""

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from nightlight.cli import app
from tests.conftest import FreshDatabase

ADD = ["site", "add", "R0C01", "--name", "Canal Hospital", "--setting", "emergency-department"]
HERE = ["R0C01", "--to", "127.0.0.1:2575"]
DECLARED = ["--not-released", "Dr A. Example, Caldicott guardian, agreement 2026-11 section 4"]
COLUMNS = "host, port, tls, receiving_application, receiving_facility, local_authority, version, character_set, switched_off_at"


@pytest.fixture
def url(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    assert CliRunner().invoke(app, ADD).exit_code == 0
    return fresh_database.service_url


def row(url: str, statement: str) -> tuple[object, ...] | None:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchone()


def outbound(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["site", "outbound", *arguments])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    "arguments,said",
    [
        (HERE, "a parent who reads them in an app learns of the alert"),
        ([*HERE, "--not-released", "yes"], "who declared"),
        (["--to", "127.0.0.1:2575", *DECLARED], "name the site"),
        (["R0Z99", "--to", "127.0.0.1:2575", *DECLARED], "there is no site R0Z99"),
        (["R0C01", "--to", "engine", *DECLARED], "is no HOST:PORT"),
        (["R0C01", "--to", "127.0.0.1:0", *DECLARED], "where the hospital's engine listens"),
        (["R0C01", "--to", "engine.canal.test:2575", *DECLARED], "without TLS messages stay on this machine"),
        ([*HERE, *DECLARED, "--version", "3"], "3 is not a version that can be sent"),
        ([*HERE, *DECLARED, "--character-set", "KLINGON"], "KLINGON is not a character set"),
        ([*HERE, "--off"], "either --to or --off"),
        (["R0C01", "--off"], "nothing is sent to site R0C01"),
        (["R0C01", "--off", "--drop-waiting", "the system is gone"], "no feed to site R0C01 is switched off"),
        (["R0C01", "--drop-waiting", "the system is gone"], "--drop-waiting goes with --off"),
        ([*HERE, *DECLARED, "--drop-waiting", "the system is gone"], "--drop-waiting goes with --off"),
        (["--off", "--drop-waiting", "the system is gone"], "name the site"),
    ],
)
def test_what_must_not_be_switched_on_is_said_in_one_line_and_changes_nothing(
    url: str, arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    status, output = outbound(*arguments)
    complaint = (output + capfd.readouterr().err).strip()
    assert status == 1
    assert said in complaint
    assert len(complaint.splitlines()) == 1
    assert row(url, "SELECT count(*) FROM outbound_feeds") == (0,)
    assert row(url, "SELECT count(*) FROM audit_events WHERE action LIKE 'site.outbound%'") == (0,)


def test_tls_files_are_looked_at_before_it_is_switched_on(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTLIGHT_OUTBOUND_CA_FILE", str(tmp_path / "missing.pem"))
    status, output = outbound("R0C01", "--to", "engine.canal.test:2576", "--tls", *DECLARED)
    assert status == 1
    assert "NIGHTLIGHT_OUTBOUND_CA_FILE cannot be used" in output + capfd.readouterr().err
    assert row(url, "SELECT count(*) FROM outbound_feeds") == (0,)


def test_a_declared_site_is_told_shown_and_switched_off(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert outbound(*HERE, *DECLARED, "--receiving-application", "EPR", "--local-authority", "R0C")[0] == 0
    assert row(url, f"SELECT {COLUMNS} FROM outbound_feeds") == (
        "127.0.0.1", 2575, False, "EPR", "R0C01", "R0C", "2.4", "", None,
    )  # fmt: skip
    assert row(url, "SELECT detail->>'declaration' FROM audit_events WHERE action = 'site.outbound'") == (DECLARED[1],)
    capfd.readouterr()
    for arguments in ((), ("r0c01",)):
        status, output = outbound(*arguments)
        shown = " ".join((output + capfd.readouterr().out).split())
        assert status == 0
        for word in ("R0C01", "127.0.0.1:2575", "Caldicott", "R0C01: on"):
            assert word in shown
    assert outbound("R0C01", "--off")[0] == 0
    assert "R0C01: switched off" in " ".join((outbound()[1] + capfd.readouterr().out).split())
    assert row(url, "SELECT switched_off_at IS NOT NULL FROM outbound_feeds") == (True,)


@pytest.mark.parametrize("is_on", [True, False])
def test_what_waits_is_withdrawn_with_a_reason_whether_it_was_off_before_or_not(
    url: str, is_on: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    assert outbound(*HERE, *DECLARED)[0] == 0
    if not is_on:
        assert outbound("R0C01", "--off")[0] == 0
    assert outbound("R0C01", "--off", "--drop-waiting", "gone")[0] == 1, "that is no reason"
    assert row(url, "SELECT switched_off_at IS NULL FROM outbound_feeds") == (is_on,)
    capfd.readouterr()
    status, output = outbound("r0c01", "--off", "--drop-waiting", "the system was taken out of use")
    assert status == 0
    assert "Withdrawn: 0." in output + capfd.readouterr().out
    assert row(url, "SELECT switched_off_at IS NOT NULL FROM outbound_feeds") == (True,)


def test_a_setting_lets_messages_leave_without_tls(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTLIGHT_OUTBOUND_ANY_ADDRESS", "true")
    assert outbound("R0C01", "--to", "engine.canal.test:2575", *DECLARED)[0] == 0


def test_where_nobody_is_told_it_says_so(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, output = outbound()
    assert status == 0
    assert "No site's own system is told" in output + capfd.readouterr().out
