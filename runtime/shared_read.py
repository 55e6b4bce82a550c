"""One reading for all who ask while it goes on: what comes of it is everybody's, its failure too.

By it a process reads what it keeps for a few seconds: the directory, the clients. Behind a lock each would wait for the failures
of those before it, and while the store is away "could not check" would come ten times as late to the tenth who asks.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class SharedRead(Generic[Value]):
    """Reads by `read`, never twice at once."""

    def __init__(self, read: Callable[[], Awaitable[Value]]) -> None:
        self._read = read
        self._under_way: asyncio.Task[Value] | None = None

    async def get(self) -> Value:
        """What the reading under way gives, or else a new one. Raises what it raises. Who gives up waiting ends it for nobody."""
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._do(), name="shared read")
        return await asyncio.shield(self._under_way)

    async def _do(self) -> Value:
        try:
            return await self._read()
        finally:
            self._under_way = None
