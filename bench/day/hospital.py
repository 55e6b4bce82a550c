"""The day of a hospital of 445 beds: stories that begin through the day as patients come, and their messages in order of sending.

The client of the replay sends what `feed` yields; `truth` says what must be true when all of it has been taken. Both are decided by
the seed alone.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bench.day.cast import MOST_STORIES, UNBORN_SHARE, cast_for
from bench.day.kinds import SHARES
from bench.day.story import Step, Story

MEAN_MESSAGES = 12.15
"""Of a story, repeats aside; how many stories a number of messages needs."""

SITE = "R0A01"
FLAGGED_SHARE = 0.05
_HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 11, 12, 12, 11, 10, 10, 10, 9, 9, 8, 7, 6, 5, 4, 3, 2)
"""How many patients come in each hour of the day, to each other."""
_AGAIN_MINUTES = (1, 60)


@dataclass(frozen=True, slots=True)
class Day:
    """What is replayed: `begins` is midnight of a day that is over, `flagged` how many children have a plan."""

    seed: int
    messages: int
    flagged: int
    begins: datetime

    @property
    def stories(self) -> int:
        """How many patients the feed is about. Raises ValueError for more than there are people."""
        count = max(1, round(self.messages / MEAN_MESSAGES))
        if count > min(self.flagged, MOST_STORIES):
            raise ValueError(f"{count:,} patients: more than flagged children ({self.flagged:,}) or than {MOST_STORIES:,}")
        return count


@dataclass(slots=True)
class Truth:
    """What must be in the store: messages by application and control ID, visits with their states, notices."""

    messages: set[str] = field(default_factory=set)
    visits: dict[str, str] = field(default_factory=dict)
    notices: set[tuple[str, str, str]] = field(default_factory=set)
    events: dict[str, int] = field(default_factory=dict)


def truth(day: Day) -> Truth:
    """All stories' truths together."""
    whole = Truth()
    for index in range(day.stories):
        story = _story(day, index, _arrival(day, index))
        whole.messages.update(story.messages())
        whole.visits |= story.visits
        whole.notices |= story.notices
        for step in story.steps:
            whole.events[step.event] = whole.events.get(step.event, 0) + 1 + len(step.batch)
    return whole


def feed(day: Day) -> Iterator[tuple[Story, Step]]:
    """Every message in the order of sending, repeats among them. Only the stories that go on at a time are held."""
    arrivals = sorted((_arrival(day, index), index) for index in range(day.stories))
    going_on: list[tuple[datetime, int, int, Story, Step]] = []
    for arrives, index in arrivals:
        while going_on and going_on[0][0] <= arrives:
            yield heapq.heappop(going_on)[3:]
        story = _story(day, index, arrives)
        for position, (sent_at, step) in enumerate(_sendings(story)):
            heapq.heappush(going_on, (sent_at, index, position, story, step))
    while going_on:
        yield heapq.heappop(going_on)[3:]


def _sendings(story: Story) -> Iterator[tuple[datetime, Step]]:
    for step in story.steps:
        yield step.sent_at, replace(step, again=False)
        if step.again:
            later = timedelta(minutes=story.chance.uniform(*_AGAIN_MINUTES))
            yield step.sent_at + later, replace(step, lost_ack=False, sent_at=step.sent_at + later)


def _arrival(day: Day, index: int) -> datetime:
    chance = random.Random(f"{day.seed} arrival {index}")
    hour = chance.choices(range(24), _HOURS)[0]
    return day.begins + timedelta(hours=hour, seconds=chance.randrange(3600))


def _story(day: Day, index: int, arrives: datetime) -> Story:
    chance = random.Random(f"{day.seed} story {index}")
    kind = chance.choices(list(SHARES), list(SHARES.values()))[0]
    story = Story(index, chance)
    people = cast_for(
        index, flagged=day.flagged, is_flagged=chance.random() < FLAGGED_SHARE,
        has_unborn_plan=chance.random() < UNBORN_SHARE, site=SITE, begins=day.begins,
    )  # fmt: skip
    kind(story, people)
    midnight = day.begins + timedelta(hours=24)
    story.spread(arrives, min(midnight, arrives + timedelta(hours=chance.uniform(1, 12))))
    return story
