"""The pace: requests start evenly, so many a second, and none before the time that PDS asked us to wait until.

`fhir_adapter.pds.client` takes a turn for every request. Times are seconds of any clock that only goes forward.
Source: PDS FHIR API, "Rate limits" (5 a second for an application; a spike is refused with 429 and Retry-After).
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_TURN_SECONDS = 5.0
LONGEST_RETRY_SECONDS = 300.0
_DEFAULT_RETRY_SECONDS = 5.0


class Pace:
    """Hands out turns. Not for several threads."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._next = float("-inf")
        self._held_until = float("-inf")

    def turn(self, at: float) -> float | None:
        """Seconds to wait for one's turn, which is taken; None, and nothing is taken, where it would be too long."""
        begins = max(at, self._next, self._held_until)
        if begins - at > LONGEST_TURN_SECONDS:
            return None
        self._next = begins + self._gap
        return begins - at

    def hold(self, until: float) -> None:
        """Let nobody begin before then."""
        self._held_until = max(self._held_until, until)

    def seconds_left(self, at: float) -> float:
        """How long a turn would have to wait."""
        return max(0.0, self._next - at, self._held_until - at)


def retry_after(header: str | None, now: datetime) -> float:
    """Seconds that a Retry-After header asks for, as a number or a date (RFC 9110, section 10.2.3); 5 where it says nothing clear.

    Never more than 300: an answer must not be able to silence us for good.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(min(int(text[:9]), LONGEST_RETRY_SECONDS))
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return _DEFAULT_RETRY_SECONDS
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(0.0, (aware - now).total_seconds()), LONGEST_RETRY_SECONDS)
