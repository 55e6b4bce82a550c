"""Times are read in every form that hospitals send, into UTC; what is no time is None and refuses nothing."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hl7_listener.times import format_time, parse_date, parse_time

NO_TIME = [
    "",
    " ",
    '""',
    "0",
    "2025",
    "202505",
    "2025050",
    "20251301",
    "20250230",
    "2025050525",
    "202505052360",
    "20250505232360",
    "2025050523233",
    "20250505232332+1500",
    "20250505232332+0160",
    "20250505232332+01",
    "00000000",
    "tomorrow",
    "٢٠٢٥٠٥٠٥",
    "00010101+0100",
    "05/05/2025 23:23",
]


@pytest.mark.parametrize("text", NO_TIME)
def test_what_names_no_moment_is_none(text: str) -> None:
    assert parse_time(text) is None


@pytest.mark.parametrize(
    "text,utc",
    [
        ("202501051012", "2025-01-05T10:12:00"),
        ("20250105101259", "2025-01-05T10:12:59"),
        ("20250105101259.5", "2025-01-05T10:12:59.500000"),
        ("20250105101259.1234", "2025-01-05T10:12:59.123400"),
        ("20250105101259.123456789", "2025-01-05T10:12:59.123456"),
        ("20250105101259.25+0000", "2025-01-05T10:12:59.250000"),
        ("2025010510", "2025-01-05T10:00:00"),
        ("20250105", "2025-01-05T00:00:00"),
        ("20250705101259", "2025-07-05T09:12:59"),
        ("20250705", "2025-07-04T23:00:00"),
        ("20250705101259+0000", "2025-07-05T10:12:59"),
        ("20250705101259+0100", "2025-07-05T09:12:59"),
        ("202507051012-0500", "2025-07-05T15:12:00"),
        ("20250505232332+1400", "2025-05-05T09:23:32"),
        ("2025-05-05 23:23:32", "2025-05-05T22:23:32"),
        ("2025-05-05T23:23:32", "2025-05-05T22:23:32"),
        ("2025-05-05T23:23:32Z", "2025-05-05T23:23:32"),
        ("2025-05-05T23:23:32.5+01:00", "2025-05-05T22:23:32.500000"),
        ("2025-05-05 23:23", "2025-05-05T22:23:00"),
        ("2025-05-05", "2025-05-04T23:00:00"),
        (" 20250105101259 ", "2025-01-05T10:12:59"),
    ],
)
def test_every_form_of_the_page_is_read_into_utc(text: str, utc: str) -> None:
    parsed = parse_time(text)
    assert parsed == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert parsed is not None
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    "text,utc",
    [
        ("202510260059", "2025-10-25T23:59:00"),
        ("202510260130", "2025-10-26T00:30:00"),
        ("202510260130+0000", "2025-10-26T01:30:00"),
        ("202510260200", "2025-10-26T02:00:00"),
        ("202603290059", "2026-03-29T00:59:00"),
        ("202603290130", "2026-03-29T01:30:00"),
        ("202603290200", "2026-03-29T01:00:00"),
    ],
)
def test_the_hours_when_the_clocks_change_are_read_without_failing(text: str, utc: str) -> None:
    assert parse_time(text) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_a_site_in_another_zone_has_its_own_local_time() -> None:
    assert parse_time("202507051012", ZoneInfo("Europe/Paris")) == datetime(2025, 7, 5, 8, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "2019", "201903", "20190230", "4 March 2019", "1019-3-4", "00000000"])
def test_what_names_no_whole_day_is_no_birth_date(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize(
    "text", ["20190304", "2019-03-04", "201903040000", "20190304000000", "2019-03-04 00:00:00", "20190304233000+0100"]
)
def test_a_birth_date_is_a_day_wherever_it_is_read(text: str) -> None:
    assert parse_date(text) == date(2019, 3, 4)


@given(text=st.text(alphabet="0123456789-+:.TZ ", max_size=30))
def test_no_text_breaks_the_reading_of_times(text: str) -> None:
    time, day = parse_time(text), parse_date(text)
    assert time is None or (time.utcoffset() == timedelta(0) and day is not None)


@given(at=st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - the strategy adds the zone
def test_a_time_that_was_written_is_read_back(at: datetime) -> None:
    at = at.replace(microsecond=0)
    assert parse_time(format_time(at)) == at


@pytest.mark.parametrize(
    "at,written",
    [
        (datetime(2026, 11, 5, 10, 15, 30, tzinfo=UTC), "20261105101530+0000"),
        (datetime(2026, 7, 5, 10, 15, 30, tzinfo=UTC), "20260705111530+0100"),
        (datetime(2026, 7, 5, 10, 15, 30, 999999, tzinfo=timezone(timedelta(hours=2))), "20260705091530+0100"),
    ],
)
def test_times_are_written_as_london_clocks_show_them_with_their_offset(at: datetime, written: str) -> None:
    assert format_time(at) == written
