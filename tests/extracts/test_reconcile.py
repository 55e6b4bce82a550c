"""What is held and what came become actions and refusals: the table of the rules, and what holds for all files."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.flag import FlagKind
from flags_store.extracts.reconcile import Change, HeldPlan, reconcile
from flags_store.extracts.record import ExtractRecord
from runtime.ids import uuid7
from tests.extracts.files import TODAY, record

JANUARY, FEBRUARY, MARCH, APRIL = (date(2025, month, 6) for month in (1, 2, 3, 4))


def held(start: date = JANUARY, end: date | None = None, kind: FlagKind = FlagKind.CPP, **more: Any) -> HeldPlan:
    return replace(HeldPlan(uuid7(), kind, start, end, local_id="A1"), **more)


def plan(start: date = JANUARY, end: date | None = None, **more: str) -> ExtractRecord:
    return record(start_date=start.isoformat(), end_date=end.isoformat() if end else "", **more)


def deleted(start: date = JANUARY, delete_date: str = "2025-03-01", line: str = "2") -> ExtractRecord:
    return plan(start, delete_date=delete_date, line=line)


@pytest.mark.parametrize(
    "before, came, refused",
    [
        ([], [plan(TODAY + timedelta(days=1))], [("start_date", "start-in-future")]),
        ([], [plan(birth_date="2026-03-04")], [("birth_date", "birth-in-future")]),
        ([held()], [deleted(delete_date="2026-03-04")], [("delete_date", "delete-in-future")]),
        ([], [deleted()], [("delete_date", "not-held")]),
        ([held(FEBRUARY), held(kind=FlagKind.LAC)], [deleted()], [("delete_date", "not-held")]),
        ([held()], [plan(FEBRUARY)], [("start_date", "overlap")]),
        ([held(JANUARY, MARCH)], [plan(FEBRUARY, FEBRUARY + timedelta(days=1))], [("start_date", "overlap")]),
        ([held(FEBRUARY, MARCH)], [plan(JANUARY)], [("start_date", "overlap")]),
        ([held(JANUARY, FEBRUARY), held(MARCH)], [plan(JANUARY)], [("start_date", "overlap")]),
        ([held(deleted_on=MARCH), held(FEBRUARY)], [plan()], [("start_date", "overlap")]),
        ([held()], [plan(FEBRUARY, line="2"), plan(FEBRUARY, line="3")], [("start_date", "overlap")] * 2),
        ([], [plan(line="2"), plan(end=MARCH, line="3")], [("start_date", "contradiction")] * 2),
        ([held()], [plan(line="2"), deleted(line="3")], [("start_date", "contradiction")] * 2),
        ([], [plan(line="2"), plan(MARCH, line="3", birth_date="2018-05-07")], [("birth_date", "two-people")] * 2),
    ],
)
def test_what_cannot_be_done_is_refused(before: list[HeldPlan], came: list[ExtractRecord], refused: list[tuple[str, str]]) -> None:
    result = reconcile(before, came, TODAY)
    assert [(each.field, each.code) for each in result.refusals] == refused
    assert result.actions == []


def test_an_overlap_names_the_start_that_stands_in_the_way() -> None:
    [refusal] = reconcile([held(JANUARY, FEBRUARY), held(MARCH)], [plan(FEBRUARY)], TODAY).refusals
    assert "A CPP that starts on 2025-03-06 stands in the way" in refusal.reason


def test_each_of_two_contradicting_records_names_the_others_line() -> None:
    first, second = reconcile([], [plan(line="4"), plan(end=MARCH, line="9")], TODAY).refusals
    assert (first.line, "Line 9 says" in first.reason) == (4, True)
    assert (second.line, "Line 4 says" in second.reason) == (9, True)


@pytest.mark.parametrize(
    "before, came, changes",
    [
        ([], [plan()], ["open"]),
        ([], [plan(TODAY)], ["open"]),
        ([], [plan(JANUARY, FEBRUARY)], ["open"]),
        ([held()], [plan()], ["unchanged"]),
        ([held()], [plan(end=MARCH)], ["end"]),
        ([held()], [plan(end=TODAY + timedelta(days=9))], ["end"]),
        ([held(end=MARCH)], [plan(end=MARCH)], ["unchanged"]),
        ([held(end=MARCH)], [plan(end=FEBRUARY)], ["amend"]),
        ([held(end=MARCH)], [plan()], ["amend"]),
        ([held()], [plan(local_id="A2")], ["amend"]),
        ([held()], [deleted()], ["delete"]),
        ([held(end=MARCH)], [deleted()], ["delete"]),
        ([held(deleted_on=MARCH)], [deleted()], ["unchanged"]),
        ([held(deleted_on=MARCH)], [plan()], ["amend"]),
        ([held(kind=FlagKind.LAC)], [plan(FEBRUARY)], ["open"]),
        ([held(JANUARY, FEBRUARY)], [plan(FEBRUARY)], ["open"]),
        ([held(FEBRUARY)], [plan(JANUARY, FEBRUARY)], ["open"]),
        ([held()], [plan(FEBRUARY), deleted()], ["delete", "open"]),
        ([held()], [plan(FEBRUARY), plan(end=FEBRUARY)], ["end", "open"]),
        ([held(JANUARY, MARCH)], [plan(FEBRUARY), plan(JANUARY, FEBRUARY)], ["amend", "open"]),
        ([held(JANUARY, FEBRUARY), held(FEBRUARY)], [plan(JANUARY, MARCH), deleted(FEBRUARY)], ["delete", "amend"]),
        ([], [plan(line="2"), plan(line="3")], ["open", "unchanged"]),
        ([held()], [plan(line="2"), plan(line="3", family_name="Sample")], ["unchanged", "unchanged"]),
        ([], [plan(), plan(FEBRUARY, kind="LAC"), plan(kind="UCPP")], ["open", "open", "open"]),
    ],
)
def test_a_record_opens_amends_ends_deletes_or_confirms(
    before: list[HeldPlan], came: list[ExtractRecord], changes: list[str]
) -> None:
    result = reconcile(before, came, TODAY)
    assert result.refusals == []
    assert [action.change for action in result.actions] == changes


def test_of_two_new_plans_that_overlap_the_earlier_is_opened_whatever_the_order_of_the_lines() -> None:
    for came in ([plan(JANUARY), plan(FEBRUARY)], [plan(FEBRUARY), plan(JANUARY)]):
        result = reconcile([], came, TODAY)
        assert [action.record.start_date for action in result.actions] == [JANUARY]
        assert [refusal.code for refusal in result.refusals] == ["overlap"]


def test_the_due_date_of_an_unborn_child_moves() -> None:
    before = [held(kind=FlagKind.UCPP, expected_delivery_date=APRIL)]
    came = plan(kind="UCPP", birth_date="1998-02-11", expected_delivery_date=MARCH.isoformat())
    assert [action.change for action in reconcile(before, [came], TODAY).actions] == ["amend"]


# What holds for all files. Days are few, so that plans collide often.

days = st.integers(0, 12).map(lambda day: TODAY - timedelta(days=14 - day))
kinds = st.sampled_from(FlagKind)


@st.composite
def records(draw: st.DrawFn) -> ExtractRecord:
    start = draw(days)
    end = draw(st.none() | days)
    deleted = draw(st.sampled_from([None, None, None, TODAY]))
    return replace(
        _ANY,
        line=draw(st.integers(2, 9_999)),
        kind=draw(kinds),
        start_date=start,
        end_date=end if end and end >= start else None,
        delete_date=deleted,
        local_id=draw(st.sampled_from(["A1", "A2"])),
    )


_ANY = record()
files = st.lists(records(), max_size=8, unique_by=lambda each: each.line)
Store = dict[UUID, HeldPlan]


def apply(store: Store, file: Sequence[ExtractRecord]) -> list[Change]:
    """Write one person's actions into a store that lives in memory, each in its turn."""
    result = reconcile(store.values(), file, TODAY)
    assert len(result.actions) + len(result.refusals) == len(file)
    for action in result.actions:
        came, before = action.record, action.held
        if action.change is Change.OPEN:
            new = HeldPlan(uuid7(), came.kind, came.start_date, came.end_date, None, came.expected_delivery_date, came.local_id)
            store[new.flag_id] = new
        elif before and action.change is Change.DELETE:
            store[before.flag_id] = replace(before, deleted_on=came.delete_date)
        elif before and action.change is not Change.UNCHANGED:
            store[before.flag_id] = replace(before, end_date=came.end_date, deleted_on=None, local_id=came.local_id)
        assert_nothing_overlaps(store.values())
    return [action.change for action in result.actions]


