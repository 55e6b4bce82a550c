"""The order of the worklist, as tables of values: what is urgent comes first, and a child who came again moves up."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from domain.alert import AlertState
from domain.routing import Occasion
from safeguarding.telling.urgency import Rank, Sort, in_threads, is_new, rank
from safeguarding.views import AlertRow

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
READ: dict[str, Any] = {"state": AlertState.ACKNOWLEDGED, "acknowledged_at": NOON}


def row(name: str, minutes: int = 0, thread: str = "", **given: Any) -> AlertRow:
    """An alert by a letter, raised so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    whole = AlertRow(
        id=id_of(name), authority_code="706", state="raised", reason="attendance", raised_at=at, changed_at=at, given_name="Jo",
        family_name=name, birth_date=date(2019, 3, 3), nhs_number="9990000018", kinds=["CPP"], site_name="St Agnes", site_phone="",
        care_setting="emergency-department", encounter_id=id_of(name), encounter_reference="V1", encounter_state="open",
        arrived_at=at, departed_at=None, left_before_seen=False, cautions="", acknowledged_at=None, acknowledged_by=None,
        answer=None, answer_text="", is_of_newborn=False, newborn_links=0, patient_number=None, thread_id=id_of(thread or name),
        began_at=at, next_step_at=at + timedelta(minutes=30),
    )  # fmt: skip
    return replace(whole, **given)


def id_of(name: str) -> UUID:
    return UUID(int=ord(name))


def order(rows: list[AlertRow], sort: Sort) -> str:
    waiting, read = in_threads(rows, sort)
    return " ".join("".join(each.family_name for each in thread.rows) for thread in (*waiting, *read))


@pytest.mark.parametrize(
    "given, expected",
    [
        ({}, Rank.WAITS),
        ({"left_before_seen": True}, Rank.NOW),
        ({"occasion": Occasion.LEFT}, Rank.NOW),
        ({"occasion": Occasion.ASKED, "step": 1}, Rank.NOW),
        ({"step": 1}, Rank.PASSED_ON),
        ({"step": 2, "next_step_at": None}, Rank.PASSED_ON),
        ({"state": AlertState.RETRACTED, "occasion": Occasion.CANCELLED}, Rank.WHEREABOUTS),
        ({"state": AlertState.RETRACTED, "left_before_seen": True}, Rank.WHEREABOUTS),
        ({"left_before_seen": True, **READ}, Rank.READ),
        ({"state": AlertState.CLOSED, "step": 1}, Rank.READ),
    ],
)
def test_how_urgent_one_alert_is(given: dict[str, Any], expected: Rank) -> None:
    assert rank(row("A", **given)) is expected


NOW: dict[str, Any] = {"left_before_seen": True}
PASSED: dict[str, Any] = {"step": 1}
LAST: dict[str, Any] = {"step": 1, "next_step_at": None}
CANCELLED: dict[str, Any] = {"state": AlertState.RETRACTED}


@pytest.mark.parametrize(
    "rows, urgency, age",
    [
        ([row("A", 1), row("B", 2), row("C", 3)], "A B C", "A B C"),
        ([row("A", 1, **READ), row("B", 2), row("C", 3, **READ)], "B C A", "B C A"),
        ([row("A", 1), row("B", 2, **PASSED), row("C", 3, **NOW)], "C B A", "A B C"),
        ([row("A", 1, **CANCELLED), row("B", 2), row("C", 3, **READ)], "B A C", "A B C"),
        ([row("A", 1, **PASSED), row("B", 2, **LAST), row("C", 3, **PASSED)], "B A C", "A B C"),
        ([row("A", 1, kinds=["LAC"]), row("B", 2, kinds=["CPP"])], "A B", "A B"),
        ([row("A", 1), row("B", 2, **READ), row("C", 3, "B")], "CB A", "A CB"),
        ([row("A", 2), row("B", 1), row("C", 3, "B")], "CB A", "CB A"),
        ([row("A", 1), row("B", 2), row("C", 3, "B", **NOW)], "CB A", "A CB"),
        ([row("A", 1, **NOW), row("B", 2), row("C", 3, "B")], "A CB", "A CB"),
        ([row("A", 5, began_at=NOON), row("B", 1)], "A B", "A B"),
    ],
    ids=[
        "oldest first", "read ones last, newest first", "left, passed on, waiting", "whereabouts after who is there",
        "nobody left in line before somebody", "kinds do not matter", "a child who came again moves up",
        "newest of a thread on top", "a thread is as urgent as its most urgent", "but not more", "age is since what was last told",
    ],
)  # fmt: skip
def test_the_order_in_which_they_are_listed(rows: list[AlertRow], urgency: str, age: str) -> None:
    for shuffled in permutations(rows):
        assert order(list(shuffled), Sort.URGENCY) == urgency
        assert order(list(shuffled), Sort.AGE) == age


@pytest.mark.parametrize(
    "given, expected",
    [({}, True), (READ, False), ({"acknowledged_at": NOON}, False), (CANCELLED, False), ({"thread_id": id_of("A")}, False)],
    ids=["nobody has read it", "read", "read once, and told of again", "cancelled", "the first of its thread"],
)
def test_what_is_marked_as_new_in_a_thread(given: dict[str, Any], expected: bool) -> None:
    assert is_new(row("A", 1, "B", **given)) is expected


def test_every_waiting_encounter_of_a_thread_keeps_its_own_row() -> None:
    rows = [row("A"), row("B", 1, "A"), row("C", 2, "A", **READ), row("D", 3, "A", **CANCELLED)]
    [thread], read = in_threads(rows)
    assert ([each.family_name for each in thread.waiting], [each.family_name for each in thread.read]) == (["D", "B", "A"], ["C"])
    assert read == []
