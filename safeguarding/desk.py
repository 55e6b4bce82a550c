"""The desk: every door that asks about a patient waits here for an answer that is already on disk.

What arrived while every lane was busy is answered by the next transaction; a group of one is the ordinary case.
No timer, no second code path, no network call inside. Its law stands in docs/architecture.md, "Who owns the commit".
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psycopg

from domain.errors import CouldNotReachStore, DeskFull, InvalidInput, NightlightError, Temporary
from runtime.database import Database
from runtime.logs import get_logger
from safeguarding.check import Check, Reply
from safeguarding.directory import DirectoryReader
from safeguarding.encounters import GroupMustRetry
from safeguarding.patients_seen import patients_seen

LARGEST_GROUP = 64
LANES = 3
_TRIES = 5
_DATA_ERRORS = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)

log = get_logger()


class CouldNotStore(InvalidInput):
    """One check holds data that the database refuses; its neighbours are answered."""


_IN_THE_WAY = (
    GroupMustRetry,
    psycopg.errors.SerializationFailure,  # a row that is not as it was a moment ago
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.UniqueViolation,  # a row that was not there a moment ago
)


class _GroupStuck(Exception):
    """The group could not be committed however often: its checks are tried one by one, so that none fails for another."""


@dataclass(slots=True)
class _Waiting:
    check: Check
    keys: frozenset[str]
    reply: asyncio.Future[Reply]


class Desk:
    """Answers checks in groups. Use it as `async with Desk(…) as desk`, then `await desk.ask(check)` from any task.

    `traces`: who came without a number is written down, for somebody to ask PDS (`safeguarding.tracing`).
    """

    def __init__(
        self,
        database: Database,
        directory: DirectoryReader,
        key: bytes,
        queue: int = 2000,
        on_alert: Callable[[], None] = lambda: None,
        *,
        traces: bool = False,
    ) -> None:
        self._database = database
        self._directory = directory
        self._key = key
        self._queue = queue
        self._on_alert = on_alert
        self._traces = traces
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._lanes: list[asyncio.Task[None]] = []
        self._under_way: set[str] = set()
        self._closing = False

    async def ask(self, check: Check) -> Reply:
        """The reply, once it is committed. A caller that gives up cancels nothing.

        Raises DeskFull or CouldNotReachStore where the same question will pass later (nothing was done, or a repeat
        will be recognised), and CouldNotStore where this check can never be stored.
        """
        if len(self._waiting) >= self._queue or self._closing:
            raise DeskFull("too many questions are waiting")
        waiting = _Waiting(check, check.keys, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._arrived.set()
        return await waiting.reply

    async def __aenter__(self) -> Self:
        self._lanes = [asyncio.create_task(self._work(), name=f"desk, lane {number}") for number in range(LANES)]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Answer what is waiting, then stop."""
        self._closing = True
        self._arrived.set()
        await asyncio.gather(*self._lanes)

    async def _work(self) -> None:
        """One lane: a group at a time. While one waits for the store, the others' checks are read and decided."""
        while True:
            await self._arrived.wait()
            group = next_group(self._waiting, self._under_way)
            if not group:
                if self._closing and not self._waiting:
                    return
                self._arrived.clear()
                continue
            keys = frozenset[str]().union(*(waiting.keys for waiting in group))
            self._under_way |= keys
            await self._answer(group)
            self._under_way -= keys
            if self._waiting or self._closing:
                self._arrived.set()

    async def _answer(self, group: Sequence[_Waiting]) -> None:
        try:
            replies = await self._commit([waiting.check for waiting in group])
        except Temporary as error:
            _fail(group, error)
        except Exception as error:  # the desk goes on whatever happens; nothing of the group is on disk
            if len(group) == 1:
                _fail(group, _named(error))
            for waiting in group if len(group) > 1 else ():
                await self._answer([waiting])
        else:
            for waiting, reply in zip(group, replies, strict=True):
                if not waiting.reply.done():
                    waiting.reply.set_result(reply)
            if any(reply.told for reply in replies):
                self._on_alert()

    async def _commit(self, checks: Sequence[Check]) -> list[Reply]:
        """One transaction for the group; again where another process was in the way."""
        for attempt in range(1, _TRIES + 1):
            directory = await self._directory.current()
            try:
                async with self._database.numbered_transaction() as transaction:
                    return await patients_seen(transaction, checks, directory, self._key, traces=self._traces)
            except _IN_THE_WAY as error:
                self._directory.forget()
                log.info("group tried again", attempt=attempt, error=type(error).__name__)
        raise _GroupStuck


def next_group(waiting: deque[_Waiting], under_way: Set[str] = frozenset()) -> list[_Waiting]:
    """Take the longest run of checks, 64 at most, in which no two share a key, and none has one that is `under_way`.

    Order of arrival is kept for each key.
    """
    group: list[_Waiting] = []
    held = set(under_way)
    postponed: list[_Waiting] = []
    while waiting and len(group) < LARGEST_GROUP and len(postponed) < LARGEST_GROUP:
        each = waiting.popleft()
        (postponed if each.keys & held else group).append(each)
        held |= each.keys
    waiting.extendleft(reversed(postponed))
    return group


def _named(error: Exception) -> NightlightError:
    """What one check's failure means to who asked: data that can never be stored, or our own trouble."""
    if isinstance(error, _GroupStuck):
        return CouldNotReachStore("other processes were in the way too often")
    log.error("check failed", sqlstate=getattr(error, "sqlstate", None), error=type(error).__name__)
    if isinstance(error, _DATA_ERRORS):
        return CouldNotStore("the message holds something that cannot be stored")
    return CouldNotReachStore("the desk could not answer")


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for waiting in group:
        if not waiting.reply.done():
            waiting.reply.set_exception(error)
