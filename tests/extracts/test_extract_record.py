"""One line's fields: what each must be, in a test store and in a production store."""

from datetime import date
from typing import Any

import pytest

from domain.flag import FlagKind
from domain.nhs_number import to_spaced
from flags_store.extracts.record import ExtractRecord, RowError
from tests.extracts.files import CHILD, a_file, numbers, read, record, row

ISSUED = numbers(1, 400_000_000)[0]
"""A number as England issues them; nobody's name is ever put to it."""
UNBORN = {"kind": "UCPP", "birth_date": "1998-02-11", "start_date": "2025-01-20"}
DELETED = {"delete_date": "2025-02-01"}


def refusal(changes: dict[str, str], *, is_production: bool = False) -> tuple[str, str]:
    [error] = read(a_file(row(**changes)), is_production=is_production)
    assert isinstance(error, RowError), error
    return error.field, error.code


@pytest.mark.parametrize(
    "changes, field, code",
    [
        ({"nhs_number": ""}, "nhs_number", "missing"),
        ({"nhs_number": "9990000019"}, "nhs_number", "bad-nhs-number"),
        ({"nhs_number": "999000001"}, "nhs_number", "bad-nhs-number"),
        ({"nhs_number": "٩٩٩٠٠٠٠٠١٨"}, "nhs_number", "bad-nhs-number"),
        ({"nhs_number": ISSUED}, "nhs_number", "not-test-number"),
        ({"kind": ""}, "kind", "missing"),
        ({"kind": "CP"}, "kind", "unknown-kind"),
        ({"start_date": ""}, "start_date", "missing"),
        ({"start_date": " "}, "start_date", "missing"),
        ({"start_date": "2025-02-30"}, "start_date", "bad-date"),
        ({"start_date": "02/13/2025"}, "start_date", "bad-date"),
        ({"start_date": "1/2/2025"}, "start_date", "bad-date"),
        ({"start_date": "2025-01-06 00:00"}, "start_date", "bad-date"),
        ({"start_date": "20250106"}, "start_date", "bad-date"),
        ({"start_date": "٢٠٢٥-٠١-٠٦"}, "start_date", "bad-date"),
        ({"start_date": "0000-01-01"}, "start_date", "bad-date"),
        ({"start_date": "1899-12-31"}, "start_date", "bad-date"),
        ({"end_date": "2101-01-01"}, "end_date", "bad-date"),
        ({"end_date": "2025-01-05"}, "end_date", "end-before-start"),
        ({"delete_date": "yes"}, "delete_date", "bad-date"),
        ({"expected_delivery_date": "2025-02-01"}, "expected_delivery_date", "due-date-not-unborn"),
        ({**UNBORN, "expected_delivery_date": "2024-12-22"}, "expected_delivery_date", "due-date-implausible"),
        ({**UNBORN, "expected_delivery_date": "2025-11-25"}, "expected_delivery_date", "due-date-implausible"),
        ({"family_name": ""}, "family_name", "missing"),
        ({"birth_date": ""}, "birth_date", "missing"),
        ({**UNBORN, "birth_date": ""}, "birth_date", "missing"),
        ({"birth_date": "2007-01-06"}, "birth_date", "adult-at-start"),
        ({"kind": "LAC", "birth_date": "2007-01-06"}, "birth_date", "adult-at-start"),
        ({"birth_date": "2004-02-29", "start_date": "2022-03-01"}, "birth_date", "adult-at-start"),
    ],
)
def test_what_does_not_make_sense_is_refused_with_field_and_code(changes: dict[str, str], field: str, code: str) -> None:
    assert refusal(changes) == (field, code)


@pytest.mark.parametrize(
    "number, code",
    [
        (CHILD, "test-number"),
        ("3333333333", "not-issued-number"),
        ("4444444444", "not-issued-number"),
        (numbers(1, 500_000_000)[0], "not-issued-number"),
        (numbers(1, 911_000_000)[0], "not-issued-number"),
    ],
)
def test_a_production_store_refuses_numbers_that_nobody_has(number: str, code: str) -> None:
    assert refusal({"nhs_number": number}, is_production=True) == ("nhs_number", code)


def test_a_production_store_takes_numbers_as_issued_in_england() -> None:
    [came] = read(a_file(row(nhs_number=to_spaced(ISSUED))), is_production=True)
    assert isinstance(came, ExtractRecord)
    assert came.nhs_number == ISSUED


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"nhs_number": "999 000 0018"}, {"nhs_number": CHILD}),
        ({"kind": "lac"}, {"kind": FlagKind.LAC}),
        ({"start_date": "06/01/2025", "end_date": "06/01/2025"}, {"start_date": date(2025, 1, 6), "end_date": date(2025, 1, 6)}),
        ({"given_name": "", "family_name": " O’Malley "}, {"given_name": "", "family_name": "O’Malley"}),
        ({"birth_date": "2007-01-07"}, {"birth_date": date(2007, 1, 7)}),
        ({"birth_date": "2004-02-29", "start_date": "2022-02-28"}, {"start_date": date(2022, 2, 28)}),
        (UNBORN, {"expected_delivery_date": None, "birth_date": date(1998, 2, 11)}),
        ({**UNBORN, "expected_delivery_date": "2024-12-23"}, {"expected_delivery_date": date(2024, 12, 23)}),
        ({**UNBORN, "expected_delivery_date": "2025-11-24"}, {"expected_delivery_date": date(2025, 11, 24)}),
        ({**DELETED, "end_date": "2024-01-01"}, {"delete_date": date(2025, 2, 1)}),
        ({**DELETED, "birth_date": "1960-01-01"}, {"birth_date": date(1960, 1, 1)}),
    ],
)
def test_what_makes_sense_is_read_as_it_is_meant(changes: dict[str, str], expected: dict[str, Any]) -> None:
    came = record(**changes)
    assert {name: getattr(came, name) for name in expected} == expected


def test_the_reason_is_in_words_and_names_no_person() -> None:
    [error] = read(a_file(row(nhs_number="9990000019")))
    assert isinstance(error, RowError)
    assert error.reason.startswith("This is not an NHS number")
    assert "9990000019" not in error.reason
    assert error.record["nhs_number"] == "9990000019"
