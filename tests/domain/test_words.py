"""Care settings, names, alerts and the three answers: the tables against tables typed by hand."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID

import pytest

from domain.alert import TRANSITIONS, AlertEvent, AlertState, CodedAnswer, next_state
from domain.answer import CouldNotCheck, CouldNotCheckReason, Coverage, Feed, Flagged, NoneKnown
from domain.care_setting import CareSetting
from domain.encounter import Identity
from domain.flag import Flag, FlagKind
from domain.names import details_differ, same_name
from domain.nhs_number import NhsNumber

HELD = Flag(
    UUID(int=1), UUID(int=2), NhsNumber("9990000018"), FlagKind.CPP, "301", date(2026, 1, 1), None, None, date(2015, 6, 1),
    "O'Brien-Smith", "Ada", False, datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip


def test_unscheduled_and_private_settings_are_those_of_the_facts() -> None:
    unscheduled = {
        "emergency-department", "walk-in-centre", "minor-injury-unit", "gp-out-of-hours", "nhs-111", "ambulance", "maternity",
        "paediatric-ward", "unclassified",
    }  # fmt: skip
    assert {setting.value for setting in CareSetting if setting.is_unscheduled} == unscheduled
    assert {setting.value for setting in CareSetting if setting.is_private} == {"camhs", "sarc", "sexual-health", "termination"}


@pytest.mark.parametrize(
    "one,other",
    [
        ("O'Brien", "OBRIEN"),
        ("Smith-Jones", "smith jones"),
        ("Zoë", "Zoe\u0308"),
        ("Straße", "STRASSE"),
        ("de  la Cruz", "De La Cruz"),
    ],
)
def test_spelling_of_one_name_makes_no_difference(one: str, other: str) -> None:
    assert same_name(one, other)


@pytest.mark.parametrize("one,other", [("Smith", "Smyth"), ("Zoë", "Zoe"), ("Ada", "")])
def test_other_names_are_other_names(one: str, other: str) -> None:
    assert not same_name(one, other)


@pytest.mark.parametrize(
    "identity,differs",
    [
        (Identity(HELD.nhs_number, family_name="obrien smith", given_name="A", birth_date=date(2015, 6, 1)), False),
        (Identity(HELD.nhs_number), False),
        (Identity(HELD.nhs_number, family_name="Other", given_name="Ada"), True),
        (Identity(HELD.nhs_number, family_name="O'Brien-Smith", birth_date=date(2014, 6, 1)), True),
        (Identity(HELD.nhs_number, family_name="UNKNOWN", given_name="Male Seven"), False),
        (Identity(HELD.nhs_number, family_name="Harding", given_name="Baby of"), False),
    ],
)
def test_details_differ_only_where_both_sides_say_something(identity: Identity, differs: bool) -> None:
    assert details_differ(identity, HELD) is differs


def test_three_answers_are_three_types_and_every_one_says_its_coverage() -> None:
    coverage = Coverage((Feed("301", "Ambershire", None, True),))
    answers = (Flagged((), (), coverage), NoneKnown((), coverage), CouldNotCheck(CouldNotCheckReason.NO_NUMBER, coverage))
    assert len({type(answer) for answer in answers}) == 3
    for answer in answers:
        said = " ".join(answer.coverage.sentences)
        assert "1 authority" in said
        assert "feed of Ambershire is late" in said
        assert "not national" in said
        assert "No plan is not no risk" in said


def test_nobody_connected_is_never_fully_checked() -> None:
    assert not Coverage(()).fully_checked
    assert "no authority is connected" in Coverage(()).sentences[0]


def test_no_answer_of_a_social_worker_holds_a_child() -> None:
    assert not [answer for answer in CodedAnswer if "hold" in answer.words.lower() or "keep" in answer.words.lower()]


def test_leaving_before_being_seen_reopens_what_was_read() -> None:
    assert next_state(AlertState.ACKNOWLEDGED, AlertEvent.LEFT_BEFORE_SEEN) is AlertState.RAISED


def test_only_a_person_ends_a_cancelled_arrival() -> None:
    ends = {event for (state, event), after in TRANSITIONS.items() if state is AlertState.RETRACTED and after is AlertState.CLOSED}
    assert ends == {AlertEvent.ACKNOWLEDGE}


def test_an_event_without_a_line_leaves_the_alert_as_it_is() -> None:
    assert next_state(AlertState.CLOSED, AlertEvent.CANCEL) is AlertState.CLOSED


def test_a_late_feed_is_not_fully_checked() -> None:
    feed = Feed("301", "Ambershire", datetime(2026, 1, 1, tzinfo=UTC), False)
    assert Coverage((feed,)).fully_checked
    assert not Coverage((feed, replace(feed, authority_code="302", late=True))).fully_checked
