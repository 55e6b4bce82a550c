"""Dispatchers that run beside a test, and a channel that does what the test tells it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from alerts.channel_run import Pace
from alerts.dispatcher import dispatch
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted, Channel
from runtime.database import Database
from runtime.nudge import Nudges

QUICK = Pace(slots=4, poll_seconds=0.02, attempt_seconds=20, lease=timedelta(seconds=60), drain_seconds=20)
SLOW_POLL = replace(QUICK, poll_seconds=3600)

Doing = Callable[[Delivery], Awaitable[Attempted]]


class Told:
    """A channel that counts whom it told, by the delivery ids, as a receiver would."""

    def __init__(self, doing: Doing | None = None, name: ChannelName = ChannelName.SCREEN) -> None:
        self.name = name
        self.times: Counter[UUID] = Counter()
        self._doing = doing

    async def deliver(self, delivery: Delivery) -> Attempted:
        self.times[delivery.id] += 1
        return await self._doing(delivery) if self._doing else Attempted(AttemptOutcome.SENT)


@asynccontextmanager
async def dispatcher(
    database: Database, nudges: Nudges, *channels: Channel, pace: Pace = QUICK
) -> AsyncIterator[asyncio.Task[None]]:
    """A dispatcher that runs until the block ends, and is then cancelled as SIGTERM does it."""
    running = asyncio.create_task(dispatch(database, nudges, channels, pace))
    try:
        yield running
    finally:
        await stop(running)


async def stop(running: asyncio.Task[None]) -> None:
    """Cancel it and wait until it has drained."""
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
