"""`nightlight site rule`: every command explains itself, and no word is taken for a care setting that is none."""

import pytest
from typer.testing import CliRunner

from domain.care_setting import CareSetting
from domain.errors import InvalidInput
from nightlight.cli import app
from nightlight.cli.site_rules import _read_codes, _read_setting


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
