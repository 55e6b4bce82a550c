"""`nightlight loader`: loads the extracts that were kept, beside everybody who is answered, and gives way to them.

It shares a machine with the desks: so it is nice, has a pool of its own, and keeps to one processor, as far as the machine is the
database's, too. What else is done for authorities, and may take its time, is a line in `_main`.
Source: docs/adr/0036-extracts-are-kept-then-loaded.md, docs/adr/0049-a-load-keeps-to-one-processor.md.
"""

import asyncio
import os
from contextlib import suppress
from datetime import timedelta
from functools import partial

import psycopg

from domain.errors import CouldNotReachStore
from domain.trace import Trace
from fhir_adapter.pds import open_trace
from nightlight.processes.common import log, run, store, until_safe, until_stopped
from nightlight.processes.matching import keep_matching
from nightlight.processes.mesh import keep_mesh
from nightlight.processes.notices import keep_noticing
from nightlight.processes.tracing import pds_access
from runtime.database import Database
from runtime.heartbeat import keep_beating
from runtime.one_processor import keep_session_to_one_processor, keep_to_one_processor
from runtime.settings import Settings
from safeguarding.directory import DirectoryReader
from safeguarding.extracts.loading import load_extract
from safeguarding.extracts.matching import PATIENCE
from safeguarding.extracts.upload_loading import load_next

LOOK_SECONDS = 0.5
NICENESS = 10


def run_loader(settings: Settings) -> None:
    """Load until told to stop. Raises UnsafeServer."""
    with suppress(OSError):
        os.nice(NICENESS)
    keep_to_one_processor()
    run(settings, "loader", _main)


async def _main(settings: Settings) -> None:
    async with store(settings, "loader", keep_session_to_one_processor) as database:
        await until_safe(database)
        directory = DirectoryReader(database)
        access = await pds_access(settings, directory)
        async with open_trace(access) as traces:
            await until_stopped(
                keep_loading(database, traces, timedelta(minutes=settings.match_minutes)),
                keep_matching(database, settings, traces),
                keep_mesh(database, directory, settings),
                keep_noticing(database, settings),
                keep_beating(database, "loader"),
            )


async def keep_loading(database: Database, traces: Trace, match_for: timedelta = PATIENCE) -> None:
    """Load what waits, one after another, for ever; each asks PDS for `match_for` at most. Never ends the process."""
    load = partial(load_extract, match_for=match_for)
    while True:
        try:
            if await load_next(database, traces, load):
                continue
        except (CouldNotReachStore, psycopg.Error) as error:
            log.warning("loading failed", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
        await asyncio.sleep(LOOK_SECONDS)
