"""Circuit breakers: a host that does not answer is left alone for a growing while, and then tried by one delivery. Pure.

`alerts.backpressure` keeps one for each host that a dispatcher tells; instants come in as seconds of any clock that only goes on.
Each dispatcher learns for itself (docs/adr/0044).
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

from domain.alert import AttemptOutcome
from domain.channel import Attempted

FAILURES_IN_A_ROW = 5
FIRST_SECONDS = 2.0
LONGEST_SECONDS = 60.0
_DOUBLINGS = 10  # far beyond the longest; keeps the power finite

_OUR_OWN = frozenset({"not-configured", "store-away", "raised"})
_SERVER_IS_CLOSING = "smtp-421"  # RFC 5321, section 4.2.1: of the server; every other reply is about one letter


class Says(Enum):
    """What one attempt says about the host that it went to."""

    THERE = auto()
    AWAY = auto()
    NOTHING = auto()


def what_it_says(attempted: Attempted) -> Says:
    """Whoever was told, or refused for good, has heard it from a host that is there; a failure of our own says nothing.

    A mail server's temporary reply is about one mailbox: it answers, so that the letters to others go on.
    """
    if attempted.outcome is not AttemptOutcome.TEMPORARY:
        return Says.THERE
    if attempted.detail in _OUR_OWN:
        return Says.NOTHING
    if attempted.detail.startswith("smtp-4") and attempted.detail != _SERVER_IS_CLOSING:
        return Says.THERE
    return Says.AWAY


@dataclass(frozen=True, slots=True)
class Breaker:
    """One host as one dispatcher knows it. It is open from the moment `opened_at` until somebody has got through.

    `failures` are those in a row; `tries_at` is when one delivery may be tried, while it is open.
    """

    failures: int = 0
    openings: int = 0
    opened_at: float | None = None
    tries_at: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether deliveries to this host wait."""
        return self.opened_at is not None

    def room(self, at: float, in_hand: int, most: int) -> int:
        """How many deliveries to this host may be taken now, where `in_hand` are under way already."""
        if not self.is_open:
            return max(0, most - in_hand)
        return 1 if at >= self.tries_at and in_hand == 0 else 0


CLOSED = Breaker()


def after(breaker: Breaker, says: Says, at: float) -> Breaker:
    """The breaker after an attempt has ended.

    While it is open only a failure that comes after `tries_at` makes the pause longer: what was under way when it opened says
    no more than what opened it.
    """
    if says is Says.THERE:
        return CLOSED
    if says is Says.NOTHING:
        return breaker
    failed = replace(breaker, failures=breaker.failures + 1)
    if failed.failures < FAILURES_IN_A_ROW or (breaker.is_open and at < breaker.tries_at):
        return failed
    opened_at = at if breaker.opened_at is None else breaker.opened_at
    return replace(failed, openings=breaker.openings + 1, opened_at=opened_at, tries_at=at + pause(breaker.openings))


def pause(openings: int) -> float:
    """Seconds for which a host is left alone that was so often already."""
    return min(LONGEST_SECONDS, FIRST_SECONDS * 2.0 ** min(openings, _DOUBLINGS))
