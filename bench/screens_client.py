"""Open worklists, a process of its own: one screen for each authority, which does what the page's script does.

It listens to the worklist's events, fetches the rows when they have changed (no more often than the script does), notes when it
first shows an alert, and confirms it. What it is refused it counts, and asks for again as the script does. Source:
`api/static/live.js`, `api/static/worklist.js`.
"""

import asyncio
import json
import re
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bench.clients import serve_order
from bench.http11 import events, exchange, request

_AT_MOST_EVERY = 0.15
_AGAIN_AFTER = 4.0
_ROW = re.compile(r'data-alert="([0-9a-f-]{36})" data-changed="([^"]+)" data-waiting')
_MARK = re.compile(r'data-mark="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Order:
    """What to open: for each signed-in person the session's id and its form token, and for how long."""

    port: int
    sessions: list[tuple[str, str]]
    seconds: float


class _Screen:
    """One person's open worklist."""

    def __init__(self, port: int, session_id: str, csrf: str, shown_at: dict[str, float]) -> None:
        self._port = port
        self._headers = {"cookie": f"nightlight={session_id}", "sec-fetch-site": "same-origin"}
        self._csrf = csrf
        self._shown_at = shown_at
        self._mark = ""
        self._changed = asyncio.Event()
        self.refused = 0

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._renew())

    async def _listen(self) -> None:
        sent = request("GET", "/worklist/events", {**self._headers, "accept": "text/event-stream"})
        async for event, mark in events(*await self._connect(), sent):
            if event == "changed" and mark != self._mark:
                self._changed.set()

    async def _renew(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            reader, writer = await self._connect()  # the server lets an idle one go after some seconds
            target = f"/worklist/rows?mark={quote(self._mark)}"
            answer = await exchange(reader, writer, request("GET", target, self._headers))
            if answer.status == 200:
                await self._show(reader, writer, answer.body.decode())
            writer.close()
            if answer.status in {200, 204}:
                await asyncio.sleep(_AT_MOST_EVERY)
            else:
                self.refused += 1
                self._changed.set()
                await asyncio.sleep(_AGAIN_AFTER)

    async def _show(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, html: str) -> None:
        at = time.time()
        mark = _MARK.search(html)
        self._mark = mark[1] if mark else ""
        fresh = {alert: changed for alert, changed in _ROW.findall(html) if alert not in self._shown_at}
        self._shown_at.update(dict.fromkeys(fresh, at))
        if fresh:
            headers = {**self._headers, "content-type": "application/json", "x-csrf-token": self._csrf}
            body = json.dumps({"alerts": fresh}).encode()
            answer = await exchange(reader, writer, request("POST", "/worklist/shown", headers, body))
            self.refused += answer.status != 204

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self._port)


async def watch(order: Order) -> dict[str, Any]:
    """Keep the screens open for as long as is ordered. `shown_at` gives, for each alert, the Unix time of its first showing.

    `refused` counts the rows that could not be had at once, and the confirmations that were not taken.
    """
    shown_at: dict[str, float] = {}
    screens = [_Screen(order.port, session_id, csrf, shown_at) for session_id, csrf in order.sessions]
    tasks = [asyncio.create_task(screen.run()) for screen in screens]
    done, pending = await asyncio.wait(tasks, timeout=order.seconds, return_when=asyncio.FIRST_EXCEPTION)
    for task in pending:
        task.cancel()
    for task in done:
        task.result()
    return {"shown_at": shown_at, "refused": sum(screen.refused for screen in screens)}


if __name__ == "__main__":
    serve_order(Order, watch)
