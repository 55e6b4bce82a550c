"""Unborn children of a dataset: the plan is the mother's where it is certain who she is, and nobody's where it is not."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.extracts.ssd.files import (
    ADA,
    CHILD,
    EPISODE,
    GRACE,
    IS_MOTHER,
    NOOR,
    UNBORN,
    UNBORN_PLAN,
    WOMAN,
    dataset,
    notes,
    only_refusal,
    read,
    records,
    said,
)

ON_MOTHER = [(GRACE, "UCPP", "2026-01-20", None)]
MAN = {**WOMAN, "pers_person_id": "F1", "pers_single_unique_id": NOOR, "pers_forename": "Paul", "pers_is_mother": "N"}
IS_FATHER = {**IS_MOTHER, "moth_person_id": "F1"}


def unborn(**changes: str) -> dict[str, str]:
    return {**UNBORN, **{f"pers_{name}": value for name, value in changes.items()}}


def woman(**changes: str) -> dict[str, str]:
    return {**WOMAN, **{f"pers_{name}": value for name, value in changes.items()}}


def an_unborn(*, persons: Any = (WOMAN, UNBORN), plans: Any = (UNBORN_PLAN,), mothers: Any = (IS_MOTHER,)) -> bytes:
    return dataset(persons, plans, mothers=mothers)


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "no table of mothers": ({"mothers": None}, "no-mother", "names no mother who is in ssd_person"),
    "no row for the child": ({"mothers": ({**IS_MOTHER, "moth_childs_person_id": "U2"},)}, "no-mother", ""),
    "its own mother": ({"mothers": ({**IS_MOTHER, "moth_person_id": "U1"},)}, "no-mother", ""),
    "a row without a mother": ({"mothers": ({**IS_MOTHER, "moth_person_id": "NULL"},)}, "no-mother", ""),
    "the mother is not in ssd_person": ({"persons": (UNBORN,)}, "no-mother", ""),
    "a father alone": ({"persons": (MAN, UNBORN, WOMAN), "mothers": (IS_FATHER,)}, "mother-unclear", "nobody marked as a mother"),
    "a father alone, where he is not marked at all": (
        {"persons": ({**MAN, "pers_is_mother": "NULL"}, UNBORN, WOMAN), "mothers": (IS_FATHER,)}, "mother-unclear", "",
    ),
    "two mothers": (
        {"persons": (WOMAN, {**MAN, "pers_is_mother": "Y"}, UNBORN), "mothers": (IS_MOTHER, IS_FATHER)},
        "mother-unclear", "names several people",
    ),
    "two people, and nobody is marked in the whole dataset": (
        {"persons": (woman(is_mother="NULL"), {**MAN, "pers_is_mother": "NULL"}, UNBORN), "mothers": (IS_MOTHER, IS_FATHER)},
        "mother-unclear", "",
    ),
    "a mother, and a stranger": ({"mothers": (IS_MOTHER, {**IS_MOTHER, "moth_person_id": "M9"})}, "mother-unclear", ""),
    "rows of the mother disagree": (
        {"persons": (WOMAN, UNBORN, woman(surname="Other"))}, "persons-differ", "in lines 2 and 4: which is right?",
    ),
    "the mother has no NHS number": (
        {"persons": (woman(single_unique_id="NULL"), UNBORN)}, "no-nhs-number-of-mother", "The mother has no NHS number",
    ),
    "the mother has no surname": ({"persons": (woman(surname="NULL"), UNBORN)}, "no-name", ""),
    "the mother has no birth date": ({"persons": (woman(dob="NULL"), UNBORN)}, "missing", ""),
    "an NHS number of its own": ({"persons": (WOMAN, unborn(single_unique_id=ADA))}, "unborn-with-number", "whose is it?"),
    "neither date": ({"persons": (WOMAN, unborn(expected_dob="NULL"))}, "no-birth-date", "is the child born?"),
    "due long after the start": (
        {"plans": ({**UNBORN_PLAN, "cppl_cp_plan_start_date": "2025-05-01"},)}, "due-date-implausible", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("tables, code, words", REFUSED.values(), ids=REFUSED)
def test_nobody_guesses_whose_the_plan_of_an_unborn_child_is(tables: Mapping[str, Any], code: str, words: str) -> None:
    refusal = only_refusal(read(an_unborn(**tables)))
    assert (refusal.code, refusal.place) == (code, "ssd_cp_plans line 2")
    assert words in refusal.reason


def test_a_plan_of_an_unborn_child_is_held_on_the_mother_with_the_due_date() -> None:
    [record] = records(read(an_unborn()))
    assert said([record]) == ON_MOTHER
    assert (record.given_name, record.family_name, record.birth_date.isoformat(), record.local_id) == (
        "Grace", "Pemberton", "1998-02-11", "M1",
    )  # fmt: skip
    assert str(record.expected_delivery_date) == "2026-05-30"
    assert record.extras.plan_id == "P2"


DATED: dict[str, tuple[dict[str, str], str, str | None]] = {
    "an expected date (Liquidlogic, Mosaic)": (unborn(), "NULL", "2026-05-30"),
    "both dates (Eclipse)": (unborn(dob="2026-05-30 00:00:00.000"), "NULL", "2026-05-30"),
    "a birth date in the future": (unborn(dob="2026-05-30", expected_dob="NULL"), "NULL", "2026-05-30"),
    "both, of which one moved": (unborn(dob="2026-05-29"), "NULL", "2026-05-30"),
    "an expected date that is none": (unborn(dob="2026-05-30", expected_dob="Y"), "NULL", "2026-05-30"),
    "a date with the mother alone": (unborn(expected_dob="NULL"), "2026-05-30", "2026-05-30"),
    "due tomorrow": (unborn(expected_dob="2026-03-03"), "NULL", "2026-03-03"),
}  # fmt: skip


@pytest.mark.parametrize("child, mothers_word, due", DATED.values(), ids=DATED)
def test_a_child_is_unborn_by_any_of_the_dates(child: dict[str, str], mothers_word: str, due: str) -> None:
    mother = {**IS_MOTHER, "moth_childs_dob": mothers_word}
    came = read(an_unborn(persons=(WOMAN, child), mothers=(mother,)))
    assert said(came) == ON_MOTHER
    assert str(records(came)[0].expected_delivery_date) == due
    assert notes(came) == []


@pytest.mark.parametrize(
    "child",
    [
        unborn(expected_dob="2026-02-20"),
        unborn(dob="2026-02-20", expected_dob="NULL"),
        unborn(dob="2026-02-02", expected_dob="NULL"),
    ],
    ids=["expected date passed", "moved into the birth date (Mosaic)", "28 days ago"],
)  # fmt: skip
def test_a_child_that_is_due_and_has_no_number_yet_stays_with_the_mother_and_is_said(child: dict[str, str]) -> None:
    came = read(an_unborn(persons=(WOMAN, child)))
    assert said(came) == ON_MOTHER
    assert notes(came) == [("waiting-for-number", "ssd_cp_plans line 2", {})]


@pytest.mark.parametrize(
    "tables",
    [
        {"persons": (WOMAN, unborn(dob="2026-02-01", expected_dob="NULL"))},
        {"persons": (WOMAN, unborn(dob="2026-01-19", expected_dob="NULL"))},
        {"persons": (WOMAN, unborn(dob="2026-02-20", expected_dob="NULL")), "mothers": None},
    ],
    ids=["born 29 days ago", "born before the plan", "nobody knows the mother"],
)
def test_a_child_without_a_number_is_work_for_a_person_where_the_mothers_plan_shows_no_longer(tables: dict[str, Any]) -> None:
    assert only_refusal(read(an_unborn(**tables))).code == "no-nhs-number"


def test_once_the_childs_own_number_is_there_the_same_plan_is_the_childs() -> None:
    came = read(an_unborn(persons=(WOMAN, unborn(single_unique_id=ADA, dob="2026-02-20", expected_dob="NULL"))))
    assert said(came) == [(ADA, "CPP", "2026-01-20", None)]
    assert records(came)[0].extras.plan_id == "P2"


def test_liquidlogics_expected_date_of_a_born_child_makes_nobody_unborn() -> None:
    child = {**CHILD, "pers_dob": "NULL", "pers_expected_dob": "2018-05-06"}
    [record] = records(read(dataset((child,))))
    assert (record.kind.value, record.birth_date.isoformat()) == ("CPP", "2018-05-06")


def test_a_father_is_told_from_the_mother_where_mothers_are_marked() -> None:
    assert said(read(an_unborn(persons=(WOMAN, MAN, UNBORN), mothers=(IS_FATHER, IS_MOTHER, IS_MOTHER)))) == ON_MOTHER


def test_where_nobody_is_marked_the_only_one_named_is_the_mother() -> None:
    assert said(read(an_unborn(persons=(woman(is_mother="NULL"), UNBORN)))) == ON_MOTHER


def test_a_mother_may_be_a_child_with_a_plan_of_her_own_and_have_an_estimated_birth_date() -> None:
    young = woman(dob="NULL", expected_dob="2010-01-01")
    own = {**UNBORN_PLAN, "cppl_cp_plan_id": "P7", "cppl_person_id": "M1"}
    came = read(an_unborn(persons=(young, UNBORN), plans=(own, UNBORN_PLAN)))
    assert said(came) == [(GRACE, "CPP", "2026-01-20", None), *ON_MOTHER]
    assert {each.birth_date.isoformat() for each in records(came)} == {"2010-01-01"}


def test_an_ended_plan_of_an_unborn_child_ends_on_the_mother() -> None:
    came = read(an_unborn(plans=({**UNBORN_PLAN, "cppl_cp_plan_end_date": "2026-02-25"},)))
    assert said(came) == [(GRACE, "UCPP", "2026-01-20", "2026-02-25")]


def test_an_unborn_child_is_not_looked_after() -> None:
    came = read(dataset((WOMAN, UNBORN), None, ({**EPISODE, "clae_person_id": "U1"},), mothers=(IS_MOTHER,)))
    assert only_refusal(came).code == "unborn-in-care"
