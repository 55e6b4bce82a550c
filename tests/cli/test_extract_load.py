"""`nightlight extract load`: what is not understood is refused, and any format is loaded as it is declared."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from nightlight.cli import app
from tests.conftest import FreshDatabase
from tests.extracts.files import a_file, numbers, row
from tests.extracts.v3.files import GOOD as NATIONAL

ROOT = Path(__file__).resolve().parents[2]

TAKEN = ("--extracted-at", "2026-03-01 06:30:00")


@pytest.fixture
def store(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection[Any]]:
    """A store with an authority."""
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path / "data"))
    phones = ("--office-phone", "01632 960301", "--emergency-phone", "01632 961301")
    assert CliRunner().invoke(app, ["authority", "add", "301", "--name", "Ambershire", *phones]).exit_code == 0
    with psycopg.connect(fresh_database.owner_url, autocommit=True) as connection:
        yield connection


def load(path: Path, *options: str, status: int = 0) -> str:
    result = CliRunner().invoke(app, ["extract", "load", str(path), "--authority", "301", *options], env={"COLUMNS": "200"})
    assert result.exit_code == status, result.output
    return " ".join(result.output.split())


@pytest.mark.parametrize("options", [("--scope", "everything"), ("--counts", "12"), ("--counts", "XYZ=1")], ids=" ".join)
def test_what_is_not_understood_loads_nothing(store: psycopg.Connection[Any], tmp_path: Path, options: tuple[str, str]) -> None:
    file = tmp_path / "extract.csv"
    file.write_bytes(a_file(row()))
    result = CliRunner().invoke(app, ["extract", "load", str(file), "--authority", "301", *TAKEN, *options])
    assert result.exit_code != 0
    assert store.execute("SELECT count(*) FROM extracts").fetchone() == (0,)


def test_what_is_declared_is_written_down_and_differences_are_named(store: psycopg.Connection[Any], tmp_path: Path) -> None:
    file = tmp_path / "extract.csv"
    file.write_bytes(a_file(row()))
    said = load(file, *TAKEN, "--scope", "full", "--counts", "CPP=3,LAC=0")
    assert "You say that you hold 3 open plans of kind CPP; after this extract 1 are held." in said
    declared = store.execute("SELECT scope, declared, came_by, extracted_at = '2026-03-01 06:30+00' FROM extracts").fetchone()
    assert declared == ("full", {"CPP": 3, "LAC": 0}, "command", True)


def test_xml_says_itself_when_it_was_taken(store: psycopg.Connection[Any], tmp_path: Path) -> None:
    file = tmp_path / "upload.xml"
    file.write_bytes(NATIONAL)
    load(file)
    taken = store.execute("SELECT file_format, sequence_number, extracted_at = '2025-09-01 06:30+00' FROM extracts").fetchone()
    assert taken == ("v3", 7, True)


def test_a_file_without_a_time_was_taken_when_it_was_last_changed(store: psycopg.Connection[Any], tmp_path: Path) -> None:
    file = tmp_path / "extract.csv"
    file.write_bytes(a_file(row()))
    os.utime(file, (1_760_000_000, 1_760_000_000))
    load(file)
    assert store.execute("SELECT extract(epoch FROM extracted_at)::bigint FROM extracts").fetchone() == (1_760_000_000,)


def test_a_dataset_is_loaded_from_the_folder_of_its_tables(store: psycopg.Connection[Any]) -> None:
    result = CliRunner().invoke(app, ["extract", "load", str(ROOT / "docs/examples/ssd"), "--authority", "301", *TAKEN])
    assert result.exit_code in {0, 2}, result.output
    [(file_format, opened)] = store.execute("SELECT file_format, opened FROM extracts").fetchall()
    assert file_format == "ssd"
    assert opened > 0


def test_an_extract_of_which_all_is_held_was_not_refused(store: psycopg.Connection[Any], tmp_path: Path) -> None:
    file, people = tmp_path / "extract.csv", numbers(8)
    file.write_bytes(a_file(*(row(nhs_number=number) for number in people)))
    load(file, *TAKEN)
    file.write_bytes(a_file(*(row(nhs_number=number, end_date="2026-03-01") for number in people)))
    said = load(file, "--extracted-at", "2026-03-02 06:30:00", status=2)
    assert "8 held" in said
