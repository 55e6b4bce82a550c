"""The client that replays the day, a process of its own: each patient's messages on one connection, in their order.

`__main__` starts it with an Order on standard input; it prints how far it is, a line of JSON every second, and at last its figures.
It does what an integration engine does: waits for each acknowledgement, sends again after AR or a lost connection, drops nothing.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

import uvloop

from bench.day.hospital import Day, feed
from bench.day.story import Step, Story
from bench.day.wire import render
from bench.figures import percentiles

_START, _END = b"\x0b", b"\x1c\r"
_READ_AHEAD = 64
_PAUSE_SECONDS = 0.2
_ANSWER_SECONDS = 120.0
_TRIES = 200


@dataclass(frozen=True, slots=True)
class Order:
    """What to replay, to which port, over how many connections. What was accepted is written to the file, a line each."""

    port: int
    connections: int
    accepted: str
    seed: int
    messages: int
    flagged: int
    begins: str

    def day(self) -> Day:
        """The day. It raises ValueError where it has too many patients."""
        return Day(self.seed, self.messages, self.flagged, datetime.fromisoformat(self.begins))


@dataclass(slots=True)
class Tally:
    """What is counted. `sent` are messages that got their answer, `repeats` those of them that had been sent before."""

    sent: int = 0
    repeats: int = 0
    lost_acks: int = 0
    sent_again: int = 0
    refused: int = 0
    differing: int = 0


class _Lane:
    """One connection, opened anew whenever it breaks."""

    def __init__(self, port: int, tally: Tally, accepted: TextIO, latencies: list[float]) -> None:
        self._port = port
        self._tally = tally
        self._accepted = accepted
        self._latencies = latencies
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self.waiting: asyncio.Queue[tuple[Story, Step] | None] = asyncio.Queue(_READ_AHEAD)

    async def run(self) -> None:
        while (item := await self.waiting.get()) is not None:
            await self._deliver(*item)
        self._hang_up()

    async def _deliver(self, story: Story, step: Step) -> None:
        message = _START + render(story, step) + _END
        if step.lost_ack:
            await self._send_and_hang_up(message)
        control_ids = story.control_ids(step)
        began = time.perf_counter()
        answer = await self._until_answered(message)
        self._latencies.append(time.perf_counter() - began)
        if not _accepts(answer, control_ids):
            self._tally.refused += len(control_ids)
            sys.stderr.write(f"not accepted: {step.event} {control_ids[0]}: {answer.decode(errors='replace')!r}\n")
            return
        if step.lost_ack and await self._until_answered(message) != answer and not step.batch:
            self._tally.differing += 1  # a batch's response is made anew, around the acknowledgements that were kept
        self._tally.sent += len(control_ids)
        if step.again:
            self._tally.repeats += len(control_ids)
        else:
            self._accepted.writelines(f"{step.application} {control_id}\n" for control_id in control_ids)

    async def _send_and_hang_up(self, message: bytes) -> None:
        """The acknowledgement is lost on its way: the service has taken the message, or is about to."""
        _, writer = await self._connected()
        writer.write(message)
        await writer.drain()
        self._hang_up()
        self._tally.lost_acks += 1

    async def _until_answered(self, message: bytes) -> bytes:
        for _ in range(_TRIES):
            try:
                reader, writer = await self._connected()
                writer.write(message)
                async with asyncio.timeout(_ANSWER_SECONDS):
                    answer = await reader.readuntil(_END)
            except (OSError, EOFError, TimeoutError):
                self._hang_up()
            else:
                if b"\rMSA|AR|" not in answer:
                    return answer
            self._tally.sent_again += 1
            await asyncio.sleep(_PAUSE_SECONDS)
        return b""

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self._streams

    def _hang_up(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _accepts(answer: bytes, control_ids: Iterable[str]) -> bool:
    return all(f"\rMSA|AA|{control_id}\r".encode() in answer for control_id in control_ids)


async def replay(order: Order) -> None:
    """Replay all of it. Raises ValueError for a day that has too many patients."""
    day = order.day()
    tally, latencies, began = Tally(), list[float](), time.perf_counter()
    with Path(order.accepted).open("w") as accepted:  # noqa: ASYNC230 -- buffered, a line for each message
        lanes = [_Lane(order.port, tally, accepted, latencies) for _ in range(order.connections)]
        async with asyncio.TaskGroup() as telling:
            teller = telling.create_task(_tell(tally))
            async with asyncio.TaskGroup() as sending:
                for lane in lanes:
                    sending.create_task(lane.run())
                for story, step in feed(day):
                    await lanes[story.index % len(lanes)].waiting.put((story, step))
                for lane in lanes:
                    await lane.waiting.put(None)
            teller.cancel()
    seconds = time.perf_counter() - began
    _say({"finished": asdict(tally), "seconds": seconds, "latency": percentiles(latencies)})


async def _tell(tally: Tally) -> None:
    while True:
        await asyncio.sleep(1)
        _say({"sent": tally.sent + tally.refused})


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(replay(Order(**json.load(sys.stdin))))
