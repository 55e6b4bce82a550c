"""Work that blocks, done beside the event loop: a load reads files and sorts on disk while the desk of its process answers.

`safeguarding.extracts.loading` and `intake` call it for everything that a stage does.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[..., T], *arguments: object) -> T:
    """Do it in a thread; it is never left running by a cancellation."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def each_in_thread(items: Iterator[T]) -> AsyncIterator[T]:
    """Each item, brought by a thread."""
    nothing = object()
    while (item := await in_thread(next, items, nothing)) is not nothing:
        yield item
