"""One channel at work: deliveries are claimed as slots become free, attempted side by side, and written down.

`alerts.dispatcher` runs one of these for each channel. At least once and never skipped: what is not written down as
told is due again, and `delivery.id` lets a receiver make repeats one.
"""

import asyncio
import os
import random
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import psycopg

from alerts.claims import Attempt, claim_due, release
from alerts.metrics import ATTEMPTS, CHANNEL_ERRORS
from alerts.recording import Recorder, note_store_error, store_pause
from alerts.retry import seconds_until_next
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted, Channel
from domain.errors import CouldNotReachStore, Temporary
from runtime.cancelling import is_cancelled
from runtime.clock import now
from runtime.database import Database
from runtime.ids import uuid7
from runtime.logs import get_logger

_CANCEL_AGAIN_SECONDS = 1.0

log = get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast and how patient. `slots` are the attempts of one channel that run at once.

    The lease outlasts an attempt, so that nobody else takes what is still in hand.
    """

    slots: int = 8
    poll_seconds: float = 1.0
    attempt_seconds: float = 30.0
    lease: timedelta = timedelta(seconds=60)
    drain_seconds: float = 15.0


ORDINARY_PACE = Pace()


class ChannelRun:
    """Delivers by one channel; `wake` makes it look at once."""

    def __init__(self, database: Database, channel: Channel, pace: Pace) -> None:
        self.channel = channel
        self.wake = asyncio.Event()
        self._database = database
        self._pace = pace
        self._me = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._recorder = Recorder(database, self._me)
        self._in_hand: dict[asyncio.Task[None], UUID] = {}

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
        free = self._pace.slots - len(self._in_hand)
        if free == 0:
            return
        opened = self._database.transaction() if self.channel.name is ChannelName.HL7 else self._database.single()
        async with opened as transaction:
            due = await claim_due(transaction, self.channel.name, self._me, self._pace.lease, free, self._in_hand.values())
        for delivery in due:
            task = asyncio.create_task(self._attempt(delivery))
            self._in_hand[task] = delivery.id
            task.add_done_callback(self._put_down)

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

    async def _attempt(self, delivery: Delivery) -> None:
        at = now()
        attempted = await self._deliver(delivery)
        ATTEMPTS.labels(self.channel.name, attempted.outcome).inc()
        _log_attempt(delivery, attempted)
        wait = seconds_until_next(attempted, delivery.attempts + 1, random.random())  # noqa: S311
        await self._recorder.write(Attempt(uuid7(), delivery, at, attempted, wait))

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
        if len(self._in_hand) <= self._pace.slots // 2:  # several are claimed at once; a poll fills up in any case
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
                await release(transaction, self._me)
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
