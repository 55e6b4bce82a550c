"""`nightlight authority telling` and `what-if`: they explain themselves, refuse what makes no sense, and print the page's words."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from domain.actor import NIGHTLIGHT
from domain.alert import ChannelName
from domain.flag import FlagKind
from domain.routing import EMERGENCY, OFFICE, Contact, Duty, Rule, Step, Team
from nightlight.cli import app
from runtime.database import Database
from safeguarding.telling.rules import add_rule, read_rulebook
from safeguarding.telling.rules_teams import add_team
from tests.conftest import FreshDatabase

AT = ["--at", "2026-12-27T03:00"]
ED = ["--setting", "emergency-department"]
Command = Callable[..., Any]


@pytest.fixture
def command(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Commands on a store with an authority that has a team and a rule of its own, and a hospital."""
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, [*arguments], env={"COLUMNS": "300"})

    add = ["authority", "add", "301", "--name", "Northmoor Council", "--office-phone", "020 7946 0001", "--live"]
    assert run(*add, "--emergency-phone", "020 7946 0002", "--email", "team@301.example").exit_code == 0
    assert run("site", "add", "R0C01", "--name", "Canal Hospital", "--setting", "sarc").exit_code == 0
    asyncio.run(_set_rules(fresh_database))
    return run


async def _set_rules(fresh: FreshDatabase) -> None:
    mash = Team("", "MASH", "020 7946 0003", Duty.ALWAYS, contacts=(Contact(ChannelName.SMS, "07700 900123"),))
    unborn = Rule("unborn", (Step("mash", 20), Step(EMERGENCY, 30)), frozenset({FlagKind.UCPP}))
    async with Database(fresh.service_url) as database, database.transaction() as transaction:
        await add_team(transaction, NIGHTLIGHT, "301", mash)
        for rule in (unborn, Rule("all", (Step(OFFICE, 30),)), Rule("more", (Step(OFFICE, 60),))):
            await add_rule(transaction, NIGHTLIGHT, "301", (await read_rulebook(transaction, "301")).rules_mark, rule)


@pytest.mark.parametrize("name", ["telling", "what-if"])
def test_each_command_explains_itself(name: str) -> None:
    done = CliRunner().invoke(app, ["authority", name, "--help"])
    assert done.exit_code == 0
    assert "Usage:" in done.output


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["telling", "399"], "there is no authority 399"),
        (["what-if", "399", "--kind", "CPP", *ED, *AT], "there is no authority 399"),
        (["what-if", "301", "--kind", "CPP", *AT], "is no care setting: name a --site, or choose emergency-department"),
        (["what-if", "301", "--kind", "CPP", "--setting", "ward", *AT], '"ward" is no care setting'),
        (["what-if", "301", "--kind", "CPP", "--site", "R0Z99", *AT], "there is no site R0Z99"),
        (["what-if", "301", "--kind", "CPP", *ED, "--at", "Sunday"], '"Sunday" is no day and time'),
        (["what-if", "301", "--kind", "CPP", *ED, "--at", "9999-12-31T23:00"], '"9999-12-31T23:00" is no day and time'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_makes_no_sense_is_said_in_a_line(
    command: Command, arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    done = command("authority", *arguments)
    assert done.exit_code == 1
    assert said in done.output + capfd.readouterr().err


@pytest.mark.parametrize("arguments", [["--kind", "XYZ"], []], ids=["no kind that is known", "no kind"])
def test_a_kind_is_needed(command: Command, arguments: list[str]) -> None:
    assert command("authority", "what-if", "301", *arguments, *ED, *AT).exit_code == 2


def test_telling_prints_the_rules_in_their_order_and_all_that_stands(command: Command) -> None:
    done = command("authority", "telling", "301")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "Northmoor Council: who is told, by the first rule that fits",
        "1. “unborn”: unborn child protection plan → MASH, 20 minutes to acknowledge → emergency duty team, "
        "30 minutes to acknowledge",
        "2. “all”: anything → office team, 30 minutes to acknowledge",
        "3. “more”: anything → office team, 1 hour to acknowledge (never reached: a rule above it fits anything)",
        "None fits → office team, 30 minutes to acknowledge",
        "The emergency duty team is told only by: unborn",
        "Team office team, 020 7946 0001: in office hours; e-mail to team@301.example",
        "Team emergency duty team, 020 7946 0002: outside office hours; the worklist alone",
        "Team MASH, 020 7946 0003: at all times; text message to +447700900123",
        "Office hours: Mon-Fri 08:45-17:00, but for bank holidays",
    ]


def test_what_if_prints_who_is_told_in_order_and_what_the_banner_says(command: Command) -> None:
    done = command("authority", "what-if", "301", "--kind", "UCPP", *ED, *AT)
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "By your rule “unborn”.",
        "1. At once: Worklist of Northmoor Council",
        "2. MASH: Told at 03:00. Unless somebody acknowledges, the next team is told at 03:20.",
        "   text message to +447700900123 at 03:00",
        "3. Emergency duty team: Told at 03:20. Nobody is next in line.",
        "Banner: Not yet acknowledged, 0 min.",
        "Ring: MASH, 020 7946 0003",
    ]


def test_an_ordinary_attendance_at_night_waits_for_the_office(command: Command) -> None:
    lines = command("authority", "what-if", "301", "--kind", "CPP", *ED, *AT).output.splitlines()
    assert "2. Office team: Queued until 08:45 on Tuesday 29 December. Nobody is next in line." in lines
    assert lines[-1] == "Ring: emergency duty team, 020 7946 0002"


def test_of_a_private_service_nobody_is_told(command: Command) -> None:
    lines = command("authority", "what-if", "301", "--kind", "CPP", "--site", "R0C01", *AT).output.splitlines()
    assert lines == [
        "Nobody is told of a visit to this service (Sexual assault referral centre), whatever the rules say.",
        "Ring: emergency duty team, 020 7946 0002",
    ]
