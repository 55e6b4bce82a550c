"""What is said of an extract: refused unless it is clear, and read the same at every door."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.flag import FlagKind
from runtime.clock import now
from safeguarding.extracts.declaring import counts_text, read_counts, read_instant, says_when_it_was_taken


@pytest.mark.parametrize(
    "text", ["12", "CPP", "CPP=", "CPP=-1", "CPP=1.5", "XYZ=1", "CPP=1,", "CPP=1,CPP=2", "CPP=1234567", "CPP=١"]
)
def test_counts_that_are_not_clear_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="CPP=12,LAC=40"):
        read_counts(text)


@pytest.mark.parametrize(
    "text, counts",
    [
        ("", {}),
        ("  ", {}),
        ("CPP=12", {FlagKind.CPP: 12}),
        (" cpp = 0 , LAC=40,ucpp=3", {FlagKind.CPP: 0, FlagKind.LAC: 40, FlagKind.UCPP: 3}),
    ],
)
def test_counts_are_read_by_kind(text: str, counts: dict[FlagKind, int]) -> None:
    assert read_counts(text) == counts


@given(st.dictionaries(st.sampled_from(FlagKind), st.integers(0, 999_999)))
def test_counts_that_are_written_are_read_the_same(counts: dict[FlagKind, int]) -> None:
    assert read_counts(counts_text(counts)) == counts


@pytest.mark.parametrize("text", ["", "yesterday", "2026-03-01T06:30:00", "2026-03-01", "06:30", "2026-02-30T06:30:00Z"])
def test_a_time_without_a_day_or_a_zone_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="its zone"):
        read_instant(text)


def test_a_time_in_the_future_is_refused_but_for_what_clocks_differ() -> None:
    with pytest.raises(InvalidInput, match="future"):
        read_instant((now() + timedelta(minutes=6)).isoformat())
    assert read_instant((now() + timedelta(minutes=4)).isoformat()) > now()


@pytest.mark.parametrize("text", ["2026-03-01T06:30:00Z", "2026-03-01T07:30:00+01:00", "20260301T063000Z"])
def test_a_time_is_an_instant_in_any_zone(text: str) -> None:
    assert read_instant(text) == datetime(2026, 3, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "first, says",
    [(b"<?xml", True), (b"\xef\xbb\xbf <File", True), (b"nhs_number,kind", False), (b"PK\x03\x04", False), (b"", False)],
)
def test_only_xml_says_itself_when_it_was_taken(first: bytes, says: bool) -> None:
    assert says_when_it_was_taken(first) is says
