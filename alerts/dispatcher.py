"""The dispatcher: sees to it that every delivery reaches its channel, for ever.

`nightlight dispatcher` runs `dispatch`. Redis wakes it, polling guarantees it. Each channel works on its own, so that a
slow mail server never delays a screen; several dispatchers share the work.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import psycopg

from alerts.channel_run import ORDINARY_PACE, ChannelRun, Pace
from alerts.claims import read_waiting
from alerts.metrics import NEEDING_A_PERSON, OLDEST_PENDING
from domain.alert import ChannelName
from domain.channel import Channel
from domain.errors import CouldNotReachStore
from runtime.cancelling import is_cancelled
from runtime.database import Database
from runtime.nudge import DELIVERIES, Nudges

WATCH_SECONDS = 5.0
_NUDGES_ARE_ONE_SECONDS = {ChannelName.SCREEN: 0.01}
_OTHER_CHANNELS_SECONDS = 0.1
"""Nudges that come closer together are one. Only a screen shows a tenth of a second."""


async def dispatch(database: Database, nudges: Nudges, channels: Sequence[Channel], pace: Pace = ORDINARY_PACE) -> None:
    """Deliver for ever. When cancelled, each channel finishes what is in hand and gives the rest back."""
    runs = [ChannelRun(database, channel, pace) for channel in channels]
    async with asyncio.TaskGroup() as tasks:
        for run in runs:
            tasks.create_task(run.for_ever(), name=f"deliver by {run.channel.name}")
        tasks.create_task(_wake(nudges, runs), name="hear nudges")
        tasks.create_task(_watch(database, channels), name="watch what waits")


async def _wake(nudges: Nudges, runs: Sequence[ChannelRun]) -> None:
    """Nudges that come close together are one: each makes a channel ask the store."""
    nudged = [(run, asyncio.Event()) for run in runs]
    async with asyncio.TaskGroup() as tasks:
        for run, heard in nudged:
            tasks.create_task(_pass_on(heard, run), name=f"wake {run.channel.name}")
        async for _ in nudges.hear(DELIVERIES):
            for _, heard in nudged:
                heard.set()


async def _pass_on(heard: asyncio.Event, run: ChannelRun) -> None:
    while True:
        await heard.wait()
        await asyncio.sleep(_NUDGES_ARE_ONE_SECONDS.get(run.channel.name, _OTHER_CHANNELS_SECONDS))
        heard.clear()
        run.wake.set()


async def _watch(database: Database, channels: Sequence[Channel]) -> None:
    """Keep the gauges true. While the database is away they stay as they were; the channels' runs say so aloud."""
    while not is_cancelled():
        with suppress(CouldNotReachStore, psycopg.Error):
            async with database.transaction() as transaction:
                waiting = {each.channel: each for each in await read_waiting(transaction)}
            for channel in channels:
                there = waiting.get(channel.name)
                OLDEST_PENDING.labels(channel.name).set(there.oldest_seconds if there else 0)
                NEEDING_A_PERSON.labels(channel.name).set(there.needing_a_person if there else 0)
        await asyncio.sleep(0 if is_cancelled() else WATCH_SECONDS)
