"""The uploads that wait are loaded one after another, in a process that answers nobody and may take its time.

`nightlight loader` calls `load_next` over and over. A loader that is killed leaves its upload to the next one: an extract is loaded
whole, or not at all. Source: docs/facts.md, sections 4 and 7; docs/adr/0036-extracts-are-kept-then-loaded.md.
"""

import asyncio
import hashlib
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import BinaryIO, TypeVar, cast

import psycopg
from psycopg.errors import UniqueViolation

from domain.errors import NightlightError, Temporary
from domain.trace import NoTrace, Trace
from flags_store.extracts.upload_queue import LEASE, Claimed, claim_upload, end_loaded, end_refused, note_progress, put_back
from flags_store.extracts.uploads import Upload, read_part
from runtime.clock import now
from runtime.database import Connection, Database
from runtime.logs import get_logger
from safeguarding.extracts.loading import ExtractReport, LoadInProgress, LoadTakenOver, Progress, load_extract
from safeguarding.retention import UPLOAD_LIFE

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=5)
NOTE_SECONDS = 0.5
_NOBODY_TO_ASK: Trace = NoTrace()
_GIVEN_UP = "It could not be loaded for seven days, for reasons of ours. Send it again."

Load = Callable[..., Awaitable[ExtractReport]]
T = TypeVar("T")
log = get_logger()


class NotWhole(Temporary):
    """What was read back is not what was kept."""


async def load_next(database: Database, traces: Trace = _NOBODY_TO_ASK, load: Load = load_extract) -> bool:
    """Load the upload that has waited longest, and say whether there was one. `traces`: who can be asked about matches.

    It ends loaded, refused, or waiting again where the trouble will pass. Whatever nobody foresaw is thought to pass: it is loud in
    the log, and given up after seven days. Raises CouldNotReachStore where nobody can say whether one waits.
    """
    claimed = await _claim(database)
    if claimed is None:
        return False
    try:
        report = await _load(database, claimed, traces, load)
    except (Temporary, LoadInProgress, LoadTakenOver) as error:
        await _wait_again(database, claimed, error)
    except NightlightError as error:
        await _refuse(database, claimed, code_of(error), error.sentence)
    except Exception as error:
        log.error("upload not loaded", authority=claimed.upload.authority_code, error=type(error).__name__)
        await _wait_again(database, claimed, error)
    except BaseException:  # told to stop: the next loader need not wait for the lease
        with suppress(NightlightError, psycopg.Error):
            await _briefly(database, partial(put_back, claimed=claimed, after=timedelta(0)))
        raise
    else:
        await _briefly(database, partial(end_loaded, claimed=claimed, extract_id=report.id))
    return True


async def _claim(database: Database) -> Claimed | None:
    with suppress(UniqueViolation):  # another loader has just begun with this authority
        return await _briefly(database, claim_upload)
    return None


async def _load(database: Database, claimed: Claimed, traces: Trace, load: Load) -> ExtractReport:
    upload = claimed.upload
    with tempfile.TemporaryFile(prefix="nightlight-load-") as temporary:
        file = cast(BinaryIO, temporary)
        async with _noted(database, claimed) as note:
            await _fetch(database, upload, file)
            return await load(
                database, upload.actor, upload.authority_code, file, upload.declaration,
                came_by=upload.came_by, traces=traces, on_progress=note,
            )  # fmt: skip


async def _fetch(database: Database, upload: Upload, file: BinaryIO) -> None:
    """Raises NotWhole where it is not what was kept: then somebody else has ended this upload meanwhile."""
    digest, number = hashlib.sha256(), 0
    while content := await _briefly(database, partial(read_part, upload_id=upload.id, number=number)):
        digest.update(content)
        await asyncio.to_thread(file.write, content)
        number += 1
    if digest.digest() != upload.content_hash:
        raise NotWhole("the bytes of the upload are not there as they were kept")
    file.seek(0)


class _Noting:
    """Writes the newest progress down, twice a second at most, and renews the lease also while nothing moves."""

    def __init__(self, database: Database, claimed: Claimed) -> None:
        self._database = database
        self._claimed = claimed
        self._newest: Progress | None = None

    def __call__(self, progress: Progress) -> None:
        self._newest = progress

    async def keep_noting(self) -> None:
        renew_every = round(LEASE.total_seconds() / 4 / NOTE_SECONDS)
        noted, turn = self._newest, 0
        while True:
            await asyncio.sleep(NOTE_SECONDS)
            turn, newest = turn + 1, self._newest
            if newest != noted or turn % renew_every == 0:
                with suppress(NightlightError, psycopg.Error):
                    await self._note(newest)
                    noted = newest

    async def _note(self, newest: Progress | None) -> None:
        step, done, total = (newest.step.value, newest.done, newest.total) if newest else ("", 0, None)
        await _briefly(self._database, partial(note_progress, claimed=self._claimed, step=step, done=done, total=total))


@asynccontextmanager
async def _noted(database: Database, claimed: Claimed) -> AsyncIterator[Callable[[Progress], None]]:
    noting = _Noting(database, claimed)
    task = asyncio.create_task(noting.keep_noting())
    try:
        yield noting
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _wait_again(database: Database, claimed: Claimed, error: Exception) -> None:
    upload = claimed.upload
    if now() - upload.received_at > UPLOAD_LIFE:
        await _refuse(database, claimed, "given-up", _GIVEN_UP)
        return
    after = pause_after(upload.attempts)
    log.warning("upload waits again", authority=upload.authority_code, error=type(error).__name__, attempt=upload.attempts)
    await _briefly(database, partial(put_back, claimed=claimed, after=after))


def pause_after(attempts: int) -> timedelta:
    """How long an upload waits after so many attempts: twice as long each time, five minutes at most."""
    return min(FIRST_PAUSE * (1 << min(max(attempts - 1, 0), 20)), LONGEST_PAUSE)


async def _refuse(database: Database, claimed: Claimed, code: str, words: str) -> None:
    await _briefly(database, partial(end_refused, claimed=claimed, code=code, words=words))
    log.warning("upload refused", authority=claimed.upload.authority_code, code=code)


def code_of(error: NightlightError) -> str:
    """The code of a refusal: its own, or its kind, such as older-extract."""
    own = getattr(error, "code", None)
    return str(own) if own else re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(error).__name__).lower()


async def _briefly(database: Database, work: Callable[[Connection], Awaitable[T]]) -> T:
    async with database.transaction() as transaction:
        return await work(transaction)
