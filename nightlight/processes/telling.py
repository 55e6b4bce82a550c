"""Escalation beside the dispatcher: what nobody has acknowledged in time goes on to the next in line, whichever dispatcher sees it.

`nightlight.processes.dispatcher` runs `keep_telling`. Redis has no part in it: the store says what is due.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

import psycopg

from alerts.metrics import NOBODY_LEFT, OLDEST_UNACKNOWLEDGED, OVERDUE
from alerts.recording import note_store_error
from domain.errors import CouldNotReachStore
from runtime.clock import now
from runtime.database import Database
from safeguarding.directory import DirectoryReader
from safeguarding.telling.escalating import Escalator

LOOK_SECONDS = 0.5
MEASURE_SECONDS = 5.0


async def keep_telling(
    database: Database,
    directory: DirectoryReader,
    nudge: Callable[[], None],
    clock: Callable[[], datetime] = now,
    seconds: float = LOOK_SECONDS,
) -> None:
    """Escalate for ever. `nudge` wakes the dispatchers once somebody is to be told."""
    escalator, measured_at = Escalator(database, directory), float("-inf")
    while True:
        is_more = False
        try:
            told, is_more = await escalator.look(clock())
            if told:
                nudge()
            if time.monotonic() - measured_at > MEASURE_SECONDS:
                await _measure(escalator, clock())
                measured_at = time.monotonic()
        except (CouldNotReachStore, psycopg.Error) as error:
            note_store_error("alerts in line not looked at", error)
        await asyncio.sleep(0 if is_more else seconds)


async def _measure(escalator: Escalator, at: datetime) -> None:
    overdue = await escalator.measure(at)
    OVERDUE.set(overdue.alerts)
    NOBODY_LEFT.set(overdue.nobody_left)
    OLDEST_UNACKNOWLEDGED.set(overdue.oldest.total_seconds())
