"""Open worklists and boards: one ear and one poll for the whole process, fanned out to every screen that is open.

`api.streams` opens a screen for each live connection. Redis only wakes the poll early (a hint); the poll of the
database every two seconds is the guarantee, so that screens go on with Redis gone, and turn amber with the database gone.
What wakes worklists wakes boards: an alert of a site, and an answer, are nudges of the authority that they concern.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field

from domain.errors import CouldNotReachStore
from runtime.database import Connection, Database
from runtime.logs import get_logger
from runtime.nudge import Nudges, screens_of
from safeguarding.directory import DirectoryReader
from safeguarding.open_screens import worklist_marks

POLL_SECONDS = 2.0
DIRECTORY_SECONDS = 10.0

Marks = Callable[[Connection, Sequence[str]], Awaitable[dict[str, str]]]
"""What a kind of screen shows, in short: for each code (an authority's, a site's) a mark that changes with its content."""

log = get_logger()


@dataclass(eq=False, slots=True)
class Screen:
    """One open page. `mark` changes with its content; None while nobody can say (the database is away)."""

    code: str
    mark: str | None = ""
    marks: Marks = worklist_marks
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, seconds: float) -> None:
        """Until the mark has changed, or for so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()

    def wake(self) -> None:
        """End a wait, whatever the mark."""
        self._changed.set()

    def show(self, mark: str | None) -> None:
        """Take the newest mark."""
        if mark != self.mark:
            self.mark = mark
            self._changed.set()


class Screens:
    """The open worklists and boards of this process. Use it as `async with screens.kept_fresh()` around the serving.

    `turns` are taken by whoever reads a list: no more than `at_once` are read together, however many have changed, so that a
    banner finds a connection. The others wait.
    """

    def __init__(self, database: Database, directory: DirectoryReader, nudges: Nudges, at_once: int) -> None:
        self._database = database
        self._directory = directory
        self._nudges = nudges
        self._open: set[Screen] = set()
        self._hint = asyncio.Event()
        self.turns = asyncio.Semaphore(at_once)
        self.ended = False

    @contextmanager
    def open(self, code: str, marks: Marks) -> Iterator[Screen]:
        """A screen of the authority or the site, for as long as it is looked at."""
        screen = Screen(code, marks=marks)
        self._open.add(screen)
        self._hint.set()
        try:
            yield screen
        finally:
            self._open.discard(screen)

    def end(self) -> None:
        """The process stops: every open connection ends now, and the browsers come back to whoever serves next."""
        self.ended = True
        for screen in list(self._open):
            screen.wake()

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Listen and poll while the block runs."""
        tasks = [asyncio.create_task(self._poll(), name="screens"), asyncio.create_task(self._listen(), name="nudges")]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _poll(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._hint.wait()
            self._hint.clear()
            for marks in {screen.marks for screen in self._open}:
                await self._renew(marks, [screen for screen in self._open if screen.marks is marks])

    async def _renew(self, marks: Marks, screens: Sequence[Screen]) -> None:
        codes = sorted({screen.code for screen in screens})
        found = await self._ask(marks, codes)
        for screen in screens:
            screen.show(found[screen.code])

    async def _ask(self, marks: Marks, codes: list[str]) -> dict[str, str | None]:
        try:
            async with self._database.transaction() as transaction:
                return {**await marks(transaction, codes)}
        except Exception as error:  # the screens go on: they say that they may be out of date, and ask again
            log.warning("screens not read", error=type(error).__name__)
            return dict.fromkeys(codes)

    async def _listen(self) -> None:
        """Hear the nudges of every authority; anew whenever the list of authorities has changed."""
        codes, hearing = await self._codes(), None
        try:
            while True:
                if hearing is None:
                    hearing = asyncio.create_task(self._hear(codes))
                    self._hint.set()
                await asyncio.sleep(DIRECTORY_SECONDS)
                before, codes = codes, await self._codes()
                if codes != before:
                    await _stop(hearing)
                    hearing = None
        finally:
            await _stop(hearing)

    async def _hear(self, codes: list[str]) -> None:
        if codes:
            async with aclosing(self._nudges.hear(*(screens_of(code) for code in codes))) as nudges:
                async for _ in nudges:
                    self._hint.set()

    async def _codes(self) -> list[str]:
        try:
            return sorted((await self._directory.current()).authorities)
        except CouldNotReachStore:
            return []


async def _stop(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
