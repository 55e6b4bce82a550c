"""The shrink guard is a table: how many endings pass, how many wait, how many openings are abnormal; and what counts as a loss."""

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.flag import FlagKind
from flags_store.extracts.guard import Judgement, Limits, judge, losses
from flags_store.extracts.reconcile import Action, HeldPlan, reconcile
from flags_store.extracts.record import Extras, to_record
from runtime.ids import uuid7
from tests.extracts.files import GOOD, TODAY, record

LIMITS = Limits(shrink_share=0.10, surge_share=0.50)
BORN = date(2018, 5, 6)
START = date(2025, 1, 6)


@pytest.mark.parametrize(
    "open_plans, endings, is_held",
    [
        (0, 0, False),
        (1, 1, False),  # the only plan of an authority may end
        (2, 2, False),
        (3, 3, True),
        (5, 2, False),
        (5, 3, True),
        (9, 4, False),
        (9, 5, True),
        (10, 5, False),  # a family of five, where that is no more than half
        (10, 6, True),
        (50, 5, False),
        (50, 6, True),
        (100, 10, False),  # exactly the share passes
        (100, 11, True),
        (3000, 300, False),
        (3000, 301, True),
        (3000, 3000, True),
    ],
)
def test_endings_beyond_the_share_wait_and_a_few_never_do(open_plans: int, endings: int, is_held: bool) -> None:
    assert judge(open_plans, 0, endings, LIMITS) == Judgement(hold_endings=is_held, is_surge=False)


@pytest.mark.parametrize(
    "open_plans, openings, is_surge",
    [
        (0, 5000, False),  # the first extract ever
        (1, 10, False),
        (1, 11, True),
        (20, 10, False),
        (20, 11, True),
        (100, 50, False),  # exactly the share
        (100, 51, True),
    ],
)
def test_openings_are_never_held_and_beyond_the_share_a_surge(open_plans: int, openings: int, is_surge: bool) -> None:
    assert judge(open_plans, openings, 0, LIMITS) == Judgement(hold_endings=False, is_surge=is_surge)


def test_an_authority_has_shares_of_its_own() -> None:
    assert judge(100, 30, 30, Limits(shrink_share=0.30, surge_share=0.25)) == Judgement(hold_endings=False, is_surge=True)


@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 5000))
def test_more_endings_are_never_judged_more_kindly(open_plans: int, endings: int, more: int) -> None:
    if judge(open_plans, 0, endings, LIMITS).hold_endings:
        assert judge(open_plans, 0, endings + more, LIMITS).hold_endings


def plan(**changes: object) -> HeldPlan:
    return HeldPlan(**({"flag_id": uuid7(), "kind": FlagKind.CPP, "start_date": START, "local_id": "A1"} | changes))  # type: ignore[arg-type]


OPEN_PLAN = plan()
UNBORN = plan(kind=FlagKind.UCPP, start_date=date(2026, 1, 5), expected_delivery_date=date(2026, 5, 1))


@pytest.mark.parametrize(
    "held, said, is_loss",
    [
        pytest.param(OPEN_PLAN, {}, False, id="unchanged"),
        pytest.param(OPEN_PLAN, {"local_id": "A2"}, False, id="amended"),
        pytest.param(OPEN_PLAN, {"end_date": "2026-02-01"}, True, id="ended"),
        pytest.param(OPEN_PLAN, {"end_date": "2026-12-01"}, True, id="will-end"),
        pytest.param(OPEN_PLAN, {"end_date": "2036-05-06"}, False, id="ends-at-18-as-it-would-have"),
        pytest.param(OPEN_PLAN, {"delete_date": "2026-02-01"}, True, id="deleted"),
        pytest.param(OPEN_PLAN, {"birth_date": "2008-03-03"}, True, id="an-adult-by-another-birth-date"),
        pytest.param(OPEN_PLAN, {"birth_date": "2018-06-05"}, False, id="birth-date-corrected"),
        pytest.param(plan(end_date=date(2026, 9, 1)), {"end_date": "2026-02-01"}, True, id="ended-sooner"),
        pytest.param(plan(end_date=date(2026, 9, 1)), {"end_date": "2026-10-01"}, False, id="ends-later"),
        pytest.param(plan(end_date=date(2026, 2, 1)), {"end_date": "2026-01-01"}, False, id="ended-already"),
        pytest.param(plan(end_date=date(2026, 2, 1)), {}, False, id="open-again"),
        pytest.param(plan(end_date=date(2026, 2, 1)), {"delete_date": "2026-02-02"}, True, id="ended-but-shown-and-deleted"),
        pytest.param(plan(end_date=date(2025, 2, 1)), {"delete_date": "2026-02-02"}, False, id="shown-no-more-and-deleted"),
        pytest.param(plan(deleted_on=date(2026, 2, 1)), {}, False, id="deleted-and-back"),
        pytest.param(plan(deleted_on=date(2026, 2, 1)), {"end_date": "2026-01-01"}, False, id="deleted-and-back-ended"),
        pytest.param(UNBORN, {"kind": "UCPP", "expected_delivery_date": "2026-04-01"}, False, id="due-sooner"),
        pytest.param(UNBORN, {"kind": "UCPP", "expected_delivery_date": "2026-02-01"}, True, id="due-so-long-ago-that-it-ends"),
        pytest.param(UNBORN, {"kind": "UCPP", "end_date": "2026-03-01"}, True, id="unborn-ended"),
    ],
)  # fmt: skip
def test_a_loss_is_what_takes_a_plan_from_those_who_are_shown_it(held: HeldPlan, said: dict[str, str], is_loss: bool) -> None:
    came = record(start_date=held.start_date.isoformat(), **said)
    born = BORN if held.kind is not FlagKind.UCPP else date(1990, 1, 1)
    actions = reconcile([held], [came], TODAY).actions
    assert len(actions) == 1
    assert losses(actions, born, TODAY) == (actions if is_loss else [])


