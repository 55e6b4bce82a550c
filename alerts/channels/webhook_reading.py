"""Reading what webhooks are told: those that are asked for while the last ones are being read are read together.

`alerts.channels.webhook` asks for one delivery at a time; the store is asked once for many. What is read is injected: it needs the
agreements, which are not of this room.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from alerts.channels.webhook_body import Notice
from runtime.database import Connection, Database


@dataclass(frozen=True, slots=True)
class ToSend:
    """One notice and where it goes. `stop` says why it may not be sent: a short code, or nothing."""

    notice: Notice
    webhook_id: UUID | None
    url: str
    renewals: int
    renewed_at: datetime | None
    stop: str


Read = Callable[[Connection, Sequence[UUID]], Awaitable[Mapping[UUID, ToSend]]]
"""By the ids of deliveries; one that is not there is left out."""


class Contents:
    """Reads for one channel."""

    def __init__(self, database: Database, read: Read) -> None:
        self._database = database
        self._read = read
        self._waiting: list[tuple[UUID, asyncio.Future[ToSend]]] = []
        self._reading: asyncio.Task[None] | None = None

    async def of(self, delivery_id: UUID) -> ToSend:
        """What this delivery tells. Raises LookupError where there is no such delivery, and what the store raises."""
        found: asyncio.Future[ToSend] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery_id, found))
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_all(), name="read what webhooks are told")
        return await found

    async def _read_all(self) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # who asks in this moment comes along
            group, self._waiting = self._waiting, []
            try:
                async with self._database.single() as connection:
                    read = await self._read(connection, [delivery_id for delivery_id, _ in group])
            except Exception as error:  # whatever it is, who waits would wait for ever
                for _, found in group:
                    if not found.done():
                        found.set_exception(error)
                continue
            for delivery_id, found in group:
                if found.done():
                    continue
                if delivery_id in read:
                    found.set_result(read[delivery_id])
                else:
                    found.set_exception(LookupError("a delivery without an alert"))
