"""An authority's system, a process of its own: takes webhooks as fast as they come, verifies each, and counts each id.

`drain` runs it by `clients.run`: an Order comes in as JSON, figures go out. It is bare asyncio on uvloop, so that what it costs is
little beside what it is sent.
"""

import asyncio
import base64
import hmac
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

from bench.clients import serve_order

_HEADER = re.compile(rb"\r\n(content-length|webhook-id|webhook-timestamp|webhook-signature): *([^\r]*)", re.IGNORECASE)
_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Order:
    """Where to listen, the webhook's secret (whsec_…), how many ids are to come, and for how many seconds to wait for them."""

    port: int
    secret: str
    expected: int
    seconds: float


class _Counted:
    """What came."""

    def __init__(self, order: Order) -> None:
        self.times: Counter[bytes] = Counter()
        self.unsigned = 0
        self.connections = 0
        self.last_at = 0.0
        self.all_came = asyncio.Event()
        self._key = base64.b64decode(order.secret.removeprefix("whsec_"))
        self._expected = order.expected

    def take(self, headers: dict[bytes, bytes], body: bytes) -> None:
        message_id = headers[b"webhook-id"]
        signed = hmac.digest(self._key, b".".join((message_id, headers[b"webhook-timestamp"], body)), "sha256")
        self.unsigned += headers[b"webhook-signature"] != b"v1," + base64.b64encode(signed)
        self.times[message_id] += 1
        self.last_at = time.time()
        if len(self.times) >= self._expected:
            self.all_came.set()


class _Connection(asyncio.Protocol):
    """One connection, which stays open."""

    def __init__(self, counted: _Counted) -> None:
        self._counted = counted
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        self._counted.connections += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        while end != -1:
            headers = {name.lower(): value for name, value in _HEADER.findall(self._received[:end])}
            until = end + 4 + int(headers[b"content-length"])
            if len(self._received) < until:
                return
            body, self._received = self._received[end + 4 : until], self._received[until:]
            self._counted.take(headers, body)
            self._transport.write(_TAKEN)
            end = self._received.find(b"\r\n\r\n")


async def receive(order: Order) -> dict[str, Any]:
    """Take notices until all have come and a moment longer, for those that come twice."""
    counted = _Counted(order)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(counted), "127.0.0.1", order.port)
    try:
        async with asyncio.timeout(order.seconds):
            await counted.all_came.wait()
            await asyncio.sleep(1.0)
    except TimeoutError:
        pass
    server.close()
    return {
        "came": len(counted.times),
        "twice": sum(times - 1 for times in counted.times.values()),
        "unsigned": counted.unsigned,
        "connections": counted.connections,
        "last_at": counted.last_at,
    }


if __name__ == "__main__":
    serve_order(Order, receive)
