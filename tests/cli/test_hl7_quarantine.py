"""The quarantine on the command line: what it refuses, what it shows of whom, and that a replay is taken once."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from typer.testing import CliRunner

from hl7_listener.answering import Answerer
from hl7_listener.sender import Sender
from nightlight.cli import app
from tests.conftest import FreshDatabase
from tests.hl7_listener.samples import sample
from tests.safeguarding.house import open_house

A04 = sample("a04_emergency", b"\n")
OF_NEW_SITE = A04.replace(b"|PAS|R0A01|", b"|PAS|R0C01|")
NO_PID = b"\n".join(line for line in A04.split(b"\n") if not line.startswith(b"PID"))
IDENTIFYING = ("9990000018", "HARDING", "Amelia", "20190304")
NEW_SITE = ["site", "add", "R0C01", "--name", "Canal Hospital", "--setting", "emergency-department"]


@dataclass(slots=True)
class Store:
    """A furnished store, and what the command line says of it."""

    url: str

    def hold(self, *messages: bytes) -> list[str]:
        """Messages come that cannot be taken; their ids."""
        asyncio.run(self._hold(messages))
        return [str(each) for (each,) in self.rows("SELECT id FROM quarantine ORDER BY id")]

    async def _hold(self, messages: tuple[bytes, ...]) -> None:
        async with open_house(self.url, furnish=not self.rows("SELECT 1 FROM sites")) as house:
            for message in messages:
                await Answerer(house.desk, house.directory, house.database).answer(message, Sender("127.0.0.1"))

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def run(self, *arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == status, done.output
        return done.output

    def quarantine(self, *arguments: str, status: int = 0) -> str:
        return self.run("hl7", "quarantine", *arguments, status=status)


@pytest.fixture
def store(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    return Store(fresh_database.service_url)


@pytest.mark.parametrize(
    "arguments,said",
    [
        (["show", str(uuid4())], "there is no message"),
        (["replay", str(uuid4())], "there is no message"),
        (["discard", str(uuid4()), "--reason", "sent twice"], "there is no message"),
        (["replay"], "--all"),
        (["replay", str(uuid4()), "--all"], "--all"),
        (["replay", str(uuid4()), "--site", "R0A01"], "--all"),
    ],
)
def test_what_cannot_be_decided_is_said_in_one_line(
    store: Store, arguments: list[str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    printed = store.quarantine(*arguments, status=1) + capfd.readouterr().err
    assert len(printed.strip().splitlines()) == 1
    assert said in printed


def test_nothing_is_discarded_without_a_reason(store: Store) -> None:
    [message_id] = store.hold(NO_PID)
    store.quarantine("discard", message_id, status=2)
    store.quarantine("discard", message_id, "--reason", " ", status=1)
    assert store.rows("SELECT state FROM quarantine") == [("held",)]


def test_the_list_says_who_and_why_and_shows_no_patient(store: Store) -> None:
    assert store.quarantine("list") == "No message is held.\n"
    message_id, other = store.hold(NO_PID, OF_NEW_SITE)
    listed = store.quarantine("list")
    assert message_id in listed
    assert "the message has no PID segment (100)" in listed
    assert "R0A01 from 127.0.0.1, control ID NL000417" in listed
    assert "R0C01 (not known)" in listed
    assert not any(each in listed for each in IDENTIFYING)
    assert store.rows("SELECT 1 FROM audit_events WHERE action LIKE 'quarantine%'") == []
    assert other not in store.quarantine("list", "--site", "R0A01")
    assert store.quarantine("list", "--state", "replayed") == "No message is replayed.\n"


def test_showing_a_message_shows_its_fields_and_is_audited(store: Store) -> None:
    [message_id] = store.hold(OF_NEW_SITE.replace(b"Testtown", b"[red]\x1b[2JTesttown"))
    shown = store.quarantine("show", message_id)
    assert "PID-5   HARDING^Amelia^Rose^^Miss^^L" in shown
    assert "MSH-9   ADT^A04^ADT_A01" in shown
    assert "nightlight site add" in shown, "it says what would mend it"
    assert "\x1b" not in shown
    assert "[red]" in shown
    assert store.rows("SELECT action, actor_kind, subject_id FROM audit_events WHERE action LIKE 'quarantine%'") == [
        ("quarantine.view", "operator", message_id)
    ]


def test_a_replay_says_what_became_of_each_and_takes_a_message_once(store: Store) -> None:
    without_patient, of_new_site = store.hold(NO_PID, OF_NEW_SITE)
    said = store.quarantine("replay", "--all", status=1)
    assert f"{without_patient}  still held: the message has no PID segment (100)" in said
    assert f"{of_new_site}  still held: this peer may not speak for the facility in MSH-4 (204)" in said
    store.run(*NEW_SITE)
    assert f"{of_new_site}  taken" in store.quarantine("replay", "--all", "--site", "R0C01")
    assert "replayed already" in store.quarantine("replay", of_new_site, status=1)
    assert store.rows("SELECT count(*) FROM encounters") == [(1,)]
    assert store.rows("SELECT state FROM quarantine ORDER BY id") == [("held",), ("replayed",)]
    assert store.quarantine("replay", "--all", "--site", "R0C01") == "", "there is nothing left to do"


def test_what_is_discarded_says_by_whom_and_why(store: Store) -> None:
    [message_id] = store.hold(NO_PID)
    store.quarantine("discard", message_id, "--reason", "a test system of the hospital")
    assert store.quarantine("list") == "No message is held.\n"
    listed = store.quarantine("list", "--state", "discarded")
    assert "on the command line: a test system of the hospital" in listed
