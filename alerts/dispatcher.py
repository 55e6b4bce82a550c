"""The dispatcher: sees to it that every delivery reaches its channel, for ever.

`nightlight dispatcher` runs `dispatch`. Redis wakes it, polling guarantees it. Each channel works on its own, so that a
slow mail server never delays a screen; several dispatchers share the work.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import psycopg

from alerts.channel_run import ORDINARY_PACE, PACES, ChannelRun, Pace
from alerts.left_alone import show_open
from alerts.metrics import BREAKERS_OPEN, NEEDING_A_PERSON, OLDEST_PENDING, WAITING
from alerts.waiting import Waiting, due_channels, read_waiting
from domain.alert import ChannelName
from domain.channel import Channel
from domain.errors import CouldNotReachStore
from runtime.cancelling import is_cancelled
from runtime.database import Database
from runtime.nudge import DELIVERIES, Nudges

WATCH_SECONDS = 5.0
SCREEN_SECONDS = 0.01
SCREEN_REST_SECONDS = 0.02
OTHERS_SECONDS = 0.1
"""Nudges that come closer together are one. Only a screen shows a tenth of a second: it is seen to at once, and rests then."""


async def dispatch(database: Database, nudges: Nudges, channels: Sequence[Channel], pace: Pace | None = None) -> None:
    """Deliver for ever. When cancelled, each channel finishes what is in hand and gives the rest back.

    Each channel has its own pace, unless one is given for all.
    """
    runs = [ChannelRun(database, channel, pace or PACES.get(channel.name, ORDINARY_PACE)) for channel in channels]
    async with asyncio.TaskGroup() as tasks:
        for run in runs:
            tasks.create_task(run.for_ever(), name=f"deliver by {run.channel.name}")
        tasks.create_task(_wake(database, nudges, runs), name="hear nudges")
        tasks.create_task(_watch(database, runs), name="watch what waits")


async def _wake(database: Database, nudges: Nudges, runs: Sequence[ChannelRun]) -> None:
    """Nudges that come close together are one. A screen is seen to at once; of the others, those for which something is due."""
    screens = [run for run in runs if run.channel.name is ChannelName.SCREEN]
    others = [run for run in runs if run.channel.name is not ChannelName.SCREEN]
    soon, later = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_wake_screens(soon, screens), name="wake screens")
        tasks.create_task(_wake_who_is_due(database, later, others), name="wake the other channels")
        async for _ in nudges.hear(DELIVERIES):
            soon.set()
            later.set()


async def _wake_screens(heard: asyncio.Event, runs: Sequence[ChannelRun]) -> None:
    while True:
        await heard.wait()
        await asyncio.sleep(SCREEN_SECONDS)
        heard.clear()
        for run in runs:
            run.wake.set()
        await asyncio.sleep(SCREEN_REST_SECONDS)


async def _wake_who_is_due(database: Database, heard: asyncio.Event, runs: Sequence[ChannelRun]) -> None:
    """One question for all of them, instead of a claim by each. Where it cannot be asked, their polls find what is due."""
    while True:
        await heard.wait()
        await asyncio.sleep(OTHERS_SECONDS)
        heard.clear()
        with suppress(CouldNotReachStore, psycopg.Error):
            async with database.single() as connection:
                due = await due_channels(connection, [run.channel.name for run in runs])
            for run in runs:
                if run.channel.name in due:
                    run.wake.set()


async def _watch(database: Database, runs: Sequence[ChannelRun]) -> None:
    """Keep the gauges true, and show who is left alone. While the database is away they stay as they were; the channels' runs
    say so aloud."""
    while not is_cancelled():
        with suppress(CouldNotReachStore, psycopg.Error):
            async with database.transaction() as transaction:
                for run in runs:
                    await show_open(transaction, run.channel.name, run.me, run.pressure.open_hosts())
                waiting = {each.channel: each for each in await read_waiting(transaction)}
            for run in runs:
                _measure(run, waiting.get(run.channel.name))
        await asyncio.sleep(0 if is_cancelled() else WATCH_SECONDS)


def _measure(run: ChannelRun, waiting: Waiting | None) -> None:
    name = run.channel.name
    WAITING.labels(name).set(waiting.count if waiting else 0)
    OLDEST_PENDING.labels(name).set(waiting.oldest_seconds if waiting else 0)
    NEEDING_A_PERSON.labels(name).set(waiting.needing_a_person if waiting else 0)
    BREAKERS_OPEN.labels(name).set(sum(1 for _ in run.pressure.open_hosts()))
