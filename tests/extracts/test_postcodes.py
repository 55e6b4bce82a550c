"""A postcode directory is counted into districts; an outward postcode is what is before the last three characters, or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput
from flags_store.postcodes import outward_of, read_directory


@pytest.mark.parametrize(
    "postcode, outward",
    [("", ""), ("NULL", ""), ("12345", ""), ("LS", ""), ("LS1234", ""), ("LS1 4AP", "LS1"), ("LS1 4", "LS1"), ("ls14ap", "LS1"),
     ("LS14 4AP", "LS14"), (" EC1A 1BB ", "EC1A"), ("W1A0AX", "W1A"), ("LS1", "LS1"), ("LS14", "LS14"), ("m1 1ae", "M1")],
)  # fmt: skip
def test_the_first_half_of_a_postcode(postcode: str, outward: str) -> None:
    assert outward_of(postcode) == outward


@given(st.text(max_size=12))
def test_never_more_than_the_first_half_comes_out(text: str) -> None:
    assert len(outward_of(text)) <= 4


@pytest.mark.parametrize(
    "lines",
    [[], ["pcds,other", "LS1 4AP,x"], ["postcode,laua", "LS1 4AP,E08000035"], ["pcds,laua"], ["pcds,laua", "nothing,E08000035"],
     ["pcds,laua", "LS1 4AP,Leeds"], ["pcds,doterm,laua", "LS1 4AP,201201,E08000035"]],
)  # fmt: skip
def test_a_file_without_postcodes_and_authorities_is_refused(lines: list[str]) -> None:
    with pytest.raises(InvalidInput):
        read_directory(lines)


def test_a_district_is_shared_by_the_authorities_in_which_its_postcodes_lie() -> None:
    lines = ["pcd,doterm,oslaua", "LS1 4AP,,E08000035", "LS1 4AQ,,E08000035", "LS1 4AR,,E08000035", "LS1 4AS,,E08000036",
             "LS1 4AT,201201,E08000036", "BD1 1AA,,E08000032"]  # fmt: skip
    assert read_directory(lines) == {"LS1": {"E08000035": 0.75, "E08000036": 0.25}, "BD1": {"E08000032": 1.0}}


def test_the_newer_names_of_the_columns_are_known_too() -> None:
    assert read_directory(["x,pcds,lad25cd", "1,LS1 4AP,E08000035"]) == {"LS1": {"E08000035": 1.0}}
