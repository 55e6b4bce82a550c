"""What an authority has set, changed on the command line: refused in one line, audited, and only what is named changes."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from flags_store.authority_details import Superseded, check_sends
from nightlight.cli import app
from runtime.database import Database
from tests.conftest import FreshDatabase

COLUMNS = """
    name, office_phone, emergency_phone, alert_email, data_email, mesh_mailbox, gss_code, code_scheme, successor_code,
    shrink_share::float8, surge_share::float8, rhythm::text, short_breaks
"""
AS_ADDED = (
    "Northmoor Council", "020 7946 0001", "020 7946 0002", "team@301.example", None, None, None, "dfe", None, 0.1, 0.5, "1 day",
    False,
)  # fmt: skip

Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def rows(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rows:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    for code, name in (("301", "Northmoor Council"), ("302", "Southmoor Council"), ("303", "Moorland Council")):
        add = ["authority", "add", code, "--name", name, "--office-phone", "020 7946 0001", "--emergency-phone", "020 7946 0002"]
        assert CliRunner().invoke(app, [*add, "--email", f"team@{code}.example"]).exit_code == 0

    def read(statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(fresh_database.service_url) as connection:
            return connection.execute(statement.encode()).fetchall()

    return read


def details(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["authority", "details", *arguments])


@pytest.mark.parametrize(
    "arguments,said",
    [
        (["301"], "say what shall change"),
        (["399", "--name", "Nowhere"], "there is no authority 399"),
        (["301", "--name", " "], "needs a name"),
        (["301", "--office-phone", "ask for Jo"], '"ask for Jo" is not a phone number'),
        (["301", "--emergency-phone", "12"], '"12" is not a phone number'),
        (["301", "--email", "team"], '"team" is not an e-mail address'),
        (["301", "--data-email", "a b@c.example"], "is not an e-mail address"),
        (["301", "--mesh-mailbox", "X-1"], '"X-1" is not a MESH mailbox'),
        (["301", "--mesh-mailbox", "x26la302"], "the MESH mailbox X26LA302 is that of authority 302"),
        (["301", "--gss-code", "301"], '"301" is not a GSS code'),
        (["301", "--code-scheme", "gss"], "301 is not a code of that scheme (gss)"),
        (["301", "--successor", "399"], "there is no authority 399"),
        (["301", "--successor", "301"], "cannot succeed itself"),
        (["301", "--successor", "302"], "302 already: successors cannot go in a circle"),
        (["301", "--shrink-share", "0"], "a share lies above 0"),
        (["301", "--shrink-share", "1.5"], "and is 1 at most"),
        (["301", "--surge-share", "-1"], "a share lies above 0"),
        (["301", "--rhythm-hours", "0"], "a rhythm is longer than nothing"),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, list) else "",
)
def test_what_cannot_be_set_is_said_and_changes_nothing(
    rows: Rows, arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert details("302", "--mesh-mailbox", "X26LA302").exit_code == 0
    assert details("302", "--successor", "303").exit_code == 0
    assert details("303", "--successor", "301").exit_code == 0
    done = details(*arguments)
    assert done.exit_code == 1
    assert said in done.output + capfd.readouterr().err
    assert rows(f"SELECT {COLUMNS} FROM authorities WHERE code = '301'") == [AS_ADDED]
    assert rows("SELECT 1 FROM audit_events WHERE action = 'authority.details' AND subject_id = '301'") == []


@pytest.mark.parametrize("option", ["--office-phone", "--emergency-phone"])
def test_an_authority_is_not_added_with_a_phone_that_nobody_could_dial(
    rows: Rows, option: str, capfd: pytest.CaptureFixture[str]
) -> None:
    phones = {"--office-phone": "020 7946 0001", "--emergency-phone": "020 7946 0002"} | {option: "reception"}
    add = ["authority", "add", "304", "--name", "Eastmoor", *(each for pair in phones.items() for each in pair)]
    done = CliRunner().invoke(app, add)
    assert (done.exit_code, rows("SELECT 1 FROM authorities WHERE code = '304'")) == (1, [])
    assert '"reception" is not a phone number' in done.output + capfd.readouterr().err


@pytest.mark.parametrize("phone", ["020 7946 0101", "+44 (0)20 7946 0101", "101", "020-7946-0101 ext 12", " 999 "])
def test_phones_are_taken_as_people_write_them(rows: Rows, phone: str) -> None:
    assert details("301", "--office-phone", phone).exit_code == 0
    assert rows("SELECT office_phone FROM authorities WHERE code = '301'") == [(phone.strip(),)]


def test_only_what_is_named_changes_and_it_is_audited(rows: Rows) -> None:
    done = details(
        "301", "--data-email", "data@301.example", "--mesh-mailbox", "x26la301", "--gss-code", "e10000099", "--successor", "303",
        "--shrink-share", "0.05", "--surge-share", "2", "--rhythm-hours", "168", "--short-breaks", "--code-scheme", "dfe",
    )  # fmt: skip
    assert done.exit_code == 0
    assert rows(f"SELECT {COLUMNS} FROM authorities WHERE code = '301'") == [
        (*AS_ADDED[:4], "data@301.example", "X26LA301", "E10000099", "dfe", "303", 0.05, 2.0, "7 days", True)
    ]
    assert details("301", "--data-email", "", "--successor", "", "--no-short-breaks").exit_code == 0
    assert rows("SELECT data_email, successor_code, short_breaks, name FROM authorities WHERE code = '301'") == [
        (None, None, False, "Northmoor Council")
    ]
    audited = "SELECT detail FROM audit_events WHERE action = 'authority.details' ORDER BY id DESC LIMIT 1"
    assert rows(audited) == [({"data_email": None, "successor_code": None, "short_breaks": False},)]


def test_an_authority_with_a_successor_sends_no_more_and_is_told_who_does(rows: Rows, fresh_database: FreshDatabase) -> None:
    assert details("301", "--successor", "303").exit_code == 0
    assert rows("SELECT state FROM authorities WHERE code = '301'") == [("setting-up",)], "its flags stay with it"

    async def load(code: str) -> None:
        async with Database(fresh_database.service_url) as database, database.transaction() as transaction:
            await check_sends(transaction, code)

    asyncio.run(load("302"))
    with pytest.raises(Superseded, match="301 has been succeeded by 303, Moorland Council: load the extract for 303"):
        asyncio.run(load("301"))
