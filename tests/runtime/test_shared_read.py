"""One reading for all who ask while it goes on."""

import asyncio

import pytest

from runtime.shared_read import SharedRead


class Slow:
    """Reads a number that grows with each reading, once it is let go; fails where it is told to."""

    def __init__(self) -> None:
        self.times = 0
        self.failure: Exception | None = None
        self.let_go = asyncio.Event()

    async def read(self) -> int:
        self.times += 1
        await self.let_go.wait()
        if self.failure:
            raise self.failure
        return self.times


async def asked_by(shared: SharedRead[int], count: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(shared.get()) for _ in range(count)]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_nobody_waits_for_anothers_failure() -> None:
    slow = Slow()
    slow.failure = OSError("away")
    shared = SharedRead(slow.read)
    tasks = await asked_by(shared, 10)
    slow.let_go.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) == [slow.failure] * 10
    assert slow.times == 1
    with pytest.raises(OSError, match="away"):
        await shared.get()
    assert slow.times == 2, "who asks later tries again"


async def test_who_asks_meanwhile_gets_the_same_and_who_asks_later_a_new_one() -> None:
    slow = Slow()
    shared = SharedRead(slow.read)
    tasks = await asked_by(shared, 10)
    slow.let_go.set()
    assert await asyncio.gather(*tasks) == [1] * 10
    assert await shared.get() == 2


async def test_who_gives_up_waiting_ends_it_for_nobody() -> None:
    slow = Slow()
    shared = SharedRead(slow.read)
    first, second = await asked_by(shared, 2)
    first.cancel()
    slow.let_go.set()
    assert await second == 1
    assert first.cancelled()


async def test_where_all_give_up_its_failure_troubles_nobody() -> None:
    slow = Slow()
    slow.failure = OSError("away")
    shared = SharedRead(slow.read)
    [only] = await asked_by(shared, 1)
    only.cancel()
    slow.let_go.set()
    await asyncio.wait([only])
    for _ in range(5):
        await asyncio.sleep(0)
    slow.failure = None
    assert await shared.get() == 2
