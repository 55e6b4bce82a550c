"""Properties of periods of care: whatever the episodes and the statuses are, and in whatever order they come."""

from datetime import date, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from flags_store.extract_formats.ssd_periods import Episode, Period, Status, cut_off, period_of, without_short_breaks
from flags_store.extracts.codes import NoteCode, RecordCode

FIRST = date(2024, 1, 1)
TAKEN_ON = date(2026, 3, 2)
DAYS = st.integers(0, 60).map(lambda days: FIRST + timedelta(days))
OPEN_DAYS = st.one_of(st.none(), DAYS)
EPISODES = st.lists(
    st.builds(Episode, OPEN_DAYS, OPEN_DAYS, st.sampled_from(["X1", "E8", "E11", None]), st.sampled_from([None, None, FIRST])),
    min_size=1, max_size=6,
)  # fmt: skip
STATUSES = st.lists(st.builds(Status, st.sampled_from(["V1", "V3", "V4", "C2", "V2", None]), OPEN_DAYS, OPEN_DAYS), max_size=6)


@st.composite
def chains(draw: st.DrawFn) -> list[Episode]:
    """Episodes that follow one another, the last of them open or ended."""
    episodes = []
    start = draw(DAYS)
    for _ in range(draw(st.integers(0, 5))):
        ceased = start + timedelta(draw(st.integers(1, 30)))
        episodes.append(Episode(start, ceased, "X1"))
        start = ceased + timedelta(draw(st.integers(0, 1)))
    if draw(st.booleans()):
        return [*episodes, Episode(start, None)]
    end = start + timedelta(draw(st.integers(1, 30)))
    return [*episodes, Episode(start, end, draw(st.sampled_from(["E8", "E11", None])))]


@given(EPISODES, st.data())
def test_the_order_of_episodes_and_repeats_of_them_change_nothing(episodes: list[Episode], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations([*episodes, *data.draw(st.lists(st.sampled_from(episodes), max_size=3))]))
    assert period_of(shuffled) == period_of(episodes)


@given(chains())
def test_a_chain_of_episodes_is_one_period_from_the_first_to_the_last_of_them(episodes: list[Episode]) -> None:
    last = episodes[-1]
    assert period_of(episodes) == Period(episodes[0].start or FIRST, last.ceased, last.reason == "E11")


@given(chains())
def test_a_chain_whose_last_link_is_lost_is_never_taken_for_the_end_of_care(episodes: list[Episode]) -> None:
    assume(len(episodes) > 1)
    assert period_of(episodes[:-1]) is RecordCode.EPISODE_MUST_FOLLOW


@given(EPISODES)
def test_care_is_open_exactly_while_any_episode_is(episodes: list[Episode]) -> None:
    period = period_of(episodes)
    if isinstance(period, Period):
        assert (period.end is None) == any(each.ceased is None for each in episodes)
        assert period.end is None or period.end == max(each.ceased for each in episodes if each.ceased)


@given(st.builds(Period, DAYS, OPEN_DAYS), OPEN_DAYS, st.one_of(st.none(), st.dates(date(2003, 1, 1), date(2010, 1, 1))))
def test_nothing_goes_on_beyond_death_or_the_18th_birthday(period: Period, died_on: date | None, born_on: date | None) -> None:
    cut, why = cut_off(period, died_on, born_on, TAKEN_ON)
    assert (cut == period) == (why is None)
    assert died_on is None or (cut.end is not None and cut.end <= died_on)
    assert why is None or cut.end is not None
    assert cut_off(cut, died_on, born_on, TAKEN_ON) == (cut, None)
    assert why in {None, NoteCode.ENDED_BY_DEATH, NoteCode.ENDED_BY_AGE}


def counts(day: date, statuses: list[Status]) -> bool:
    """Whether a day counts, said once more and day by day: it does not where short breaks alone cover it."""
    over = [
        each
        for each in statuses
        if (each.start or date.min) <= day <= (each.end or date.max) and (each.start or each.code not in {"V1", "V3", "V4"})
    ]
    return not over or any(each.code not in {"V1", "V3", "V4"} for each in over)


@given(st.builds(Period, DAYS, OPEN_DAYS), STATUSES)
def test_short_breaks_leave_out_exactly_the_days_that_they_alone_cover(period: Period, statuses: list[Status]) -> None:
    assume(period.end is None or period.start <= period.end)
    left = without_short_breaks(period, statuses, TAKEN_ON)
    for ahead in range(-5, 100):
        day = FIRST + timedelta(ahead)
        is_care = period.start <= day and (period.end is None or day <= period.end)
        kept = any(each.start <= day and (each.end is None or day <= each.end) for each in left)
        assert kept == (is_care and counts(day, statuses)), day


@given(st.builds(Period, DAYS, OPEN_DAYS), STATUSES, st.data())
def test_what_is_left_lies_apart_in_order_and_does_not_hang_on_the_order_of_statuses(
    period: Period, statuses: list[Status], data: st.DataObject
) -> None:
    assume(period.end is None or period.start <= period.end)
    left = without_short_breaks(period, statuses, TAKEN_ON)
    assert without_short_breaks(period, data.draw(st.permutations(statuses)), TAKEN_ON) == left
    ends: list[Any] = [each.end for each in left]
    assert all(end is not None and end < after.start for end, after in zip(ends, left[1:], strict=False))
    assert None not in ends[:-1]


def test_what_would_begin_after_the_extract_is_not_care_yet() -> None:
    on_a_break = [Status("V4", FIRST, TAKEN_ON + timedelta(30))]
    assert without_short_breaks(Period(FIRST, None), on_a_break, TAKEN_ON) == []
