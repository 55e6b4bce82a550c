"""The words of a trace: who can be traced, and whose details are the same."""

from datetime import date
from typing import Any

import pytest

from domain.trace import (
    LONGEST_NAME,
    Confidentiality,
    Demographics,
    Detail,
    Gender,
    Held,
    NoTrace,
    NotVerified,
    NotVerifiedReason,
    differing,
    is_spelled_alike,
)

BORN = date(2018, 5, 6)


@pytest.mark.parametrize(
    "family,given",
    [
        ("", "Amelia"),
        ("  ", "Amelia"),
        ("Smi*", "Amelia"),
        ("Smith", "A*"),
        ("X" * (LONGEST_NAME + 1), "Amelia"),
        ("Smith", "X" * (LONGEST_NAME + 1)),
        ("Unknown", "Male Seven"),
        ("Harding", "Baby"),
        ("BABY OF", "Harding"),
        ("Twin One", ""),
    ],
)
def test_nobody_is_traced_by_a_placeholder_a_wildcard_or_no_name(family: str, given: str) -> None:
    assert not Demographics(family, BORN, given).can_be_traced


@pytest.mark.parametrize("family,given", [("Harding", "Amelia"), ("Harding", ""), ("O'Brien-Lowe", "Zoë"), ("Ng", "Li")])
def test_a_family_name_and_a_birth_date_are_enough(family: str, given: str) -> None:
    assert Demographics(family, BORN, given).can_be_traced


def test_gender_and_postcode_are_left_out_first() -> None:
    told = Demographics("Harding", BORN, "Amelia", Gender.FEMALE, "TE1 1ST")
    assert told.widened == Demographics("Harding", BORN, "Amelia")


@pytest.mark.parametrize(
    "held,differs",
    [
        (Held((("Harding", ("Amelia",)),), BORN), ()),
        (Held((("HARDING", ("AMELIA", "Rose")),), BORN), ()),
        (Held((("Har-ding", ("Rose", "Amelia")),), BORN), ()),
        (Held((("Lowe", ("Amelia",)), ("Harding", ("Amelia",))), BORN), ()),
        (Held((("Hardinge", ("Amelia",)),), BORN), (Detail.FAMILY_NAME,)),
        (Held((("Harding", ("Isla",)),), BORN), (Detail.GIVEN_NAME,)),
        (Held((("Harding", ("Isla",)), ("Lowe", ("Amelia",))), BORN), (Detail.GIVEN_NAME,)),
        (Held((("Harding", ()),), BORN), (Detail.GIVEN_NAME,)),
        (Held((("Harding", ("Amelia",)),), date(2018, 6, 5)), (Detail.BIRTH_DATE,)),
        (Held((("Lowe", ("Amelia",)),), date(2018, 6, 5)), (Detail.BIRTH_DATE, Detail.FAMILY_NAME)),
        (Held((), BORN), None),
        (Held((("Harding", ("Amelia",)),), None), None),
    ],
)
def test_what_differs_is_named_and_too_little_is_no_agreement(held: Held, differs: tuple[Detail, ...] | None) -> None:
    assert differing(Demographics("Harding", BORN, "Amelia"), held) == differs


@pytest.mark.parametrize(
    "given,agrees", [("Mary Ann", True), ("Mary", True), ("Ann", False), ("Maryann", True), ("", True), (" ", True)]
)
def test_a_given_name_of_two_words_is_one_name_or_its_first(given: str, agrees: bool) -> None:
    held = Held((("Harding", ("Mary Ann", "Mary")),), BORN)
    assert (differing(Demographics("Harding", BORN, given), held) == ()) is agrees


@pytest.mark.parametrize(
    "code,sensitive",
    [(Confidentiality.UNRESTRICTED, False), (Confidentiality.RESTRICTED, True), (Confidentiality.VERY_RESTRICTED, True)],
)
def test_restricted_and_very_restricted_are_sensitive(code: Confidentiality, sensitive: bool) -> None:
    assert code.is_sensitive is sensitive


@pytest.mark.parametrize("reason", NotVerifiedReason)
def test_only_what_may_pass_later_is_asked_again(reason: NotVerifiedReason) -> None:
    never: set[Any] = {NotVerifiedReason.NOT_CONFIGURED, NotVerifiedReason.TOO_LITTLE, NotVerifiedReason.UNVERIFIED}
    assert reason.is_temporary is (reason not in never)


async def test_without_pds_nobody_is_verified_and_nothing_fails() -> None:
    expected = NotVerified(NotVerifiedReason.NOT_CONFIGURED)
    assert await NoTrace().find(Demographics("Harding", BORN)) == expected


@pytest.mark.parametrize(
    "given,held,agrees",
    [
        ("Mary Ann", ("Mary", "Ann"), True),
        ("Mary-Ann", ("Mary", "Ann"), True),
        ("Mary", ("Mary", "Ann"), True),
        ("Ann", ("Mary", "Ann"), True),
        ("Ann Mary", ("Mary", "Ann"), True),
        ("Mary Rose", ("Mary", "Ann"), True),
        ("Rose", ("Mary", "Ann"), False),
        ("Anne", ("Mary", "Ann"), False),
    ],
    ids=[
        "all exact", "all but for a hyphen", "first equals first", "first equals any", "first of two equals any", "first alone",
        "none", "nearly",
    ],
)  # fmt: skip
def test_given_names_agree_all_then_first_with_first_then_first_with_any(given: str, held: tuple[str, ...], agrees: bool) -> None:
    assert (differing(Demographics("Harding", BORN, given), Held((("Harding", held),), BORN)) == ()) is agrees


@pytest.mark.parametrize(
    "family,given,alike",
    [
        ("O'Brien-Lowe", "Amelia", True),
        ("O'Brien-Lowe", "Amelia Rose", True),
        ("O'Brien-Lowe", "Rose", True),
        ("O'Brien-Lowe", "", True),
        ("OBrien Lowe", "Amelia", False),
        ("o'brien-lowe", "Amelia", False),
        ("O’Brien-Lowe", "Amelia", False),
        ("O'Brien-Lowe", "AMELIA", False),
    ],
)
def test_another_spelling_of_the_same_name_is_told(family: str, given: str, alike: bool) -> None:
    told, held = Demographics(family, BORN, given), Held((("O'Brien-Lowe", ("Amelia", "Rose")),), BORN)
    assert differing(told, held) == ()
    assert is_spelled_alike(told, held) is alike
