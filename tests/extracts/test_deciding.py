"""What the register and a sealed record make of one person's records: the table of the rules. Pure."""

from dataclasses import replace
from datetime import date

import pytest

from domain.flag import FlagKind
from domain.match import MatchBasis
from flags_store.extracts.codes import RecordCode
from flags_store.extracts.deciding import decide
from flags_store.extracts.intake_persons import HeldPerson
from flags_store.extracts.matched import NOT_ASKED, Match
from flags_store.extracts.reconcile import HeldPlan
from flags_store.extracts.record import ExtractRecord, Extras
from runtime.ids import uuid7
from tests.extracts.files import TODAY, record

NOBODY_THERE = Match(MatchBasis.NOT_FOUND, RecordCode.NOT_IN_PDS, asked=True)
OTHERS_DETAILS = Match(MatchBasis.DIFFERS, RecordCode.PDS_DIFFERS, details="family name", asked=True)
INVALID = Match(MatchBasis.NOT_FOUND, RecordCode.INVALIDATED, invalidated=True, asked=True)
JANUARY, MARCH = date(2025, 1, 6), date(2025, 3, 6)


def held(start: date = JANUARY, end: date | None = None, deleted_on: date | None = None) -> HeldPlan:
    return HeldPlan(uuid7(), FlagKind.CPP, start, end, deleted_on, None, "A1")


def person(*plans: HeldPlan, sealed: bool = False) -> HeldPerson:
    return HeldPerson(uuid7(), "Ada", "Example", date(2018, 5, 6), False, sealed, plans=list(plans))


def adopted(**changes: str) -> ExtractRecord:
    return replace(record(kind="LAC", end_date="2025-02-01", **changes), extras=Extras(adopted=True))


@pytest.mark.parametrize("match", [NOBODY_THERE, OTHERS_DETAILS])
@pytest.mark.parametrize(
    "plans, came, change, is_doubted",
    [
        ([], record(), None, False),
        ([held()], record(), None, True),
        ([held()], record(local_id="A2"), None, True),
        ([held(end=MARCH)], record(), None, True),
        ([held(deleted_on=MARCH)], record(), None, False),
        ([held()], record(start_date="2025-03-06", kind="LAC"), None, False),
        ([held()], record(end_date="2025-02-01"), "end", False),
        ([held()], record(delete_date="2025-02-01"), "delete", False),
    ],
)
def test_whom_the_register_contradicts_gets_no_plan_keeps_every_plan_and_may_lose_it(
    match: Match, plans: list[HeldPlan], came: ExtractRecord, change: str | None, is_doubted: bool
) -> None:
    decided = decide(person(*plans), [came], match, TODAY)
    assert [action.change for action in decided.actions] == ([change] if change else [])
    assert [refusal.code for refusal in decided.refusals] == ([] if change else [match.refusal])
    assert decided.doubted == (plans if is_doubted else [])


@pytest.mark.parametrize("over", [{"end_date": "2025-03-06"}, {"delete_date": "2025-03-06"}], ids=str)
def test_a_plan_stays_in_doubt_where_the_one_in_its_place_is_refused(over: dict[str, str]) -> None:
    """A start date that is corrected, or a plan that follows another: else the child would be known by neither."""
    old = held()
    decided = decide(person(old), [record(**over), record(start_date="2025-03-06", line="3")], OTHERS_DETAILS, TODAY)
    assert (decided.actions, decided.doubted) == ([], [old])
    assert {refusal.line for refusal in decided.refusals} == {2, 3}


def test_care_that_ended_by_adoption_is_sealed_whatever_would_open_in_its_place() -> None:
    plans = [replace(held(), kind=FlagKind.LAC)]
    decided = decide(person(*plans), [adopted(), record(kind="LAC", start_date="2025-03-06", line="3")], OTHERS_DETAILS, TODAY)
    assert ([action.change for action in decided.actions], decided.seal) == (["end"], "adopted")


def test_which_details_differ_is_said_and_not_what_they_are() -> None:
    [refusal] = decide(None, [record()], OTHERS_DETAILS, TODAY).refusals
    assert "family name" in refusal.reason
    assert "Example" not in refusal.reason


def test_of_an_invalid_number_every_record_is_refused_and_the_person_sealed() -> None:
    decided = decide(person(held()), [record(end_date="2025-02-01"), record(kind="LAC", line="3")], INVALID, TODAY)
    assert (decided.actions, decided.seal) == ([], "invalidated")
    assert [refusal.code for refusal in decided.refusals] == [RecordCode.INVALIDATED] * 2


@pytest.mark.parametrize("plans", [[], [replace(held(), kind=FlagKind.LAC)]])
def test_care_that_ended_by_adoption_ends_and_is_sealed_whatever_the_guard_says(plans: list[HeldPlan]) -> None:
    decided = decide(person(*plans), [adopted()], NOT_ASKED, TODAY)
    assert [action.change for action in decided.actions] == ["end" if plans else "open"]
    assert (decided.seal, decided.lost) == ("adopted", frozenset())


@pytest.mark.parametrize(
    "came, code",
    [
        (record(start_date="2025-03-06", kind="LAC"), RecordCode.SEALED),
        (record(local_id="A2"), RecordCode.SEALED),
        (record(), RecordCode.SEALED),
        (record(end_date="2025-02-01"), None),
        (record(delete_date="2025-02-01"), None),
    ],
)
def test_a_sealed_record_takes_no_news_but_that_a_plan_is_over(came: ExtractRecord, code: RecordCode | None) -> None:
    decided = decide(person(held(), sealed=True), [came], NOT_ASKED, TODAY)
    assert [refusal.code for refusal in decided.refusals] == ([code] if code else [])
    assert decided.seal == ""


def test_with_an_ending_that_may_be_held_waits_whatever_needs_its_days_and_nothing_else() -> None:
    """The opening would overlap the plan as long as that has not ended; a plan of another kind needs nothing of it."""
    old = held(date(2025, 1, 6))
    came = [
        record(end_date="2025-02-01", line="2"),
        record(start_date="2025-02-01", end_date="2025-02-20", line="4"),
        record(start_date="2025-02-01", kind="LAC", line="5"),
    ]
    decided = decide(person(old), came, NOT_ASKED, TODAY)
    assert decided.refusals == []
    assert decided.lost == {2, 4}
    rest = [each for each in came if each.line not in decided.lost]
    assert decide(person(old), rest, NOT_ASKED, TODAY).refusals == []
