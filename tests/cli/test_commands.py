"""What the commands say of themselves and of bad input: one line that says what to do."""

from collections.abc import Iterator
from datetime import time
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from domain.errors import InvalidInput
from flags_store.authorities import OFFICE_HOURS
from hl7_listener.framing import frame
from nightlight.cli import app
from nightlight.cli.mllp import acknowledged_code, messages_in
from nightlight.cli.setting_up import parse_hours
from nightlight.demo.sample import CHILD, PEOPLE, extract_of, invented_number, register_message
from nightlight.processes.api import check_sign_in
from runtime.clock import england_day, now
from runtime.settings import Settings


def commands_of(group: Any, *before: str) -> Iterator[list[str]]:
    """Every command there is, as it is typed."""
    for name, each in group.commands.items():
        if hasattr(each, "commands"):
            yield from commands_of(each, *before, name)
        else:
            yield [*before, name]


COMMANDS = sorted(commands_of(get_command(app)))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output
    assert len(done.output.split()) > 20


@pytest.mark.parametrize(
    "arguments,said",
    [
        (["check", "9990000019"], "digit"),
        (["check", "9990000018"], "nightlight serve"),
        (["alerts"], "no service is running"),
        (["migrate"], "no service is running"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], said: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    lines = (done.output + capfd.readouterr().err).strip().splitlines()
    assert len(lines) == 1, lines
    assert said in lines[0]


@pytest.mark.parametrize(
    "line", ["monday 9-5", "mon-fri 17:00-08:45", "fri-mon 08:00-17:00", "xyz 08:00-17:00", "mon 25:00-26:00", ""]
)
def test_hours_that_make_no_sense_are_refused(line: str) -> None:
    with pytest.raises(InvalidInput):
        parse_hours([line])


def test_hours_are_written_as_people_say_them() -> None:
    assert parse_hours(["mon-fri 08:45-17:00"]) == OFFICE_HOURS
    assert len(parse_hours(["Mon-Thu 08:45-17:00", "fri 08:45-16:30"])) == 5
    assert parse_hours(["sat 18:00-24:00"])[0].closes == time.max


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n"])
def test_a_file_of_several_messages_is_sent_one_by_one(end: bytes) -> None:
    one, two = (register_message("20261105101530", control_id, "V1") for control_id in ("C1", "C2"))
    assert messages_in((one + two).replace(b"\r", end)) == [one, two]
    assert messages_in(frame(one)) == [one]
    assert messages_in(b"nothing of the kind") == []


def test_the_code_of_an_acknowledgement_is_its_msa() -> None:
    assert acknowledged_code("MSH|^~\\&|A\rMSA|AE|1\r") == "AE"
    assert acknowledged_code("MSA|CA|1") == "CA"
    assert acknowledged_code("nonsense") == ""


def test_the_demos_world_is_invented_and_the_same_every_day() -> None:
    today = england_day(now())
    assert all(number.startswith("999") for number in (CHILD, *(invented_number(each) for each in range(50))))
    assert len({person.subject for person in PEOPLE}) == len(PEOPLE)
    assert CHILD in extract_of("301", today, today).decode()
    rows = [line for line in extract_of("301", today, today).splitlines() if today.strftime("%Y%m%d").encode() not in line]
    assert len(rows) == 32


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:9400", "http://login.example", "https://localhost"])
def test_a_production_store_refuses_local_sign_in(issuer: str) -> None:
    with pytest.raises(InvalidInput):
        check_sign_in(Settings(oidc_issuer=issuer), is_production=True)
    check_sign_in(Settings(oidc_issuer=issuer), is_production=False)
    check_sign_in(Settings(oidc_issuer="https://login.example"), is_production=True)
