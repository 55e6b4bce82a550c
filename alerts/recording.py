"""Writing attempts down: those that finish while the last ones are being written are written together, in one commit.

`alerts.channel_run` hands over each attempt and waits until it is on disk; the database may go and return meanwhile.
"""

import asyncio
import random
from collections.abc import Sequence

import psycopg

from alerts.claims import Attempt, record_attempts
from alerts.metrics import STORE_ERRORS
from alerts.retry import jittered
from domain.errors import CouldNotReachStore
from runtime.cancelling import is_cancelled
from runtime.database import Database
from runtime.logs import get_logger

_LONGEST_STORE_PAUSE = 5.0

log = get_logger()


class Recorder:
    """Writes the attempts of one channel's run."""

    def __init__(self, database: Database, me: str) -> None:
        self._database = database
        self._me = me
        self._waiting: list[tuple[Attempt, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, attempt: Attempt) -> None:
        """Write it down, for as long as the database needs to come back: what is told must not be told again.

        What can never be written is given up: its lease runs out, and the delivery is due again.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((attempt, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all(), name="write attempts down")
        await written

    def close(self) -> None:
        """Write no more. Nobody may be waiting."""
        if self._writing is not None:
            self._writing.cancel()

    async def _write_all(self) -> None:
        failures = 0
        while self._waiting and not is_cancelled():
            await asyncio.sleep(store_pause(failures) if failures else 0)  # who finishes in this moment comes along
            group, self._waiting = self._waiting, []
            try:
                await self._write_group([attempt for attempt, _ in group])
            except (CouldNotReachStore, psycopg.OperationalError) as error:
                failures += 1
                note_store_error("attempts not written", error)
                self._waiting = group + self._waiting
                continue
            failures = 0
            for _, written in group:
                if not written.done():
                    written.set_result(None)

    async def _write_group(self, attempts: Sequence[Attempt]) -> None:
        try:
            async with self._database.single() as transaction:
                await record_attempts(transaction, attempts, self._me)
        except (CouldNotReachStore, psycopg.OperationalError):
            raise
        except Exception as error:  # whatever it is, who waits would wait for ever
            if len(attempts) == 1:
                note_store_error("attempt given up", error)
                return
            for attempt in attempts:  # one of them can never be written: the others can
                await self._write_group([attempt])


def store_pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row."""
    return jittered(failures, random.uniform(0.5, 1.0), _LONGEST_STORE_PAUSE)  # noqa: S311


def note_store_error(event: str, error: Exception) -> None:
    """Count it, and say it aloud without what was in it."""
    STORE_ERRORS.inc()
    log.warning(event, error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
