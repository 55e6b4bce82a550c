"""Load clients are processes of their own, so that what they cost is not counted as ours and they never wait for us.

`run` starts one with its order as JSON on standard input (there may be a token in it) and gives back its figures;
`serve_order` is the other end.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, TypeVar

import uvloop

Order = TypeVar("Order")
Figures = dict[str, Any]


class ClientFailed(Exception):
    """A load client ended without figures; its own words are on the terminal."""


async def run(module: str, order: Any) -> Figures:
    """The figures of one client. Raises ClientFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"bench.{module}", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        output, _ = await process.communicate(json.dumps(asdict(order)).encode())
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise ClientFailed(f"{module} ended with status {process.returncode}")
    figures: Figures = json.loads(output)
    return figures


def serve_order(kind: Callable[..., Order], work: Callable[[Order], Awaitable[Figures]]) -> None:
    """Read the order, do the work on uvloop, print the figures."""

    async def main() -> Figures:
        return await work(kind(**json.load(sys.stdin)))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        json.dump(runner.run(main()), sys.stdout)
