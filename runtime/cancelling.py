"""Being told to stop: what a loop asks that runs for ever."""

import asyncio


def is_cancelled() -> bool:
    """Whether this task was told to stop. A loop asks in each round, for the CancelledError itself can be lost.

    Before Python 3.12, `asyncio.wait_for` swallows one that comes as its result does, and the pool and Redis's client wait by it.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
