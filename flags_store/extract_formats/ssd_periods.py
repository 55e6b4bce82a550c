"""A period of care out of its episodes, cut where it cannot have gone on, and without short breaks. Pure.

`ssd_care` passes in what the tables say of one `clae_cla_id`, and writes what comes out. Days are calendar days, the last one
included. Source: docs/facts.md, section 4 ("Looked after").
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from domain.flag import ADULT_AT, birthday_in
from flags_store.extract_formats.ssd_words import ADOPTED, ANOTHER_FOLLOWS, SHORT_BREAKS
from flags_store.extracts.codes import NoteCode, RecordCode

_NEXT = timedelta(days=1)
_Days = tuple[int, int]
_ENDLESS = date.max.toordinal()
_EARLIEST = date.min.toordinal()


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode of care; `reason` is the code for which it ceased, None where it is unknown or missing."""

    start: date | None
    ceased: date | None
    reason: str | None = None
    entered: date | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """One legal status: its code, None where it is unknown, and its days. Without a start it is not known what it covers."""

    code: str | None
    start: date | None
    end: date | None


@dataclass(frozen=True, slots=True)
class Period:
    """Care without a break; `end` is None while it is open. `is_apart`: its episodes leave days out, or overlap."""

    start: date
    end: date | None
    adopted: bool = False
    is_apart: bool = False


def period_of(episodes: Iterable[Episode]) -> Period | RecordCode:
    """The period of care that the episodes make, in whatever order they come; or why they make none."""
    in_order = sorted(set(episodes), key=_by_time)
    entered = {each.entered for each in in_order if each.entered}
    if len(entered) > 1:
        return RecordCode.CARE_STARTS_DIFFER
    starts = [each.start for each in in_order if each.start]
    if any(each.start and each.ceased and each.ceased < each.start for each in in_order):
        return RecordCode.END_BEFORE_START
    start = min(entered) if entered else min(starts, default=None)
    if start is None:
        return RecordCode.MISSING
    ends = [each.ceased for each in in_order if each.ceased]
    if len(ends) < len(in_order):
        return Period(start, None, is_apart=_are_apart(in_order))
    last = [each for each in in_order if each.ceased == max(ends)]
    reasons = {each.reason for each in last if each.start == last[-1].start}
    if reasons == {ANOTHER_FOLLOWS}:
        return RecordCode.EPISODE_MUST_FOLLOW
    return Period(start, max(ends), bool(reasons & ADOPTED), _are_apart(in_order))


def cut_off(period: Period, died_on: date | None, birth_date: date | None, taken_on: date) -> tuple[Period, NoteCode | None]:
    """The period, ended on the day of death or the 18th birthday where it was open beyond, and what is to be said of that."""
    ends = [(died_on, NoteCode.ENDED_BY_DEATH)] if died_on else []
    if birth_date and (birthday := birthday_in(birth_date, birth_date.year + ADULT_AT)) > period.start:
        ends.append((birthday, NoteCode.ENDED_BY_AGE))
    limits = [each for each in ends if each[0] <= taken_on and (period.end is None or each[0] < period.end)]
    if not limits:
        return period, None
    day, why = min(limits)
    return replace(period, end=day), why


def without_short_breaks(period: Period, statuses: Sequence[Status], taken_on: date) -> list[Period]:
    """What is left of the period without the days that V1, V3 or V4 alone covers; nothing that begins after the extract."""
    breaks = [_days(each.start, each.end) for each in statuses if each.code in SHORT_BREAKS and each.start]
    others = [_days(each.start, each.end) for each in statuses if each.code not in SHORT_BREAKS]
    holes = _minus(breaks, others)
    whole = _days(period.start, period.end)
    if not any(_meet(hole, whole) for hole in holes):
        return [period]
    return [
        replace(period, start=date.fromordinal(first), end=None if last == _ENDLESS else date.fromordinal(last))
        for first, last in sorted(_minus([whole], holes))
        if first <= taken_on.toordinal()
    ]


def _by_time(episode: Episode) -> tuple[date, date, str]:
    return episode.start or date.min, episode.ceased or date.max, episode.reason or ""


def _are_apart(in_order: Sequence[Episode]) -> bool:
    """Whether an episode does not start on the day on which the one before it ceased, or on the day after."""
    dated = [each for each in in_order if each.start]
    return any(not _follows(before, after) for before, after in pairwise(dated))


def _follows(before: Episode, after: Episode) -> bool:
    return before.ceased is not None and after.start is not None and before.ceased <= after.start <= before.ceased + _NEXT


def _days(start: date | None, end: date | None) -> _Days:
    return start.toordinal() if start else _EARLIEST, end.toordinal() if end else _ENDLESS


def _meet(one: _Days, other: _Days) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _minus(spans: Iterable[_Days], holes: Iterable[_Days]) -> list[_Days]:
    """The days of the spans that lie in no hole."""
    left = [span for span in spans if span[0] <= span[1]]
    for hole in holes:
        if hole[0] > hole[1]:
            continue
        left = [
            piece
            for first, last in left
            for piece in ([(first, last)] if not _meet((first, last), hole) else [(first, hole[0] - 1), (hole[1] + 1, last)])
            if piece[0] <= piece[1]
        ]
    return left
