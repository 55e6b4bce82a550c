"""MESH beside the loading, in the loader's process: the inbox is polled, and what waits for authorities is sent.

`nightlight loader` runs `keep_mesh`; the dispatcher gets its channel of `mesh_access`. Source: docs/adr/0034.
"""

import asyncio
import random

import psycopg

from alerts.retry import jittered
from domain.errors import CouldNotReachStore, InvalidInput
from mesh_mailbox.access import MeshAccess, read_access
from mesh_mailbox.client import MeshAway
from mesh_mailbox.inbox import poll_inbox
from mesh_mailbox.metrics import INBOX_LEFT, OUTBOX_OLDEST, OUTBOX_WAITING
from mesh_mailbox.outbox import send_next
from nightlight.processes.common import log
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.directory import DirectoryReader
from safeguarding.mesh import outbox_waiting, read_untaken

LOOK_SECONDS = 1.0


async def mesh_access(settings: Settings, directory: DirectoryReader) -> MeshAccess | None:
    """The mailbox that is configured; none, said loudly, where it must not be used."""
    while True:
        try:
            return read_access(settings, is_production=(await directory.current()).is_production)
        except CouldNotReachStore:
            await asyncio.sleep(LOOK_SECONDS)
        except InvalidInput as error:
            log.error("MESH is not used: its settings are refused", reason=str(error))
            return None


async def keep_mesh(database: Database, directory: DirectoryReader, settings: Settings) -> None:
    """Poll and send for ever, where there is a mailbox. Never ends the process."""
    access = await mesh_access(settings, directory)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_watch(database))
        if access is not None:
            tasks.create_task(_keep_polling(database, access))
            tasks.create_task(_keep_sending(database, access))


async def _keep_polling(database: Database, access: MeshAccess) -> None:
    """One round after another; while MESH or the store is away, sooner at first and then as seldom as it is polled."""
    failures = 0
    while True:
        try:
            await poll_inbox(database, access)
            failures, pause = 0, access.poll_seconds
        except (MeshAway, CouldNotReachStore, psycopg.Error) as error:
            failures += 1
            pause = LOOK_SECONDS + jittered(failures, random.random(), access.poll_seconds)  # noqa: S311
            log.warning("MESH not polled", error=type(error).__name__, attempt=failures)
        except Exception as error:  # whatever it is: the next round may do better, and somebody hears of it
            failures, pause = failures + 1, access.poll_seconds
            log.error("MESH not polled", error=type(error).__name__, attempt=failures)
        await asyncio.sleep(pause)


async def _keep_sending(database: Database, access: MeshAccess) -> None:
    while True:
        try:
            if await send_next(database, access):
                continue
        except (CouldNotReachStore, psycopg.Error) as error:
            log.warning("MESH not sent", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
        except Exception as error:
            log.error("MESH not sent", error=type(error).__name__)
        await asyncio.sleep(LOOK_SECONDS)


async def _watch(database: Database) -> None:
    """Keep the gauges true; while the store is away they stay as they were."""
    while True:
        try:
            async with database.transaction() as transaction:
                waiting, oldest = await outbox_waiting(transaction)
                left = await read_untaken(transaction)
            OUTBOX_WAITING.set(waiting)
            OUTBOX_OLDEST.set(oldest)
            INBOX_LEFT.set(len(left))
        except (CouldNotReachStore, psycopg.Error):
            pass
        await asyncio.sleep(5 * LOOK_SECONDS)
