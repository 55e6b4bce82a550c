"""`nightlight site rule`: every command explains itself, and no word is taken for a care setting that is none."""

import re
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from domain.care_setting import CareSetting
from domain.errors import InvalidInput
from nightlight.cli import app
from nightlight.cli.site_rules import _read_codes, _read_setting
from runtime.clock import england_day, now
from tests.conftest import FreshDatabase


def test_the_command_that_it_was_before_is_gone() -> None:
    assert CliRunner().invoke(app, ["rule", "list", "R0A01"]).exit_code == 2


@pytest.mark.parametrize("command", [["rule", "list"], ["rule", "add"], ["rule", "remove"], ["unclassified"]], ids=" ".join)
def test_each_command_explains_itself(command: list[str]) -> None:
    done = CliRunner().invoke(app, ["site", *command, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output


@pytest.mark.parametrize("word", ["", "unclassified", "Outpatient", "ward"])
def test_what_is_no_care_setting_is_refused_with_those_that_are(word: str) -> None:
    with pytest.raises(InvalidInput, match="choose own, emergency-department"):
        _read_setting(word)


def test_every_care_setting_can_be_named() -> None:
    assert _read_setting("own") is CareSetting.UNCLASSIFIED
    assert _read_setting("outpatient") is CareSetting.OUTPATIENT


def test_codes_are_read_in_any_case_and_with_blanks() -> None:
    assert _read_codes(" 2a, 21,,") == {"2A", "21"}


def test_the_share_of_unclassified_arrivals_says_over_which_days_and_since_when(
    fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    add = ["site", "add", "R0C01", "--name", "Canal Hospital", "--setting", "emergency-department"]
    assert CliRunner().invoke(app, add).exit_code == 0
    with psycopg.connect(fresh_database.service_url) as connection:
        connection.execute("UPDATE sites SET arrivals_counted_since = now() - interval '9 days'")
        connection.execute(
            "INSERT INTO site_arrivals VALUES ('R0C01', current_date - 2, 200, 1), ('R0C01', current_date - 8, 100, 5)"
        )
    done = CliRunner().invoke(app, ["site", "unclassified"], env={"COLUMNS": "160"})
    assert done.exit_code == 0
    lines = [re.findall(r"[\w.%][\w.%, ]*\b%?", line) for line in done.output.splitlines() if "days" in line]
    since = f"{england_day(now() - timedelta(days=9)):%d %b %Y}"
    assert lines == [
        ["R0C01", "7 days", "200", "1", "0.5%", "yes"],
        ["R0C01", f"30 days, counted since {since}", "300", "6", "2.0%", "no"],
    ]
