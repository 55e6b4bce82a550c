"""The NHS number, held against the library that the NHS community keeps (the house's own words import no library)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nhs_number.validate import is_valid

from domain.errors import InvalidNhsNumber
from domain.nhs_number import check_digit, is_issued_in_england, is_synthetic, parse_nhs_number, to_spaced


@pytest.mark.parametrize(
    "text",
    [
        "",
        "999000001",
        "99900000180",
        "9990000019",
        "999 00 00018",
        "９９９００００１８",
        "999.000.0018",
        "999000001X",
        "9990000018\x00",
        "one",
    ],
)
def test_what_is_no_nhs_number_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(InvalidNhsNumber) as refused:
        parse_nhs_number(text)
    assert not text or text not in str(refused.value)


@pytest.mark.parametrize("text", ["9990000018", "999 000 0018", "999-000-0018", "  999 000 0018 "])
def test_spaces_and_hyphens_between_the_groups_make_no_difference(text: str) -> None:
    assert parse_nhs_number(text) == "9990000018"


@given(st.integers(4_000_000_000, 9_999_999_999))
def test_the_check_digit_is_the_one_of_the_standard(number: int) -> None:
    text = f"{number:010}"
    try:
        accepted = parse_nhs_number(text) == text
    except InvalidNhsNumber:
        accepted = False
    assert accepted == is_valid(text)


def test_a_stem_whose_check_digit_would_be_ten_is_never_issued() -> None:
    stem = next(str(stem) for stem in range(999_000_000, 999_001_000) if check_digit(str(stem)) is None)
    assert not any(is_valid(f"{stem}{digit}") for digit in range(10))


def test_ranges_tell_invented_numbers_from_issued_ones() -> None:
    invented, issued, repeated = (
        parse_nhs_number(text) for text in ("9990000018", f"450557710{check_digit('450557710')}", "4" * 10)
    )
    assert is_synthetic(invented)
    assert not is_issued_in_england(invented)
    assert is_issued_in_england(issued)
    assert not is_issued_in_england(repeated)


def test_people_read_three_three_four() -> None:
    assert to_spaced(parse_nhs_number("9990000018")) == "999 000 0018"
