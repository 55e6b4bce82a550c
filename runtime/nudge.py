"""Redis, which only makes things sooner: a nudge says "look now"; whoever misses it finds the same by polling.

The listener and the API nudge the dispatcher; the dispatcher nudges open screens. No nudge carries a patient.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from runtime.cancelling import is_cancelled
from runtime.logs import get_logger

DELIVERIES = "nightlight:deliveries"
_PAUSE_AFTER_FAILURE = 1.0
_TIMEOUT = 1.0

log = get_logger()


class Nudges:
    """Sends and hears nudges. Without Redis it is silent, and everything still arrives by polling."""

    def __init__(self, url: str) -> None:
        self._redis: Redis = Redis.from_url(url, socket_connect_timeout=_TIMEOUT, socket_timeout=_TIMEOUT)

    async def send(self, channel: str, text: str = "") -> bool:
        """Nudge; False where Redis is away, which costs time and nothing else."""
        try:
            await self._redis.publish(channel, text)
        except (RedisError, OSError) as error:
            log.warning("nudge not sent", error=type(error).__name__)
            return False
        return True

    async def hear(self, *channels: str) -> AsyncGenerator[tuple[str, str]]:
        """(channel, text) of every nudge as it comes, for ever. Redis may go and return meanwhile."""
        while not is_cancelled():
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(*channels)
                    while not is_cancelled():
                        message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=_TIMEOUT / 2)
                        if message is not None:
                            yield message["channel"].decode(), message["data"].decode()
            except (RedisError, OSError) as error:
                log.warning("nudges not heard", error=type(error).__name__)
                await asyncio.sleep(_PAUSE_AFTER_FAILURE)
        raise asyncio.CancelledError  # the client had lost it

    async def is_there(self) -> bool:
        """Whether Redis answers."""
        with suppress(RedisError, OSError):
            await self._redis.publish(DELIVERIES, "")
            return True
        return False

    async def close(self) -> None:
        """Let the connections go."""
        with suppress(RedisError, OSError):
            await self._redis.aclose()


def screens_of(authority_code: str) -> str:
    """The channel that the open worklists of an authority listen to."""
    return f"nightlight:screens:{authority_code}"
