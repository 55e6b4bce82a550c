"""Matching beside the loads, in the loader's process: everybody with a plan is asked of PDS once, and again after some days.

`nightlight.processes.loader` runs `keep_matching` with the trace that its loads ask by, so that both keep to one pace.
"""

import asyncio
from datetime import timedelta

import psycopg

from domain.errors import CouldNotReachStore
from domain.trace import Trace
from nightlight.processes.common import log
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.extracts.rematching import BATCH, match_due

LOOK_SECONDS = 5.0
PAUSE_SECONDS = 2.0
"""Between two rounds: a load that runs meanwhile has most of the pace to itself."""


async def keep_matching(database: Database, settings: Settings, traces: Trace) -> None:
    """Match for ever. Where no PDS is configured nobody is asked about, and nothing is claimed."""
    again = timedelta(days=settings.match_days)
    while True:
        asked = 0
        try:
            asked = await match_due(database, traces, again=again)
        except (CouldNotReachStore, psycopg.Error) as error:
            log.warning("matching failed", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
        await asyncio.sleep(LOOK_SECONDS if asked < BATCH else PAUSE_SECONDS)
