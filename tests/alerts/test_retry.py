"""When a failed delivery is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.retry import LONGEST_SECONDS, jittered, seconds_until_next
from domain.alert import AttemptOutcome
from domain.channel import Attempted

TEMPORARY = Attempted(AttemptOutcome.TEMPORARY)
PERMANENT = Attempted(AttemptOutcome.PERMANENT)


@pytest.mark.parametrize(
    "failures, ceiling",
    [(1, 1), (2, 2), (3, 4), (4, 8), (8, 128), (9, 256), (10, 300), (11, 300), (1_000_000, 300)],
)
def test_the_ceiling_doubles_from_one_second_to_five_minutes(failures: int, ceiling: float) -> None:
    assert seconds_until_next(TEMPORARY, failures, 1.0) == ceiling


@pytest.mark.parametrize("chance, seconds", [(0.0, 0.0), (0.25, 1.0), (0.5, 2.0), (0.999, 3.996)])
def test_chance_spreads_the_attempts_over_the_whole_span(chance: float, seconds: float) -> None:
    assert seconds_until_next(TEMPORARY, 3, chance) == pytest.approx(seconds)


@pytest.mark.parametrize("failures", [1, 5, 100])
@pytest.mark.parametrize("chance", [0.0, 0.5])
def test_a_permanent_failure_is_tried_again_after_the_longest_time(failures: int, chance: float) -> None:
    assert seconds_until_next(PERMANENT, failures, chance) == LONGEST_SECONDS


@given(failures=st.integers(1), chance=st.floats(0, 1, exclude_max=True), longest=st.floats(0.1, 3600))
def test_there_is_always_a_next_attempt(failures: int, chance: float, longest: float) -> None:
    assert 0 <= jittered(failures, chance, longest) <= longest
