"""The commands about what waits: nobody is named, and an operator decides only for a data officer who did not send it."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from nightlight.cli import app
from tests.conftest import FreshDatabase
from tests.extracts.files import a_file, numbers, row

ADD = ["authority", "add", "301", "--name", "Ambershire", "--office-phone", "01632 960301", "--emergency-phone", "01632 961301"]
PEOPLE = numbers(12)
EARLIER, LATER = datetime(2025, 9, 1, tzinfo=UTC), datetime(2025, 9, 2, tzinfo=UTC)


class Desk:
    """The commands as people type them."""

    def __init__(
        self, fresh: FreshDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self.fresh, self.folder, self._monkeypatch, self._capfd = fresh, folder, monkeypatch, capfd

    def __call__(self, *arguments: str, by: str = "ann") -> tuple[int, str]:
        self._monkeypatch.setattr("getpass.getuser", lambda: by)
        self._capfd.readouterr()
        done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "300"})
        return done.exit_code, " ".join((done.output + "".join(self._capfd.readouterr())).split())

    def load(self, content: bytes, at: datetime, by: str = "ann") -> str:
        path = self.folder / "extract.csv"
        path.write_bytes(content)
        _, said = self("extract", "load", str(path), "--authority", "301", "--extracted-at", at.isoformat(" "), by=by)
        assert "records:" in said or "record:" in said, said
        return self.waiting()

    def waiting(self) -> str:
        return self("extract", "held", "list", "--authority", "301")[1]

    def open_plans(self) -> int:
        with psycopg.connect(self.fresh.owner_url) as owner:
            row = owner.execute("SELECT count(*) FROM flags WHERE end_date IS NULL AND deleted_on IS NULL").fetchone()
        return int(row[0]) if row else 0


@pytest.fixture
def desk(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    desk = Desk(fresh_database, tmp_path, monkeypatch, capfd)
    assert desk(*ADD)[0] == 0
    return desk


def hold_all(desk: Desk) -> str:
    """All twelve plans would end: the id of the extract that says so."""
    assert desk.load(a_file(*(row(nhs_number=each) for each in PEOPLE)), EARLIER) == "Nothing waits."
    said = desk.load(a_file(*(row(nhs_number=each, end_date="2025-08-30") for each in PEOPLE)), LATER)
    assert "held: 12 ended, 0 deleted, 0 others (100% of 12 open plans)" in said
    assert "sent by ann on the command line" in said
    assert not any(each in said for each in PEOPLE)
    return said.split()[0]


def test_whoever_loaded_it_must_name_who_decides(desk: Desk) -> None:
    extract = hold_all(desk)
    status, said = desk("extract", "held", "release", extract, "--authority", "301")
    assert (status, "name the data officer who decides about it" in said) == (1, True)
    assert desk.open_plans() == 12


def test_in_production_nobody_releases_for_nobody(desk: Desk) -> None:
    extract = hold_all(desk)
    with psycopg.connect(desk.fresh.owner_url) as owner:
        owner.execute("UPDATE store SET kind = 'production'")
    status, said = desk("extract", "held", "release", extract, "--authority", "301", by="bob")
    assert (status, "an operator does not decide alone" in said) == (1, True)
    status, said = desk(
        "extract", "held", "refuse", extract, "--authority", "301", "--reason", "empty export", "--for", "Sam Second"
    )
    assert (status, said) == (0, "Refused: every plan stays as it is.")
    assert desk.open_plans() == 12


def test_a_release_says_what_was_applied(desk: Desk) -> None:
    extract = hold_all(desk)
    status, said = desk("extract", "held", "release", extract, "--authority", "301", "--for", "Sam Second")
    assert (status, said) == (0, "12 applied, 0 rejected.")
    assert desk.open_plans() == 0
    assert desk.waiting() == "Nothing waits."
    assert desk("extract", "held", "release", extract, "--authority", "301", "--for", "Sam Second")[0] == 1


@pytest.mark.parametrize(
    "command, said, left",
    [
        (["confirm"], "Confirmed: the new plans stand.", 12),
        (["take-back", "--reason", "closed cases"], "11 plans were taken back.", 1),
    ],
    ids=["confirm", "take-back"],
)
def test_a_surge_is_confirmed_or_taken_back(desk: Desk, command: list[str], said: str, left: int) -> None:
    desk.load(a_file(row(nhs_number=PEOPLE[0])), EARLIER)
    waiting = desk.load(a_file(*(row(nhs_number=each) for each in PEOPLE)), LATER)
    assert "shown: 11 opened, beside 1 that were open" in waiting
    name, *options = command
    assert desk("extract", "held", name, waiting.split()[0], "--authority", "301", *options, by="bob") == (0, said)
    assert desk.open_plans() == left
