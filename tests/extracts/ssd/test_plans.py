"""Persons and child protection plans of a dataset: refusals first, then what is left out, then what loads."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.extracts.ssd.files import (
    ADA,
    CHILD,
    GRACE,
    IDENTIFIER,
    NOOR,
    PLAN,
    Rows,
    dataset,
    notes,
    only_refusal,
    read,
    records,
    refusals,
    said,
    terms,
)

THE_PLAN = [(ADA, "CPP", "2025-12-10", None)]
NOBODYS = {**CHILD, "pers_single_unique_id": "NULL"}


def child(**changes: str) -> dict[str, str]:
    return {**CHILD, **{f"pers_{name}": value for name, value in changes.items()}}


def plan(**changes: str) -> dict[str, str]:
    names = {"id": "cppl_cp_plan_id", "person": "cppl_person_id", "start": "cppl_cp_plan_start_date",
             "end": "cppl_cp_plan_end_date", "ola": "cppl_cp_plan_ola"}  # fmt: skip
    return {**PLAN, **{names[name]: value for name, value in changes.items()}}


def identifier(**changes: str) -> dict[str, str]:
    return {**IDENTIFIER, **{f"link_{name}": value for name, value in changes.items()}}


REFUSED: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "nobody has this id": (
        {"plans": (plan(person="C9"),)}, "person-unknown", "local_id", "ssd_person has nobody with this pers_person_id.",
    ),
    "no id of a person": ({"plans": (plan(person="NULL"),)}, "person-unknown", "local_id", "nobody"),
    "two surnames": (
        {"persons": (child(), child(surname="Sample"))}, "persons-differ", "local_id", "in lines 2 and 3: which is right?",
    ),
    "two birth dates": ({"persons": (child(), child(dob="2018-05-07"))}, "persons-differ", "local_id", "lines 2 and 3"),
    "two NHS numbers in two rows": (
        {"persons": (child(), child(single_unique_id=NOOR))}, "persons-differ", "local_id", "lines 2 and 3",
    ),
    "another NHS number among the identifiers": (
        {"identifiers": (identifier(identifier_value=NOOR),)}, "two-numbers", "nhs_number", "Two NHS numbers are given",
    ),
    "two NHS numbers among the identifiers": (
        {"persons": (NOBODYS,), "identifiers": (identifier(), identifier(identifier_value=NOOR))}, "two-numbers", "nhs_number", "",
    ),
    "the two names of the column disagree": (
        {"persons": (child(common_child_id=NOOR),)}, "two-numbers", "nhs_number", "which is right?",
    ),
    "no NHS number": (
        {"persons": (NOBODYS,)}, "no-nhs-number", "nhs_number", "the SELECT that fills pers_single_unique_id",
    ),
    "an identifier that is no longer valid": (
        {"persons": (NOBODYS,), "identifiers": (identifier(valid_to_date="2026-03-01"),)}, "no-nhs-number", "nhs_number", "",
    ),
    "an identifier that is not valid yet": (
        {"persons": (NOBODYS,), "identifiers": (identifier(valid_from_date="2026-03-03"),)}, "no-nhs-number", "nhs_number", "",
    ),
    "an identifier with a broken date": (
        {"persons": (NOBODYS,), "identifiers": (identifier(valid_to_date="soon"),)}, "no-nhs-number", "nhs_number", "",
    ),
    "an identifier of another kind": (
        {"persons": (NOBODYS,), "identifiers": (identifier(identifier_type="Unique Pupil Number"),)},
        "no-nhs-number", "nhs_number", "",
    ),
    "no surname": (
        {"persons": (child(surname="SSD_PH"),)}, "no-name", "family_name", "the SELECT that fills pers_forename and pers_surname",
    ),
    "no birth date": ({"persons": (child(dob="NULL"),)}, "no-birth-date", "birth_date", "is the child born?"),
    "a birth date that is none": ({"persons": (child(dob="May 2018"),)}, "bad-date", "birth_date", ""),
    "a number that is no NHS number": ({"persons": (child(single_unique_id="9990000010"),)}, "bad-nhs-number", "nhs_number", ""),
    "not born, and an NHS number": (
        {"persons": (child(dob="2026-05-30"),)}, "unborn-with-number", "nhs_number", "whose is it?",
    ),
    "a plan without a start": ({"plans": (plan(start="NULL"),)}, "missing", "start_date", ""),
    "a plan that ends before it starts": ({"plans": (plan(end="2025-12-09"),)}, "end-before-start", "end_date", ""),
    "adult when it started": ({"persons": (child(dob="2007-01-01"),)}, "adult-at-start", "birth_date", ""),
}  # fmt: skip


@pytest.mark.parametrize("tables, code, column, words", REFUSED.values(), ids=REFUSED)
def test_a_plan_that_cannot_be_filed_for_certain_is_refused_in_words(
    tables: Mapping[str, Any], code: str, column: str, words: str
) -> None:
    refusal = only_refusal(read(dataset(**tables)))
    assert (refusal.code, refusal.field, refusal.place) == (code, column, "ssd_cp_plans line 2")
    assert words in refusal.reason
    assert len(refusal.fields) == 10
    assert refusal.record["cppl_cp_plan_id"] == "P1"


def test_every_plan_of_a_person_of_whom_rows_disagree_is_refused_and_nobody_elses_is() -> None:
    persons = (child(), child(person_id="C2", single_unique_id=NOOR), child(surname="Sample"))
    plans = (plan(), plan(id="P2", person="C2"), plan(id="P3", start="2025-01-01", end="2025-06-01"))
    came = read(dataset(persons, plans))
    assert said(came) == [(NOOR, "CPP", "2025-12-10", None)]
    assert [(each.code, each.place) for each in refusals(came)] == [
        ("persons-differ", "ssd_cp_plans line 2"), ("persons-differ", "ssd_cp_plans line 4"),
    ]  # fmt: skip


def test_rows_of_one_plan_that_disagree_are_all_refused() -> None:
    came = read(dataset(plans=(plan(), plan(id="P2"), plan(start="2025-12-11"))))
    assert {(each.code, each.reason) for each in refusals(came)} == {
        ("plan-twice", "ssd_cp_plans says different things of this plan, in lines 2 and 4: which is right?")
    }
    assert [each.place for each in refusals(came)] == ["ssd_cp_plans line 2", "ssd_cp_plans line 4"]
    assert [each.extras.plan_id for each in records(came)] == ["P2"]


def test_test_numbers_are_refused_in_production() -> None:
    assert only_refusal(read(dataset(), terms(is_production=True))).code == "test-number"


@pytest.mark.parametrize("ola", ["Y", "y"])
def test_another_authoritys_temporary_plan_is_listed_by_its_place_and_not_loaded(ola: str) -> None:
    came = read(
        dataset(plans=(plan(ola=ola), plan(id="P2", ola="N"), plan(id="P3", start="2024-01-01", end="2025-06-01", ola="NULL")))
    )
    assert notes(came) == [("other-authoritys", "ssd_cp_plans line 2", {})]
    assert [each.extras.plan_id for each in records(came)] == ["P2", "P3"]


@pytest.mark.parametrize("end, stays", [("2025-03-02", True), ("2025-03-01", False), ("2020-01-01 00:00:00.000", False)])
def test_what_ended_more_than_365_days_before_the_extract_is_counted_and_left_out(end: str, *, stays: bool) -> None:
    came = read(dataset((child(dob="2012-01-01"),), (plan(start="2019-01-01", end=end), plan(id="P2"))))
    counted = [] if stays else [("long-ended", "", {"table": "ssd_cp_plans", "count": 1})]
    assert notes(came) == counted
    assert len(records(came)) == 1 + stays


def test_the_days_are_those_of_england() -> None:
    """23:30 UTC on 30 June is 1 July in England."""
    came = read(dataset(plans=(plan(start="2024-01-01", end="2025-06-30"),)), terms(datetime(2026, 6, 30, 23, 30, tzinfo=UTC)))
    assert notes(came) == [("long-ended", "", {"table": "ssd_cp_plans", "count": 1})]


AGREEING: dict[str, Rows] = {
    "the same row twice": (child(), child()),
    "one row knows less": (child(single_unique_id="NULL", death_date="NULL", is_mother="NULL"), child()),
    "the date written in another way": (child(), child(dob="06/05/2018")),
    "the number with spaces": (child(), child(single_unique_id="999 000 0018")),
    "the name with other capitals": (child(), child(surname="EXAMPLE")),
    "three rows": (child(), child(forename="NULL"), child(surname="NULL")),
}


@pytest.mark.parametrize("persons", AGREEING.values(), ids=AGREEING)
def test_repeated_persons_that_agree_are_one_person(persons: Rows) -> None:
    came = read(dataset(persons))
    assert said(came) == THE_PLAN
    assert refusals(came) == []
    assert read(dataset(list(persons)[::-1])) == came


def test_a_repeated_plan_that_agrees_is_one_plan() -> None:
    assert said(read(dataset(plans=(plan(), plan(start="10/12/2025"))))) == THE_PLAN


def test_plans_without_an_id_stand_each_for_itself() -> None:
    came = read(dataset(plans=(plan(id="NULL", start="2024-01-01", end="2025-06-01"), plan(id="NULL"))))
    assert [each.start_date.isoformat() for each in records(came)] == ["2024-01-01", "2025-12-10"]


@pytest.mark.parametrize(
    "persons, identifiers",
    [
        ((child(),), None),
        ((child(single_unique_id="NULL", common_child_id=ADA),), None),
        ((child(single_unique_id="999-000-0018", common_child_id=ADA),), None),
        ((NOBODYS,), (identifier(),)),
        ((NOBODYS,), (identifier(identifier_type="nhs number", valid_from_date="2020-01-01", valid_to_date="2026-03-02"),)),
        ((NOBODYS,), (identifier(), identifier(identifier_value="999 000 0018"))),
        ((NOBODYS,), (identifier(), identifier(identifier_value=NOOR, valid_to_date="2024-01-01"))),
        ((NOBODYS,), (identifier(), identifier(identifier_type="YOT Number", identifier_value="Y1"))),
        ((child(),), (identifier(),)),
    ],
    ids=["own", "older column", "both", "linked", "linked and valid", "twice the same", "one expired", "another kind", "agreeing"],
)  # fmt: skip
def test_the_nhs_number_is_found_wherever_it_stands(persons: Rows, identifiers: Rows | None) -> None:
    assert said(read(dataset(persons, identifiers=identifiers))) == THE_PLAN


def test_without_the_column_the_identifiers_are_enough() -> None:
    person = {name: value for name, value in CHILD.items() if name != "pers_single_unique_id"}
    assert said(read(dataset((person,), identifiers=(IDENTIFIER,)))) == THE_PLAN


def test_optional_columns_may_be_absent() -> None:
    person = {
        name: CHILD[name] for name in ("pers_person_id", "pers_single_unique_id", "pers_forename", "pers_surname", "pers_dob")
    }
    bare = {name: value for name, value in PLAN.items() if name != "cppl_cp_plan_ola"}
    assert said(read(dataset((person,), (bare,)))) == THE_PLAN


def test_an_estimated_birth_date_is_a_birth_date() -> None:
    """Liquidlogic empties pers_dob and fills pers_expected_dob where the birth date is estimated."""
    [record] = records(read(dataset((child(dob="NULL", expected_dob="2017-07-01"),))))
    assert (record.kind.value, record.birth_date.isoformat()) == ("CPP", "2017-07-01")


def test_a_birth_date_comes_before_an_expected_one_that_stayed_behind() -> None:
    [record] = records(read(dataset((child(expected_dob="2018-05-20"),))))
    assert record.birth_date.isoformat() == "2018-05-06"


def test_a_record_says_where_it_stands_which_plan_it_is_and_what_was_sent() -> None:
    [record] = records(read(dataset(plans=(plan(end="2026-02-01 00:00:00.000"),))))
    assert (record.line, record.local_id, record.extras.place, record.extras.plan_id) == (1, "C1", "ssd_cp_plans line 2", "P1")
    assert record.extras.sent["cppl_cp_plan_end_date"] == "2026-02-01 00:00:00.000"
    assert record.extras.sent["pers_surname"] == "Example"


def test_running_numbers_are_never_given_twice() -> None:
    came = read(dataset(plans=[plan(id=f"P{n}", person="C1" if n % 2 else "C9") for n in range(20)]))
    lines = [each.line for each in records(came)] + [each.line for each in refusals(came)]
    assert sorted(lines) == list(range(1, 21))


def test_the_order_of_rows_changes_nothing_but_places_and_running_numbers() -> None:
    persons = [child(person_id=f"C{n}", single_unique_id=number) for n, number in enumerate((ADA, NOOR, GRACE))]
    plans = [plan(id=f"P{n}", person=f"C{n}") for n in range(4)]
    one, other = read(dataset(persons, plans)), read(dataset(persons[::-1], plans[::-1]))
    assert sorted(each.fields for each in records(one)) == sorted(each.fields for each in records(other))
    assert sorted(each.code for each in refusals(one)) == sorted(each.code for each in refusals(other))
