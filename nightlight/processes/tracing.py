"""Tracing beside the sweep, in the dispatcher's process: who came without a number is asked of PDS, and checked then.

`nightlight.processes.dispatcher` runs `keep_tracing`, which has a desk of its own as every process has.
"""

import asyncio
from collections.abc import Callable

import psycopg

from domain.errors import CouldNotReachStore, InvalidInput
from fhir_adapter.pds import open_trace
from fhir_adapter.pds.access import PdsAccess, read_access
from nightlight.processes.common import log
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader
from safeguarding.tracing import BATCH, trace_due

LOOK_SECONDS = 1.0
IDLE_SECONDS = 30.0
"""Between two rounds where no PDS is configured: then there is nothing to do but to forget what somebody wanted."""


async def keep_tracing(
    database: Database, directory: DirectoryReader, settings: Settings, key: bytes, nudge: Callable[[], None]
) -> None:
    """Trace for ever. `nudge` wakes the dispatcher once an alert is raised. Never ends the process: alerts go out without PDS."""
    access = await pds_access(settings, directory)
    async with open_trace(access) as trace, Desk(database, directory, key, settings.desk_queue, nudge) as desk:
        while True:
            asked = 0
            try:
                asked = await trace_due(database, directory, desk, trace)
            except (CouldNotReachStore, psycopg.Error) as error:
                log.warning("tracing failed", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
            if asked < BATCH:
                await asyncio.sleep(LOOK_SECONDS if access else IDLE_SECONDS)


async def pds_access(settings: Settings, directory: DirectoryReader) -> PdsAccess | None:
    """What is configured; none, said loudly, where it must not be used."""
    while True:
        try:
            return read_access(settings, is_production=(await directory.current()).is_production)
        except CouldNotReachStore:
            await asyncio.sleep(LOOK_SECONDS)
        except (InvalidInput, OSError) as error:
            log.error(
                "nothing is traced: PDS settings refused", reason=str(error) if isinstance(error, InvalidInput) else "no file"
            )
            return None
