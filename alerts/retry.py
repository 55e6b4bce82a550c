"""When a delivery is tried again: exponential with full jitter, for ever. Pure; chance comes in as a number.

`alerts.dispatcher` asks it after each failure, and while the database is away.
"""

from domain.alert import AttemptOutcome
from domain.channel import Attempted

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 300.0
_DOUBLINGS = 60  # far beyond the cap; keeps the power finite, however often something was tried


def seconds_until_next(attempted: Attempted, failures: int, chance: float) -> float:
    """Seconds until the next attempt after a failure, the `failures`-th of its delivery (1 is the first).

    A permanent failure needs a person, but is never given up: it is tried again after the longest time. When the other side wishes
    to be asked again is respected, up to the longest time.
    """
    if attempted.outcome is AttemptOutcome.PERMANENT:
        return LONGEST_SECONDS
    return max(jittered(failures, chance), min(attempted.again_in or 0.0, LONGEST_SECONDS))


def jittered(failures: int, chance: float, longest: float = LONGEST_SECONDS) -> float:
    """`chance` (0 up to 1) of the ceiling, which is 1 second after the first failure and doubles up to `longest`."""
    return chance * min(longest, FIRST_SECONDS * 2.0 ** min(failures - 1, _DOUBLINGS))
