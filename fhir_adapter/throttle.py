"""How fast one client may ask: a bucket of tokens for each, filled evenly. Kept in this process alone, for each process its own.

`app` takes a token for every request of an admitted client; without one the request is refused (429) before anything is read.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from fhir_adapter.errors import TOO_MANY, Refused

PER_SECOND = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class Throttle:
    """`per_second` requests of a client, and as many at once after a quiet second. `clock` gives seconds that never go back."""

    def __init__(self, per_second: float = PER_SECOND, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def check(self, client_id: str) -> None:
        """Count one request. Raises Refused (429) with the whole seconds after which the next will pass."""
        at = self._clock()
        bucket = self._buckets.get(client_id)
        if bucket is None:
            bucket = self._buckets[client_id] = _Bucket(self._largest, at)
        bucket.tokens = min(self._largest, bucket.tokens + (at - bucket.filled_at) * self._per_second)
        bucket.filled_at = at
        if bucket.tokens < 1:
            seconds = math.ceil((1 - bucket.tokens) / self._per_second)
            raise Refused(TOO_MANY, "This client asks faster than it may.", {"retry-after": str(seconds)})
        bucket.tokens -= 1

    @property
    def _largest(self) -> float:
        return max(1.0, self._per_second)
