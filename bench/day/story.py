"""One patient's day in the feed, and what must be true of it at the end.

`hospital` makes one for each patient, `kinds` fills it: steps in, in the order in which they happen, and beside them the truth,
said outright by the kind's author and never worked out with the product's own code.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

LATE_SHARE = 0.01
AGAIN_SHARE = 0.004
LOST_ACK_SHARE = 0.001
_LATE_MINUTES = (5, 120)
_NEVER = datetime(1, 1, 1)  # noqa: DTZ001 -- the feed's times are local, as hospitals send them


@dataclass(frozen=True, slots=True)
class Who:
    """A person as a message names them; any number may be missing."""

    local: str
    number: str = ""
    family: str = ""
    given: str = ""
    born: str = ""
    mother: str = ""


@dataclass(frozen=True, slots=True)
class Stay:
    """What PV1 says: class, admission method, treatment function, visit number, when the patient came."""

    visit: str
    patient_class: str
    method: str = ""
    function: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One message of the feed. `batch` are the other people of a batch; `again` sends the same once more, a while later."""

    event: str
    application: str
    who: Who
    stay: Stay | None = None
    prior: str = ""
    left_before_seen: bool = False
    batch: tuple[Who, ...] = ()
    may_be_late: bool = False
    number: int = 0
    at: datetime = _NEVER
    sent_at: datetime = _NEVER
    lost_ack: bool = False
    again: bool = False


@dataclass(slots=True)
class Story:
    """Steps, and the truth: each visit's state, and the notices that must go out: visit, authority, and of what."""

    index: int
    chance: random.Random
    steps: list[Step] = field(default_factory=list)
    visits: dict[str, str] = field(default_factory=dict)
    notices: set[tuple[str, str, str]] = field(default_factory=set)

    def add(self, event: str, application: str, who: Who, stay: Stay | None = None, *, left: bool = False, prior: str = "") -> None:
        """The next thing that happens."""
        self.steps.append(Step(event, application, who, stay, prior, left))

    def add_updates(self, most: int, application: str, who: Who, stay: Stay, event: str = "A08") -> None:
        """A flood of updates, few or many; any of them may be held up on its way and come after its successors."""
        for _ in range(min(most * 4, round(self.chance.expovariate(1 / most)))):
            self.steps.append(Step(event, application, who, stay, may_be_late=True))

    def must_be(self, visit: str, state: str, authority: str = "", *notices: str) -> None:
        """At the end the visit is in this state, and the authority, where there is one to tell, has had these notices."""
        self.visits[visit] = state
        self.notices |= {(visit, authority, notice) for notice in notices if authority}

    def new_visit(self) -> str:
        """A visit number that no other story has."""
        return f"V{self.index:06}{len(self.visits)}"

    def spread(self, begins: datetime, ends: datetime) -> None:
        """Give each step its time; late ones are sent after it, repeats later still."""
        chance, seconds = self.chance, (ends - begins).total_seconds()
        offsets = sorted(chance.random() for _ in self.steps)
        sent = {step.application: 0 for step in self.steps}
        timed = []
        since: dict[str, datetime] = {}
        for step, offset in zip(self.steps, offsets, strict=True):
            at = (begins + timedelta(seconds=offset * seconds)).replace(microsecond=0)
            stay = step.stay
            if stay and stay.since is None:
                stay = replace(stay, since=since.setdefault(stay.visit, at))
            late = step.may_be_late and chance.random() < LATE_SHARE
            sent_at = min(ends, at + timedelta(minutes=chance.uniform(*_LATE_MINUTES))) if late else at
            sent[step.application] += 1 + len(step.batch)
            number = sent[step.application] - len(step.batch)
            lost_ack, again = chance.random() < LOST_ACK_SHARE, chance.random() < AGAIN_SHARE
            timed.append(replace(step, stay=stay, number=number, at=at, sent_at=sent_at, lost_ack=lost_ack, again=again))
        self.steps = timed

    def control_ids(self, step: Step) -> tuple[str, ...]:
        """Each application counts for itself, so that two of them use the same control IDs."""
        return tuple(f"{self.index:06}{step.number + offset:04}" for offset in range(1 + len(step.batch)))

    def messages(self) -> Iterator[str]:
        """What must be in the inbox, once each: application and control ID."""
        return (f"{step.application} {control_id}" for step in self.steps for control_id in self.control_ids(step))
