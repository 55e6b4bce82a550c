"""Extracts that are being loaded by this process: each goes on to its end whatever becomes of the browser.

`api.extracts` starts one for each upload and follows it; the application waits for all of them before it stops.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from safeguarding.extracts import ExtractReport, Progress

Load = Callable[[Callable[[Progress], None]], Awaitable[ExtractReport]]
"""Loads, and calls what it is given at each move."""


class Loading:
    """One extract on its way into the store."""

    def __init__(self, load: Load) -> None:
        self._progress: Progress | None = None
        self._moved = asyncio.Event()
        self.task = asyncio.ensure_future(load(self._move))
        self.task.add_done_callback(lambda _: self._moved.set())

    def _move(self, progress: Progress) -> None:
        self._progress = progress
        self._moved.set()

    async def progress(self) -> AsyncIterator[Progress]:
        """How far it is, at each move, until the load has ended."""
        while not self.task.done():
            await self._moved.wait()
            self._moved.clear()
            if self._progress:
                yield self._progress

    async def report(self) -> ExtractReport:
        """How it ended; raises what the load raised. Giving up waiting does not end the load."""
        return await asyncio.shield(self.task)


class Loads:
    """Keeps the loads of this process alive until they have ended."""

    def __init__(self) -> None:
        self._running: set[asyncio.Future[ExtractReport]] = set()

    def start(self, load: Load) -> Loading:
        """Begin a load."""
        loading = Loading(load)
        self._running.add(loading.task)
        loading.task.add_done_callback(self._ended)
        return loading

    def _ended(self, task: asyncio.Future[ExtractReport]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # told to whoever follows the load; nobody may

    async def finished(self) -> None:
        """Until all have ended."""
        await asyncio.gather(*self._running, return_exceptions=True)
