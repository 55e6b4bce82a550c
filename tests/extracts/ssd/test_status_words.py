"""An authority's own words for legal statuses and reasons: told on the command line, audited, and read with its datasets."""

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from flags_store.extract_formats.ssd_words import LEGAL_STATUSES, REASONS, fold, reason_code, status_code
from flags_store.ssd_terms import read_statuses
from nightlight.cli import app
from runtime.database import Database
from tests.conftest import FreshDatabase


@pytest.fixture
def url(fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    for code in ("301", "302"):
        add = ["authority", "add", code, "--name", code, "--office-phone", "020 7946 0001", "--emergency-phone", "020 7946 0002"]
        assert CliRunner().invoke(app, add).exit_code == 0
    return fresh_database.service_url


def status_word(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["authority", "status-word", *arguments])


def events(url: str) -> list[Any]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT action, subject_id, detail FROM audit_events WHERE action LIKE 'authority.%status-word' ORDER BY id"
        ).fetchall()


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (("set", "399", "Respite", "V4"), "there is no authority 399"),
        (("set", "301", "Respite", "V9"), '"V9" is neither a legal status such as C2 or V4 nor a reason'),
        (("set", "301", " - ", "V4"), "say the words as the extract has them"),
        (("remove", "301", "Respite"), "authority 301 has not said what “respite” means"),
    ],
    ids=["unknown authority", "unknown code", "no words", "never told"],
)
def test_what_cannot_be_told_is_refused_in_one_line_and_leaves_no_trace(
    url: str, arguments: tuple[str, ...], complaint: str
) -> None:
    result = status_word(*arguments)
    assert result.exit_code == 1
    assert complaint in result.output
    assert events(url) == []


def test_words_are_told_listed_changed_and_forgotten_each_with_its_audit_event(url: str) -> None:
    assert "“section 20 respite” means V4" in status_word("set", "301", "Section 20 – Respite", "v4").output
    assert status_word("set", "301", "section 20: respite", "V3").exit_code == 0
    assert status_word("set", "302", "Adoption order made", "E11").exit_code == 0
    listed = status_word("list", "301").output
    assert [word in listed for word in ("section 20 respite", "V3", "E11")] == [True, True, False]

    async def read() -> dict[str, str]:
        async with Database(url) as database, database.transaction() as transaction:
            return await read_statuses(transaction, "301")

    assert asyncio.run(read()) == {"section 20 respite": "V3"}
    assert status_word("remove", "301", "SECTION 20 RESPITE").exit_code == 0
    assert asyncio.run(read()) == {}
    assert [(action, subject) for action, subject, _ in events(url)] == [
        ("authority.set-status-word", "301"), ("authority.set-status-word", "301"), ("authority.set-status-word", "302"),
        ("authority.remove-status-word", "301"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text, code",
    [
        ("C2", "C2"),
        (" v4 ", "V4"),
        ("V4 - Short breaks", "V4"),
        ("V3: Accommodated under an agreed series of short-term breaks", "V3"),
        ("Full Care Order", "C2"),
        ("Accommodated under an agreed series of short term breaks, when individual episodes of care are recorded", "V3"),
        ("Respite", "V4"),
        ("respite.", "V4"),
        ("V45", None),
        ("Special guardianship order", None),
        ("E11", None),
        ("", None),
    ],
)  # fmt: skip
def test_a_legal_status_is_known_by_code_by_national_description_or_by_the_authoritys_own_words(
    text: str, code: str | None
) -> None:
    assert status_code(text, {"respite": "V4"}) == code


@pytest.mark.parametrize(
    "text, code",
    [
        ("X1", "X1"),
        ("X1 - Episode ceases, and new episode begins on same day, for any reason", "X1"),
        ("Episode ceases, and new episode begins on same day, for any reason", "X1"),
        ("E11", "E11"),
        ("Adopted - application for an adoption order unopposed", "E11"),
        ("Adopted – consent dispensed with by the court", "E12"),
        ("E4A Returned home", "E4A"),
        ("Adoption order made", "E12"),
        ("Placed for adoption", None),
        ("C2", None),
    ],
)  # fmt: skip
def test_a_reason_is_known_in_the_same_three_ways(text: str, code: str | None) -> None:
    assert reason_code(text, {"adoption order made": "E12"}) == code


def test_an_authoritys_own_words_come_before_what_they_look_like() -> None:
    assert status_code("V4 full-time", {"v4 full time": "V2"}) == "V2"


def test_every_national_code_is_known_by_itself() -> None:
    assert {status_code(code, {}) for code in LEGAL_STATUSES} == LEGAL_STATUSES
    assert {reason_code(code.lower(), {}) for code in REASONS} == REASONS


def test_folding_twice_is_folding_once() -> None:
    assert fold(fold("Section 20 — Respite (V4)!")) == fold("Section 20 — Respite (V4)!") == "section 20 respite v4"
