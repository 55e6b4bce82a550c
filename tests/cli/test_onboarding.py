"""The onboarding on the command line: what is refused, what is shown, and two people who take an authority and a site live."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from nightlight.cli import app, console
from runtime.clock import england_day, now
from tests.conftest import FreshDatabase
from tests.extracts.files import a_file, row

ADD = [
    "authority", "add", "301", "--name", "Northmoor Council", "--office-phone", "020 7946 0001", "--emergency-phone",
    "020 7946 0002", "--email", "team@301.example",
]  # fmt: skip
ADD_SITE = [
    "site", "add", "R0A01", "--name", "Amber ED", "--setting", "emergency-department", "--safeguarding-phone", "020 7946 0003",
]  # fmt: skip
AGREE = [
    "authority", "agreement", "record", "--title", "Sharing 2026", "--controllers", "Northmoor; Amber", "--processor", "Operator",
    "--lawful-basis", "Children Act 2004 s11", "--contact", "dpo@301.example", "--starts", "2026-01-01", "--field", "arrival",
]  # fmt: skip
COMMANDS = [
    ["authority", "status"], ["authority", "set"], ["authority", "confirm"], ["authority", "withdraw"], ["authority", "details"],
    ["authority", "agreement", "record"], ["authority", "agreement", "list"], ["authority", "agreement", "end"],
    ["authority", "sample", "draw"], ["authority", "sample", "list"], ["site", "status"], ["site", "confirm"],
    ["site", "set-state"], ["site", "withdraw"], ["site", "details"],
]  # fmt: skip


class Desk:
    """The commands as people type them, and the store that they work on."""

    def __init__(self, fresh: FreshDatabase, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
        self.fresh, self._monkeypatch, self._capfd = fresh, monkeypatch, capfd

    def __call__(self, *arguments: str, by: str = "ann") -> tuple[int, str]:
        """The exit status and everything that was said, its blanks as one."""
        self._monkeypatch.setattr("getpass.getuser", lambda: by)
        self._capfd.readouterr()
        done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "300"})
        said = done.output + "".join(self._capfd.readouterr())
        return done.exit_code, " ".join(said.split())

    def done(self, *arguments: str, by: str = "ann") -> str:
        status, said = self(*arguments, by=by)
        assert status == 0, said
        return said

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.fresh.owner_url) as owner:
            return owner.execute(statement.encode()).fetchall()


@pytest.fixture
def desk(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(console.out, "_width", 300)  # whatever COLUMNS was when it was made
    return Desk(fresh_database, monkeypatch, capfd)


@pytest.fixture
def production(desk: Desk) -> Desk:
    assert desk.rows("UPDATE store SET kind = 'production' RETURNING kind") == [("production",)]
    return desk


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command: list[str]) -> None:
    done = CliRunner().invoke(app, [*command, "--help"])
    assert done.exit_code == 0
    assert len(done.output.split()) > 20


@pytest.mark.parametrize(
    "arguments,said",
    [
        (["authority", "status", "399"], "there is no authority 399"),
        (["authority", "set", "399", "live"], "there is no authority 399"),
        (
            ["authority", "confirm", "301", "fax"],
            "fax cannot be confirmed: choose office-phone or emergency-phone or control-totals",
        ),
        (["authority", "confirm", "301", "safeguarding-phone"], "safeguarding-phone cannot be confirmed"),
        (["authority", "confirm", "301", "office-phone", "--at", "monday"], '"monday" is not a day and time'),
        (["authority", "confirm", "301", "office-phone", "--at", "2999-01-01 09:00"], "in the future"),
        (["authority", "confirm", "301", "control-totals"], "has loaded no extract"),
        (["authority", "withdraw", "301"], "nobody has asked for a step of authority 301"),
        (["site", "status", "R0Z99"], "there is no site R0Z99"),
        (["site", "set-state", "R0Z99", "live"], "there is no site R0Z99"),
        (["site", "confirm", "R0A01", "office-phone"], "office-phone cannot be confirmed: choose safeguarding-phone"),
        (["site", "details", "R0A01"], "say what shall change"),
        (["site", "details", "R0A01", "--host-authority", "399"], "there is no authority 399"),
        (["site", "details", "R0A01", "--safeguarding-phone", "ask"], '"ask" is not a phone number'),
        (["site", "details", "R0A01", "--name", " "], "a site needs its name"),
        (AGREE, "name the party"),
        ([*AGREE, "--authority", "301", "--organisation", "R0A"], "either --authority or --organisation"),
        ([*AGREE, "--authority", "399"], "there is no authority 399"),
        ([*AGREE, "--authority", "301", "--ends", "soon"], '"soon" is not a day'),
        ([*AGREE, "--authority", "301", "--field", "diagnosis"], "diagnosis is no field that may leave"),
        (["authority", "agreement", "end", "7", "--reason", "x"], "7 is not the id of an agreement"),
        (["authority", "sample", "draw", "301"], "holds no open plan"),
        (["authority", "sample", "draw", "399"], "there is no authority 399"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_in_one_line(desk: Desk, arguments: list[str], said: str) -> None:
    desk.done(*ADD)
    desk.done(*ADD_SITE)
    status, output = desk(*arguments)
    assert status == 1
    assert said in output
    assert desk.rows("SELECT 1 FROM onboarding_checks UNION ALL SELECT 1 FROM agreements UNION ALL SELECT 1 FROM samples") == []


def test_a_test_store_goes_live_at_once_as_ever(desk: Desk) -> None:
    desk.done(*ADD, "--live")
    desk.done(*ADD_SITE)
    assert desk.rows("SELECT state FROM authorities UNION ALL SELECT state FROM sites") == [("live",), ("live",)]
    for state in ("trial", "live", "setting-up", "live"):
        assert f"is {state} now" in desk.done("authority", "set", "301", state)
        assert f"is {state} now" in desk.done("site", "set-state", "r0a01", state)
    assert "This is a test store: one person is enough." in desk.done("authority", "status", "301")


def test_in_production_nobody_begins_live(production: Desk) -> None:
    status, said = production(*ADD, "--live")
    assert (status, production.rows("SELECT 1 FROM authorities")) == (1, [])
    assert "goes live step by step" in said
    assert "setting up: nightlight site status R0A01 says what it needs" in production.done(*ADD_SITE)
    assert production.rows("SELECT state FROM sites") == [("setting-up",)]


def test_the_status_shows_each_condition_with_what_to_do_and_a_refusal_names_what_is_missing(production: Desk) -> None:
    production.done(*ADD)
    shown = production.done("authority", "status", "301")
    assert "authority 301, Northmoor Council: Setting up." in shown
    assert "to do │ Agreement in force │ trial, live │ No agreement is in force." in shown
    assert "Nobody has rung 020 7946 0001 yet." in shown
    assert "nightlight authority confirm 301 office-phone" in shown
    assert "Not measured: PDS was not asked." in shown
    status, said = production("authority", "set", "301", "trial")
    assert status == 1
    assert "authority 301 cannot be trial yet. Missing: Agreement in force; Mailbox of the data officers" in said


def test_two_people_take_an_authority_from_setting_up_to_live_in_production(production: Desk, tmp_path: Path) -> None:
    production.done(*ADD)
    production.done("authority", "details", "301", "--data-email", "data@301.example")
    production.done(*AGREE, "--authority", "301")
    assert "Authority 301 is trial now." in production.done("authority", "set", "301", "trial")
    extract = tmp_path / "first.csv"
    extract.write_bytes(a_file(row(nhs_number="4000000004")))
    production.done("extract", "load", str(extract), "--authority", "301", "--extracted-at", f"{england_day(now())} 00:00:00")
    production.done("authority", "confirm", "301", "office-phone")
    production.done("authority", "confirm", "301", "emergency-phone", "--at", f"{england_day(now()) - timedelta(days=1)} 22:30")
    status, said = production("authority", "confirm", "301", "control-totals", "--cpp", "2")
    assert (status, "CPP: the authority has 2, here are 1" in said) == (1, True)
    assert "The totals agree: 1 CPP, 0 LAC, 0 UCPP." in production.done(
        "authority", "confirm", "301", "control-totals", "--cpp", "1"
    )
    assert "once somebody else gives the same command" in production.done("authority", "set", "301", "live")
    status, said = production("authority", "set", "301", "live")
    assert (status, "somebody else must confirm" in said) == (1, True)
    assert production.rows("SELECT state FROM authorities") == [("trial",)]
    assert "Authority 301 is live now." in production.done("authority", "set", "301", "live", by="ben")
    assert production.rows("SELECT actor_id FROM audit_events WHERE action IN ('authority.ask', 'authority.live') ORDER BY id") == [
        ("ann",), ("ben",),
    ]  # fmt: skip


def test_a_successor_is_shown(desk: Desk) -> None:
    desk.done(*ADD)
    desk.done(*("302" if each == "301" else each for each in ADD))
    desk.done("authority", "details", "301", "--successor", "302")
    assert "Its successor is authority 302" in desk.done("authority", "status", "301")


def test_a_site_says_what_it_lacks_and_what_was_asked_for_can_be_taken_back(production: Desk) -> None:
    production.done(*ADD)
    production.done(*ADD_SITE)
    shown = production.done("site", "status", "r0a01")
    assert "Authority where the site stands │ trial, live │ Not set." in shown
    production.done("site", "details", "R0A01", "--host-authority", "301", "--safeguarding-phone", "020 7946 0033")
    assert "You rang 020 7946 0033" in production.done("site", "confirm", "R0A01", "safeguarding-phone")
    assert production.rows("UPDATE sites SET state = 'live' RETURNING 1") == [(1,)]
    assert "Asked for." in production.done("site", "set-state", "R0A01", "trial")
    production.done("site", "withdraw", "R0A01", by="ben")
    assert production.rows("SELECT decision, decided_name FROM state_requests") == [("withdrawn", "ben on the command line")]
    assert "is paused now" in production.done("site", "set-state", "R0A01", "paused")


def test_agreements_are_listed_ended_and_said_to_run_out(desk: Desk) -> None:
    desk.done(*ADD)
    desk.done(*ADD_SITE)
    desk.done(*AGREE, "--authority", "301", "--ends", str(england_day(now()) + timedelta(days=9)))
    desk.done(*AGREE, "--organisation", "r0a")
    listed = desk.done("authority", "agreement", "list")
    assert "The agreement with authority 301 runs out in 9 days. Flags keep showing" in listed
    assert "organisation R0A │ Sharing 2026 │ 2026-01-01 │ until it is ended │ in force" in listed
    assert "authority 301" not in desk.done("authority", "agreement", "list", "--organisation", "R0A")
    [(agreement,)] = desk.rows("SELECT id FROM agreements WHERE party_kind = 'organisation'")
    desk.done("authority", "agreement", "end", str(agreement), "--reason", "Replaced", "--last-day", "2026-01-31")
    assert "2026-01-31 │ not in force" in desk.done("authority", "agreement", "list", "--organisation", "R0A")


def test_a_sample_is_drawn_and_listed_without_anybodys_name(desk: Desk, tmp_path: Path) -> None:
    desk.done(*ADD, "--live")
    extract = tmp_path / "first.csv"
    extract.write_bytes(a_file(row(family_name="Marchbank")))
    desk.done("extract", "load", str(extract), "--authority", "301", "--extracted-at", f"{england_day(now())} 00:00:00")
    drawn = desk.done("authority", "sample", "draw", "301", "--seed", "7")
    assert "Drew 1 of 1 open plans of authority 301" in drawn
    listed = desk.done("authority", "sample", "list")
    assert re.search(r"301 │ 1 │ 0 │ 0 │ 0 │ 1 │ none yet │ 7", listed)
    assert "Marchbank" not in drawn + listed
