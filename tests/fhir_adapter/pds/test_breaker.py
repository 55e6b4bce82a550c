"""The circuit breaker as a table: how it stands, what happens, how it stands then."""

from collections.abc import Callable

import pytest

from fhir_adapter.pds.breaker import FAILURES, PAUSE_SECONDS, Breaker, Circuit, admit, failed, released, seconds_left, succeeded

CLOSED, ALMOST = Breaker(), Breaker(failures=FAILURES - 1)
OPEN = Breaker(Circuit.OPEN, FAILURES, 100.0)
PROBING = Breaker(Circuit.HALF_OPEN, FAILURES, 100.0)
SOON, LATER = 100.0 + PAUSE_SECONDS - 0.001, 100.0 + PAUSE_SECONDS


@pytest.mark.parametrize(
    "before,at,after,may_ask",
    [
        (CLOSED, 0.0, CLOSED, True),
        (ALMOST, 0.0, ALMOST, True),
        (OPEN, SOON, OPEN, False),
        (OPEN, LATER, PROBING, True),
        (PROBING, LATER, PROBING, False),
        (PROBING, LATER + 1_000, PROBING, False),
    ],
)
def test_who_may_ask(before: Breaker, at: float, after: Breaker, may_ask: bool) -> None:
    assert admit(before, at) == (after, may_ask)


@pytest.mark.parametrize(
    "before,what,after",
    [
        (CLOSED, failed, Breaker(failures=1)),
        (ALMOST, failed, Breaker(Circuit.OPEN, FAILURES, 200.0)),
        (PROBING, failed, Breaker(Circuit.OPEN, FAILURES + 1, 200.0)),
        (OPEN, failed, Breaker(Circuit.OPEN, FAILURES + 1, 100.0)),
        (CLOSED, succeeded, CLOSED),
        (ALMOST, succeeded, CLOSED),
        (PROBING, succeeded, CLOSED),
        (OPEN, succeeded, CLOSED),
        (ALMOST, released, ALMOST),
        (PROBING, released, OPEN),
        (OPEN, released, OPEN),
    ],
)
def test_what_an_answer_or_none_makes_of_it(before: Breaker, what: Callable[[Breaker, float], Breaker], after: Breaker) -> None:
    assert what(before, 200.0) == after


def test_it_opens_after_so_many_failures_in_a_row_and_no_sooner() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker = failed(breaker, 5.0)
    assert admit(breaker, 5.0)[1]
    assert not admit(failed(breaker, 5.0), 5.0)[1]


@pytest.mark.parametrize(
    "breaker,at,seconds", [(OPEN, 100.0, PAUSE_SECONDS), (OPEN, LATER, 0.0), (PROBING, 100.0, 0.0), (CLOSED, 0.0, 0.0)]
)
def test_it_says_how_long_nobody_may_ask(breaker: Breaker, at: float, seconds: float) -> None:
    assert seconds_left(breaker, at) == seconds
