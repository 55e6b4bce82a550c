"""Heartbeats: each process says that it is alive, and readiness reads who is and who was.

`nightlight.processes` runs `keep_beating` beside each process's main work; `api.health` reads.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from domain.errors import CouldNotReachStore
from runtime.database import Connection, Database
from runtime.logs import get_logger

EVERY_SECONDS = 3.0
ALIVE_SECONDS = 15.0

log = get_logger()


@dataclass(frozen=True, slots=True)
class Beat:
    """The newest heartbeat of one kind of process."""

    process: str
    beat_at: datetime


async def keep_beating(database: Database, process: str, also: Callable[[Connection], Awaitable[None]] | None = None) -> None:
    """Beat for ever; `also` writes what this process wants known about its traffic in the same transaction."""
    instance = f"{socket.gethostname()}:{os.getpid()}"
    while True:
        try:
            async with database.transaction() as transaction:
                await _beat(transaction, process, instance)
                if also is not None:
                    await also(transaction)
        except CouldNotReachStore:
            log.warning("heartbeat not written")
        await asyncio.sleep(EVERY_SECONDS)


async def read_beats(transaction: Connection) -> list[Beat]:
    """The newest heartbeat of every kind of process."""
    cursor = transaction.cursor(row_factory=class_row(Beat))
    await cursor.execute("SELECT process, max(beat_at) AS beat_at FROM heartbeats GROUP BY process")
    return await cursor.fetchall()


async def _beat(transaction: Connection, process: str, instance: str) -> None:
    await transaction.execute(
        """
        INSERT INTO heartbeats (process, instance, beat_at) VALUES (%s, %s, now())
        ON CONFLICT (process, instance) DO UPDATE SET beat_at = excluded.beat_at
        """,
        (process, instance),
    )
    await transaction.execute("DELETE FROM heartbeats WHERE beat_at < now() - interval '1 day'")
