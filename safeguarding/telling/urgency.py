"""The order of the worklist: what is most urgent first, or what has waited longest. Pure.

`api.worklist` gives it the rows of one authority; alerts about one child in a short time stay together as one thread.
Source: docs/facts.md, section 5 (leaving before being seen reopens; cancelled asks for whereabouts) [ours].
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID

from domain.alert import AlertState
from domain.routing import Occasion
from safeguarding.views import AlertRow


class Rank(IntEnum):
    """How urgent an alert is; the lowest comes first."""

    NOW = 0
    """The child left before being seen, or the hospital asks for a call."""
    PASSED_ON = 1
    """A team did not acknowledge it in its time; it may be that nobody is next."""
    WAITS = 2
    WHEREABOUTS = 3
    """The arrival was cancelled: somebody confirms where the child is."""
    READ = 4


class Sort(StrEnum):
    """In which order who waits is listed."""

    URGENCY = "urgency"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Thread:
    """Alerts about one child in a short time. `waiting` are the newest first, and never folded; `read` likewise."""

    id: UUID
    waiting: tuple[AlertRow, ...]
    read: tuple[AlertRow, ...]

    @property
    def rows(self) -> tuple[AlertRow, ...]:
        """All of them, who waits first."""
        return self.waiting + self.read

    @property
    def came_again(self) -> bool:
        """Whether an encounter waits that is not the thread's first."""
        return any(is_new(row) for row in self.waiting)


def is_new(row: AlertRow) -> bool:
    """Whether nobody has read it yet, and others of its thread were there before it."""
    return row.state == AlertState.RAISED and row.acknowledged_at is None and row.thread_id not in {None, row.id}


def rank(row: AlertRow) -> Rank:
    """How urgent one alert is."""
    if not row.is_waiting:
        return Rank.READ
    if row.state == AlertState.RETRACTED:
        return Rank.WHEREABOUTS
    if row.left_before_seen or row.occasion in {Occasion.LEFT, Occasion.ASKED}:
        return Rank.NOW
    return Rank.PASSED_ON if row.step or row.next_step_at is None else Rank.WAITS


def waits_since(row: AlertRow) -> datetime:
    """Since when nobody has dealt with what was last told."""
    return row.began_at or row.raised_at


def in_threads(rows: Iterable[AlertRow], sort: Sort = Sort.URGENCY) -> tuple[list[Thread], list[Thread]]:
    """The threads in which somebody waits, in their order; then those that are read, newest first."""
    together: dict[UUID, list[AlertRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.raised_at, row.id), reverse=True):
        together[row.thread_id or row.id].append(row)
    threads = [_thread(thread_id, each) for thread_id, each in together.items()]
    waiting = sorted((each for each in threads if each.waiting), key=_by_age if sort is Sort.AGE else _by_urgency)
    read = sorted((each for each in threads if not each.waiting), key=_by_news, reverse=True)
    return waiting, read


def _thread(thread_id: UUID, rows: Sequence[AlertRow]) -> Thread:
    return Thread(thread_id, tuple(row for row in rows if row.is_waiting), tuple(row for row in rows if not row.is_waiting))


def _by_urgency(thread: Thread) -> tuple[Rank, bool, bool, datetime, UUID]:
    """A thread is as urgent as its most urgent alert; within that, nobody left in line, then a child who came again."""
    most = min(rank(row) for row in thread.waiting)
    nobody_left = most is Rank.PASSED_ON and any(row.next_step_at is None for row in thread.waiting)
    return most, not nobody_left, not thread.came_again, *_by_age(thread)


def _by_age(thread: Thread) -> tuple[datetime, UUID]:
    return min((waits_since(row), row.id) for row in thread.waiting)


def _by_news(thread: Thread) -> tuple[datetime, UUID]:
    return max((row.changed_at, row.id) for row in thread.rows)
