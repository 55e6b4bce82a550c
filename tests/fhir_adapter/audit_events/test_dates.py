"""The value of a date parameter: what each prefix and each precision means, and that nothing else is taken for a date."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_adapter.audit_events.dates import read_period
from fhir_adapter.errors import Refused


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    "value, begin, end",
    [
        ("2026", at(2026, 1, 1), at(2027, 1, 1)),
        ("2026-12", at(2026, 12, 1), at(2027, 1, 1)),
        ("eq2026-03-03", at(2026, 3, 3), at(2026, 3, 4)),
        ("2026-03-29", at(2026, 3, 29), at(2026, 3, 29, 23)),
        ("2026-10-25", at(2026, 10, 24, 23), at(2026, 10, 26)),
        ("2026-07-01T10:00", at(2026, 7, 1, 9), at(2026, 7, 1, 9, 1)),
        ("2026-07-01T10:00:00Z", at(2026, 7, 1, 10), at(2026, 7, 1, 10, 0, 1)),
        ("2026-07-01T10:00:00.5+02:00", at(2026, 7, 1, 8, 0, 0, 500000), at(2026, 7, 1, 8, 0, 0, 500001)),
        ("ge2026-03-03", at(2026, 3, 3), None),
        ("gt2026-03-03", at(2026, 3, 4), None),
        ("le2026-03-03", None, at(2026, 3, 4)),
        ("lt2026-03-03", None, at(2026, 3, 3)),
    ],
)
def test_a_date_is_a_period_of_its_own_precision(value: str, begin: datetime | None, end: datetime | None) -> None:
    assert read_period(value) == (begin, end)


@pytest.mark.parametrize(
    "value",
    ["", "ge", "2026-02-30", "2026-13", "20260303", "2026-03-03T", "2026-03-03T25:00Z", "ne2026", "ap2026", "xx2026", "2026-03-03Z",
     "0000", "9999", "2026-03-03T10:00:00+99:00", "٢٠٢٦"],
)  # fmt: skip
def test_what_is_no_date_is_refused(value: str) -> None:
    with pytest.raises(Refused):
        read_period(value)


@given(st.text() | st.from_regex(r"(ge|lt)?\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?", fullmatch=True))
def test_whatever_comes_is_a_period_or_refused(value: str) -> None:
    try:
        begin, end = read_period(value)
    except Refused:
        return
    assert begin is not None or end is not None
    assert all(each is None or each.tzinfo for each in (begin, end))
    assert begin is None or end is None or begin < end
