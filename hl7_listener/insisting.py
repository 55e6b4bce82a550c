"""Taking a message whose sender wants to hear nothing, not even of trouble (MSH-15 and MSH-16 NE): nobody will send it again.

The answerer calls it after a failure of our own. The message's connection waits meanwhile, so that its order is kept and the
sender is slowed down by TCP. Source: docs/hl7.md, "Acknowledgement".
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hl7_listener.accept_modes import Taking
from hl7_listener.answered import Answered

MOST_AT_ONCE = 64
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Insistence:
    """Tries again until it is taken or held; `places` messages at once, so that memory is bounded."""

    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

    async def until_taken(self, attempt: Callable[[], Awaitable[Answered]]) -> Answered:
        """The first answer that is no trouble; where too many wait already, the connection closes: that much can be told."""
        if self.places.locked():
            return Answered(taking=Taking.TROUBLE, close=True)
        async with self.places:
            pause = _FIRST_PAUSE_SECONDS
            while True:
                await asyncio.sleep(pause)
                answered = await attempt()
                if answered.taking is not Taking.TROUBLE:
                    return answered
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
