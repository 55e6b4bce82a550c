"""One channel at work: deliveries are claimed in bites as slots become free, attempted side by side, and written down.

`alerts.dispatcher` runs one of these for each channel. At least once and never skipped: what is not written down as
told is due again, and `delivery.id` lets a receiver make repeats one.
"""

import asyncio
import os
import random
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID, uuid4

import psycopg

from alerts.backpressure import HOST_EACH, Backpressure
from alerts.claims import Attempt, Bite, Rooms, claim_due, release
from alerts.metrics import ATTEMPTS, CHANNEL_ERRORS, CLAIMED, IN_HAND, SLOTS
from alerts.recording import Recorder, note_store_error, store_pause
from alerts.retry import seconds_until_next
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted, Channel
from domain.errors import CouldNotReachStore, Temporary
from runtime.cancelling import is_cancelled
from runtime.database import Database
from runtime.ids import uuid7
from runtime.logs import get_logger

_CANCEL_AGAIN_SECONDS = 1.0

log = get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how patient. `slots` are the attempts of one channel that run at once, `per_host` those of one webhook.

    The lease outlasts an attempt, so that nobody else takes what is still in hand.
    """

    slots: int = 8
    per_host: int = 8
    poll_seconds: float = 1.0
    attempt_seconds: float = 30.0
    lease: timedelta = timedelta(seconds=45)
    drain_seconds: float = 15.0


ORDINARY_PACE = Pace()
PACES = {
    ChannelName.SCREEN: Pace(slots=16, attempt_seconds=5.0, lease=timedelta(seconds=10)),
    ChannelName.WEBHOOK: Pace(slots=64, per_host=32, attempt_seconds=15.0, lease=timedelta(seconds=25)),
}
"""Of channels whose recipients answer at once: what a killed dispatcher held is free soon. The others have the ordinary pace."""

_IN_LINE = frozenset({ChannelName.WEBHOOK, ChannelName.HL7, ChannelName.SUBSCRIPTION})
"""A recipient of these bears few at once, and what it is told makes room for what waits behind."""


class ChannelRun:
    """Delivers by one channel; `wake` makes it look at once."""

    def __init__(self, database: Database, channel: Channel, pace: Pace) -> None:
        self.channel = channel
        self.wake = asyncio.Event()
        self.pressure = Backpressure(channel.name, pace.slots, pace.per_host)
        self.me = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._database = database
        self._pace = pace
        self._recorder = Recorder(database, self.me)
        self._in_hand: dict[asyncio.Task[None], UUID] = {}
        self._may_be_more = False
        SLOTS.labels(channel.name).set(pace.slots)

    async def for_ever(self) -> None:
        """Until cancelled; then drain. The database may go and return meanwhile."""
        failures = 0
        try:
            while not is_cancelled():
                self.wake.clear()
                try:
                    await self._take_what_is_due()
                    failures = 0
                except (CouldNotReachStore, psycopg.Error) as error:
                    failures += 1
                    note_store_error("deliveries not claimed", error)
                await self._rest(failures)
        finally:
            await self._drain()

    async def _take_what_is_due(self) -> None:
        room = min(self.pressure.room, 2 * self._pace.slots - len(self._in_hand))  # who is only being written down needs no slot
        if room <= 0:
            return
        claimed_at, bite = await self._claim(room)
        self._may_be_more = len(bite.deliveries) >= min(room, self._pace.slots // 2)
        for delivery in bite.deliveries:
            self.pressure.take(delivery)
            task = asyncio.create_task(self._attempt(delivery, bite.at, claimed_at))
            self._in_hand[task] = delivery.id
            task.add_done_callback(self._put_down)
        CLAIMED.labels(self.channel.name).inc(len(bite.deliveries))
        IN_HAND.labels(self.channel.name).set(self.pressure.in_hand)

    async def _claim(self, limit: int) -> tuple[float, Bite]:
        """What was taken, and when, on the clock that goes on while this process stands still."""
        name, in_hand = self.channel.name, self._in_hand.values()
        rooms = Rooms(self.pressure.each_host, self.pressure.known_rooms()) if name in HOST_EACH else None
        opened = self._database.transaction() if name is ChannelName.HL7 else self._database.single()
        async with opened as transaction:
            asked_at = monotonic()
            return asked_at, await claim_due(transaction, name, self.me, self._pace.lease, limit, in_hand, rooms)

    async def _rest(self, failures: int) -> None:
        """Until a nudge, a free slot or the next poll; while the database is away, a little longer each time."""
        if is_cancelled():
            return
        if failures:
            await asyncio.sleep(store_pause(failures))
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.poll_seconds):
                await self.wake.wait()

    async def _attempt(self, delivery: Delivery, claimed: datetime, claimed_at: float) -> None:
        """One attempt. Its instant is that of the claim by the database's clock, and the time that has gone by since."""
        try:
            since = timedelta(seconds=monotonic() - claimed_at)
            if since > self._pace.lease:  # this process stood still: somebody else may have it by now
                log.warning("lease ran out before the attempt", channel=self.channel.name, delivery=delivery.id.hex)
                return
            attempted = await self._deliver(delivery)
            self.pressure.heard(delivery, attempted)
        finally:
            self.pressure.put_down(delivery)
            if self._may_be_more and self.pressure.in_hand <= self._pace.slots // 2:
                self.wake.set()
        ATTEMPTS.labels(self.channel.name, attempted.outcome).inc()
        _log_attempt(delivery, attempted)
        wait = seconds_until_next(attempted, delivery.attempts + 1, random.random())  # noqa: S311
        await self._recorder.write(Attempt(uuid7(), delivery, claimed + since, attempted, wait))

    async def _deliver(self, delivery: Delivery) -> Attempted:
        try:
            async with asyncio.timeout(self._pace.attempt_seconds):
                return await self.channel.deliver(delivery)
        except TimeoutError:
            return Attempted(AttemptOutcome.TEMPORARY, "timed-out")
        except Temporary:
            return Attempted(AttemptOutcome.TEMPORARY, "store-away")
        except Exception as error:  # whatever it is: it is tried again, and somebody hears of it
            CHANNEL_ERRORS.labels(self.channel.name).inc()
            log.error("channel raised", channel=self.channel.name, delivery=delivery.id.hex, error=type(error).__name__)
            return Attempted(AttemptOutcome.TEMPORARY, "raised")

    def _put_down(self, task: asyncio.Task[None]) -> None:
        self._in_hand.pop(task)
        IN_HAND.labels(self.channel.name).set(self.pressure.in_hand)
        may_be_more = self._may_be_more or self.channel.name in _IN_LINE
        if may_be_more and len(self._in_hand) <= self._pace.slots // 2:  # several are claimed at once; a poll fills up in any case
            self.wake.set()
        if not task.cancelled() and (error := task.exception()):
            log.error("attempt failed", channel=self.channel.name, error=type(error).__name__)

    async def _drain(self) -> None:
        """Finish what is in hand, within bounds, and give back what is still held."""
        if self._in_hand:
            _, unfinished = await asyncio.wait(self._in_hand, timeout=self._pace.drain_seconds)
            while unfinished:
                for task in unfinished:
                    task.cancel()
                _, unfinished = await asyncio.wait(unfinished, timeout=_CANCEL_AGAIN_SECONDS)
        self._recorder.close()
        try:
            async with self._database.transaction() as transaction:
                await release(transaction, self.me)
        except (CouldNotReachStore, psycopg.Error) as error:
            note_store_error("leases not released", error)  # they run out


def _log_attempt(delivery: Delivery, attempted: Attempted) -> None:
    words = {
        "delivery": delivery.id.hex,
        "alert": delivery.alert_id.hex,
        "channel": delivery.channel,
        "attempt": delivery.attempts + 1,
        "outcome": attempted.outcome,
        "code": attempted.detail,
    }
    if attempted.outcome is AttemptOutcome.PERMANENT:
        log.error("delivery needs a person", **words)
    elif attempted.outcome is AttemptOutcome.TEMPORARY:
        log.warning("delivery will be tried again", **words)
    else:
        log.info("delivered", **words)