def assert_nothing_overlaps(plans: Iterable[HeldPlan]) -> None:
    covered: set[tuple[FlagKind, date]] = set()
    for each in plans:
        if each.deleted_on is None:
            last = each.end_date or TODAY
            of_it = {(each.kind, each.start_date + timedelta(days=day)) for day in range((last - each.start_date).days)}
            assert not covered & of_it
            covered |= of_it


def content(store: Store) -> set[tuple[object, ...]]:
    return {(each.kind, each.start_date, each.end_date, each.deleted_on, each.local_id) for each in store.values()}


@given(st.lists(files, max_size=4))
def test_no_files_ever_make_plans_overlap_not_even_for_a_moment(several: list[list[ExtractRecord]]) -> None:
    store: Store = {}
    for file in several:
        apply(store, file)
    identities = [(each.kind, each.start_date) for each in store.values()]
    assert len(identities) == len(set(identities))


@given(files, files)
def test_the_same_file_twice_changes_nothing(earlier: list[ExtractRecord], file: list[ExtractRecord]) -> None:
    store: Store = {}
    apply(store, earlier)
    apply(store, file)
    once = content(store)
    assert set(apply(store, file)) <= {Change.UNCHANGED}
    assert content(store) == once


@given(files, files, st.randoms())
def test_the_order_of_the_lines_makes_no_difference(
    earlier: list[ExtractRecord], file: list[ExtractRecord], random: Random
) -> None:
    """To the plans, that is; of records that agree about a plan, the last one's local id is kept."""
    stores: list[Store] = [{}, {}]
    for store, lines in zip(stores, (file, random.sample(file, len(file))), strict=True):
        apply(store, earlier)
        apply(store, [replace(each, local_id="A1") for each in lines])
    assert content(stores[0]) == content(stores[1])


@given(files, st.integers(0, 8))
def test_a_file_may_come_in_two_halves(came: list[ExtractRecord], cut: int) -> None:
    """A file without refusals, that is: what stands in its own way can only be corrected within one file."""
    file = [action.record for action in reconcile((), came, TODAY).actions]
    whole: Store = {}
    apply(whole, file)
    assert len(whole) == len({(each.kind, each.start_date) for each in file})
    halves: Store = {}
    apply(halves, file[:cut])
    apply(halves, file[cut:])
    assert content(halves) == content(whole)
