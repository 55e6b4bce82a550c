"""Keys that stand at a registered URL: fetched when they are needed, kept a few minutes, and kept on while a fetch fails.

The token endpoint and CDS Hooks ask with the kid of a token. A caller can make Nightlight fetch only what an operator registered,
and no oftener than every half minute. Sources: SMART App Launch 2.2, "Registering a client"; RFC 9111 (max-age).
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from domain.errors import InvalidInput
from runtime.endpoints import EndpointError, Endpoints, read_json
from runtime.jwks import VerifyingKey, read_key_set
from runtime.logs import get_logger

KEPT_SECONDS = 300.0
AGAIN_SECONDS = 30.0
KEPT_ON_SECONDS = 24 * 3600.0
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])")
_NOT_CACHED = re.compile(r"(?:^|[\s,])no-(?:cache|store)(?:$|[\s,])")

log = get_logger()


@dataclass(slots=True)
class _Held:
    """What is held of one URL; times are of the clock."""

    keys: tuple[VerifyingKey, ...] = ()
    fetched_at: float = float("-inf")
    good_until: float = float("-inf")
    tried_at: float = float("-inf")
    failed: EndpointError | None = None
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)


class PublishedKeys:
    """The keys at URLs. One for each process; asked from any number of tasks."""

    def __init__(self, endpoints: Endpoints, clock: Callable[[], float] = time.monotonic) -> None:
        self._endpoints = endpoints
        self._clock = clock
        self._held: dict[str, _Held] = {}

    async def find(self, url: str, kid: str) -> tuple[VerifyingKey, ...]:
        """The keys at a registered URL, fetched anew where they are old or none of them has the id.

        Keys that were good are kept for a day while fetching fails. Raises EndpointError where there are none to go by.
        """
        held = self._held.setdefault(url, _Held())
        if not self._suffices(held, kid):
            async with held.fetching:  # whoever waited finds what the first one fetched
                if not self._suffices(held, kid) and self._clock() - held.tried_at >= AGAIN_SECONDS:
                    await self._fetch(url, held)
        if held.failed and self._clock() - held.fetched_at > KEPT_ON_SECONDS:
            raise held.failed
        return held.keys

    def _suffices(self, held: _Held, kid: str) -> bool:
        return self._clock() < held.good_until and any(key.kid == kid for key in held.keys)

    async def _fetch(self, url: str, held: _Held) -> None:
        held.tried_at = self._clock()
        try:
            answer = await self._endpoints.get(url)
            keys = read_key_set(read_json(answer))
            if not keys:
                raise EndpointError("no-keys", temporary=False)
        except (EndpointError, InvalidInput) as error:
            held.failed = error if isinstance(error, EndpointError) else EndpointError("no-keys", temporary=False)
            log.warning("keys not fetched", code=held.failed.code)
        else:
            at = self._clock()
            held.keys, held.fetched_at, held.failed = keys, at, None
            held.good_until = at + _kept_seconds(answer.headers.get("cache-control", ""))


def _kept_seconds(cache_control: str) -> float:
    """How long a reply is kept: as its header says, but never longer than five minutes."""
    if _NOT_CACHED.search(cache_control.lower()):
        return AGAIN_SECONDS
    found = _MAX_AGE.search(cache_control.lower())
    return max(AGAIN_SECONDS, min(KEPT_SECONDS, float(found[1]))) if found else KEPT_SECONDS