def test_nothing_is_applied_that_would_make_an_adult_of_a_child() -> None:
    """Repeats and other plans of the child would bring the same birth date in."""
    said = [record(birth_date="2008-03-03"), record(birth_date="2008-03-03", line="3"), record(kind="LAC", birth_date="2008-03-03")]
    actions = reconcile([OPEN_PLAN], said, TODAY).actions
    assert losses(actions, BORN, TODAY) == actions


def test_care_that_ended_by_adoption_never_waits() -> None:
    fields = tuple((GOOD | {"end_date": "2026-02-01"}).values())
    adopted = to_record(2, fields, is_production=False, extras=Extras(adopted=True))
    actions = reconcile([OPEN_PLAN], [adopted], TODAY).actions  # type: ignore[list-item]
    assert [action.change for action in actions] == ["end"]
    assert losses(actions, BORN, TODAY) == []


@pytest.mark.parametrize(
    "said, lost",
    [
        pytest.param([{"delete_date": "2026-02-01"}, {"start_date": "2025-02-05"}], [], id="start-corrected"),
        pytest.param([{"end_date": "2026-02-01"}, {"start_date": "2026-02-01"}], [], id="goes-on-as-another"),
        pytest.param([{"end_date": "2026-02-01"}, {"start_date": "2026-02-01", "kind": "LAC"}], ["end"], id="another-kind"),
        pytest.param(
            [{"delete_date": "2026-02-01"}, {"start_date": "2025-02-05", "end_date": "2026-01-05"}], ["delete", "open"],
            id="corrected-and-over",
        ),
    ],
)  # fmt: skip
def test_a_plan_that_another_replaces_is_no_loss_and_what_needs_its_days_waits_with_it(
    said: list[dict[str, str]], lost: list[str]
) -> None:
    actions = reconcile([OPEN_PLAN], [record(**each) for each in said], TODAY).actions
    assert len(actions) == len(said)
    assert [action.change for action in losses(actions, BORN, TODAY)] == lost


@given(st.data())
def test_what_is_left_without_the_losses_overlaps_nothing(data: st.DataObject) -> None:
    """The database lets no two plans of a kind overlap: holding some of a person's actions must leave the others possible."""
    days = st.integers(0, 12).map(lambda month: date(2025 + month // 12, 1 + month % 12, 1))
    held: list[HeldPlan] = []
    for start in sorted(data.draw(st.sets(days, max_size=3))):
        if held and held[-1].end_date is None:
            break
        held.append(plan(start_date=start, end_date=data.draw(st.sampled_from([None, start.replace(day=20)]))))
    said = [
        record(start_date=start.isoformat(), end_date=_text(data, days, start), delete_date=data.draw(st.sampled_from(DELETED)))
        for start in sorted(data.draw(st.sets(days, min_size=1, max_size=4)))
    ]
    actions = reconcile(held, said, TODAY).actions
    waiting = losses(actions, BORN, TODAY)
    assert not _overlaps(held, [action for action in actions if action not in waiting])


DELETED = ("", "", "2026-02-01")


def _text(data: st.DataObject, days: st.SearchStrategy[date], start: date) -> str:
    end = data.draw(st.none() | days)
    return end.isoformat() if end is not None and end >= start else ""


def _overlaps(held: list[HeldPlan], applied: list[Action]) -> bool:
    after = {each.start_date: each.end_date for each in held}
    for action in applied:
        after.pop(action.record.start_date, None)
        if action.record.delete_date is None:
            after[action.record.start_date] = action.record.end_date
    spans = sorted((start, end or date.max) for start, end in after.items() if start != end)
    return any(first[1] > second[0] for first, second in pairwise(spans))
