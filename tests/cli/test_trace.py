"""`nightlight trace`: what it refuses, what it says in plain words, and that each question is written down."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from domain.nhs_number import to_spaced
from domain.trace import (
    Confidentiality,
    Detail,
    DetailsDiffer,
    Invalidated,
    NotFound,
    NotUnique,
    NotVerified,
    NotVerifiedReason,
    Superseded,
    Traced,
    Verified,
)
from nightlight.cli.trace import lines_of
from tests.cli.test_hl7_quarantine import Store, store
from tests.conftest import FreshDatabase
from tests.fhir_adapter.pds.register import (
    AMELIA,
    INVALID,
    NOBODY,
    OLD,
    PEOPLE,
    SENSITIVE,
    Register,
    environment,
    register_in_a_thread,
)

__all__ = ["store"]  # a fixture

TOLD = ["--family", "OBrien Example", "--given", "Amelia", "--birth-date", "2018-05-06"]
AUDIT = "SELECT action, detail ->> 'outcome', detail ->> 'purpose', subject_id FROM audit_events WHERE action LIKE 'trace.%'"


@pytest.fixture
def register(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    """The stand-in in a thread of its own, and the settings that lead to it."""
    with register_in_a_thread(PEOPLE) as register:
        for name, value in environment(register, tmp_path).items():
            monkeypatch.setenv(name, value)
        yield register


@pytest.mark.parametrize(
    "arguments,said",
    [
        ([], "a family name and a date of birth at least"),
        (["9990000019"], "check digit"),
        (["--family", "Example"], "a family name and a date of birth at least"),
        (["--birth-date", "2018-05-06"], "a family name and a date of birth at least"),
        ([AMELIA, "--given", "Amelia"], "a family name and a date of birth at least"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line_and_nothing_is_asked(
    store: Store, capfd: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    output = store.run("trace", *arguments, status=1) + capfd.readouterr().err
    assert said in output
    assert len(output.strip().splitlines()) == 1
    assert store.rows(AUDIT) == []


def test_without_pds_it_says_not_verified_and_is_written_down_all_the_same(store: Store) -> None:
    assert "Not verified: no PDS is configured" in store.run("trace", AMELIA, status=1)
    [(action, outcome, purpose, subject)] = store.rows(AUDIT)
    assert (action, outcome, purpose) == ("trace.verify", "not-configured", "support")
    assert AMELIA not in str(subject)


@pytest.mark.parametrize(
    "arguments,status,said",
    [
        ([AMELIA], 0, ["Verified: 999 000 0018 is in PDS.", "nothing was compared"]),
        ([to_spaced(AMELIA), *TOLD], 0, ["Verified: 999 000 0018", "The details agree."]),
        (["--family", "O'Brien-Example", *TOLD[2:]], 0, ["Verified: 999 000 0018", "The details agree."]),
        ([OLD, *TOLD], 1, ["Superseded: the number was replaced by 999 000 0018."]),
        ([INVALID], 1, ["Invalidated", "must not be linked"]),
        ([NOBODY], 1, ["Not found"]),
        ([AMELIA, "--family", "Lowe", "--birth-date", "2018-05-07"], 1, ["Details differ: date of birth, family name."]),
        ([SENSITIVE], 0, ["Verified", "nobody may learn where this person is"]),
        (["--family", "Oakley", "--birth-date", "2018-05-06"], 1, ["Not unique"]),
        (["--family", "Oakley", "--birth-date", "2018-05-06", "--postcode", "TE2 2ST"], 0, ["Verified"]),
        (["--family", "Oak*", "--birth-date", "2018-05-06"], 1, ["Not verified", "too few"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_each_answer_is_said_in_plain_words_and_audited_with_a_purpose(
    store: Store, register: Register, arguments: list[str], status: int, said: list[str]
) -> None:
    output = store.run("trace", *arguments, "--purpose", "safeguarding", status=status)
    assert all(words in output for words in said), output
    [(action, _, purpose, _)] = store.rows(AUDIT)
    assert (action, purpose) == ("trace.verify" if arguments[0][:3] == "999" else "trace.find", "safeguarding")


def test_a_production_store_asks_no_stand_in(
    store: Store, register: Register, fresh_database: FreshDatabase, capfd: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("UPDATE store SET kind = 'production'")
    assert "asks no stand-in" in store.run("trace", AMELIA, status=1) + capfd.readouterr().err
    assert not register.stand_in.asked


EVERY: list[tuple[Traced, str]] = [
    *((NotVerified(reason), "Not verified: ") for reason in NotVerifiedReason),
    (Verified(AMELIA, compared=True), "Verified: "),
    (Verified(AMELIA, compared=True, deceased=True), "Verified: "),
    (Superseded(AMELIA, compared=False), "Superseded: "),
    (Invalidated(), "Invalidated: "),
    (NotFound(), "Not found: "),
    (NotUnique(), "Not unique: "),
    (DetailsDiffer((Detail.BIRTH_DATE,), Confidentiality.VERY_RESTRICTED), "Details differ: "),
]


@pytest.mark.parametrize("traced,begins", EVERY)
def test_no_two_answers_look_alike(traced: Traced, begins: str) -> None:
    assert lines_of(traced)[0].startswith(begins)
    assert [lines_of(other) for other, _ in EVERY].count(lines_of(traced)) == 1


def test_whoever_has_died_or_is_restricted_is_said_to_be() -> None:
    lines = lines_of(Verified(AMELIA, True, Confidentiality.RESTRICTED, deceased=True))
    assert any("has died" in line for line in lines)
    assert any("nobody may learn where" in line for line in lines)
