"""The circuit breaker: after several failures in a row nobody asks for a while, then one asks for all. Pure.

`fhir_adapter.pds.client` keeps one `Breaker` and replaces it at every step; times are seconds of any clock that only goes forward.
"""

from dataclasses import dataclass
from enum import StrEnum

FAILURES = 5
PAUSE_SECONDS = 30.0


class Circuit(StrEnum):
    """Closed: everybody may ask. Open: nobody. Half open: one probe is under way, everybody else waits."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """How it stands: failures in a row, and since when it is open."""

    circuit: Circuit = Circuit.CLOSED
    failures: int = 0
    opened_at: float = 0.0


def admit(breaker: Breaker, at: float) -> tuple[Breaker, bool]:
    """The breaker once somebody wanted to ask, and whether they may."""
    if breaker.circuit is Circuit.CLOSED:
        return breaker, True
    if breaker.circuit is Circuit.OPEN and at - breaker.opened_at >= PAUSE_SECONDS:
        return Breaker(Circuit.HALF_OPEN, breaker.failures, breaker.opened_at), True
    return breaker, False


def succeeded(_: Breaker, __: float) -> Breaker:
    """The breaker once an answer came."""
    return Breaker()


def released(breaker: Breaker, _: float) -> Breaker:
    """The breaker once nothing was asked after all, or whoever asked gave up: that says nothing, and the next may probe."""
    if breaker.circuit is Circuit.HALF_OPEN:
        return Breaker(Circuit.OPEN, breaker.failures, breaker.opened_at)
    return breaker


def failed(breaker: Breaker, at: float) -> Breaker:
    """The breaker once no answer came. What was asked before it opened, and fails late, keeps it open no longer."""
    failures = breaker.failures + 1
    if breaker.circuit is Circuit.HALF_OPEN or (breaker.circuit is Circuit.CLOSED and failures >= FAILURES):
        return Breaker(Circuit.OPEN, failures, at)
    return Breaker(breaker.circuit, failures, breaker.opened_at)


def seconds_left(breaker: Breaker, at: float) -> float:
    """Until the next probe may be made; 0 where somebody may ask now, or a probe is under way."""
    return max(0.0, breaker.opened_at + PAUSE_SECONDS - at) if breaker.circuit is Circuit.OPEN else 0.0
