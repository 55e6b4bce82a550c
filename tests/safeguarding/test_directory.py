"""The directory as a process reads it: once for all who ask in one moment, and anew for who has met something unknown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from domain.errors import CouldNotReachStore
from runtime.database import Connection, Database
from safeguarding.directory import DirectoryReader
from tests.safeguarding.house import House


class Held(Database):
    """A store that answers, or fails, when it is let go; counts how often it was asked."""

    def __init__(self, store: Database, *, away: bool = False) -> None:
        self._store = store
        self._away = away
        self.asked = 0
        self.let_go = asyncio.Event()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        self.asked += 1
        await self.let_go.wait()
        if self._away:
            raise CouldNotReachStore("the database is away")
        async with self._store.transaction() as connection:
            yield connection


async def under_way() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_while_the_store_is_away_nobody_waits_for_anothers_failure(house: House) -> None:
    """Each would wait as long as the connection is tried for: the tenth in a row ten times as long."""
    store = Held(house.database, away=True)
    reader = DirectoryReader(store)
    asking = [asyncio.create_task(reader.current()) for _ in range(10)]
    await under_way()
    store.let_go.set()
    failures = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(failure) for failure in failures] == [CouldNotReachStore] * 10
    assert store.asked == 1
    with pytest.raises(CouldNotReachStore):
        await reader.current()
    assert store.asked == 2, "who asks later tries again"


async def test_who_asks_while_it_is_read_gets_the_same(house: House) -> None:
    store = Held(house.database)
    reader = DirectoryReader(store)
    asking = [asyncio.create_task(reader.current()) for _ in range(10)]
    await under_way()
    store.let_go.set()
    assert len({id(directory) for directory in await asyncio.gather(*asking)}) == 1
    assert store.asked == 1


async def test_who_has_met_something_unknown_is_not_given_what_was_being_read_before(house: House) -> None:
    store = Held(house.database)
    reader = DirectoryReader(store)
    before = asyncio.create_task(reader.current())
    await under_way()
    reader.forget()
    after = asyncio.create_task(reader.current())
    await under_way()
    store.let_go.set()
    await asyncio.gather(before, after)
    assert store.asked == 2


async def test_who_gives_up_waiting_takes_it_from_nobody(house: House) -> None:
    store = Held(house.database)
    reader = DirectoryReader(store)
    first, second = asyncio.create_task(reader.current()), asyncio.create_task(reader.current())
    await under_way()
    first.cancel()
    store.let_go.set()
    assert await second is await reader.current()
    assert store.asked == 1


async def test_what_was_read_is_kept_until_it_is_forgotten(house: House) -> None:
    store = Held(house.database)
    store.let_go.set()
    reader = DirectoryReader(store)
    first = await reader.current()
    assert await reader.current() is first
    assert reader.last_known is first
    reader.forget()
    assert await reader.current() is not first
    assert store.asked == 2


async def test_what_is_old_as_soon_as_it_is_read_is_still_an_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process held up for longer than it keeps a directory must not read for ever while a clinician waits."""
    monkeypatch.setattr("safeguarding.directory.KEPT_SECONDS", -1.0)
    store = Held(house.database)
    store.let_go.set()
    reader = DirectoryReader(store)
    await asyncio.wait_for(reader.current(), 60)
    await asyncio.wait_for(reader.current(), 60)
    assert store.asked == 2
