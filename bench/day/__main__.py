"""`python -m bench.day`: start the service, replay a hospital's day, count what is there. `make bench-day` calls it.

--quick replays a few thousand messages; its figures mean nothing, its checks are the same.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench import machine, store
from bench.clients import ClientFailed
from bench.day import memory, report
from bench.day.cast import UNBORN
from bench.day.checks import find_faults, read_held, size_of
from bench.day.hospital import truth
from bench.day.replay import Order
from bench.report import put_into
from bench.service import Service, durability, running_service, server_version
from bench.world import furnish
from hl7_listener.times import LONDON
from runtime.clock import england_day, now
from runtime.database import Database
from runtime.logs import configure

MESSAGES, FLAGGED, CONNECTIONS = 1_200_000, 100_000, 20
_QUICK_MESSAGES, _QUICK_FLAGGED = 4_000, 1_000

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False)


def main() -> int:
    """0 where nothing was lost, doubled or told wrongly, and no process grew; 1 otherwise."""
    arguments = _arguments()
    configure("WARNING", "bench")
    if arguments.kept:
        return _tell(json.loads(arguments.kept.read_text()), arguments.write)
    begins = _day_that_is_over(england_day(now()))
    messages, flagged = (_QUICK_MESSAGES, _QUICK_FLAGGED) if arguments.quick else (arguments.messages, arguments.flagged)
    order = Order(0, arguments.connections, "", arguments.seed, messages, flagged, begins.isoformat())
    with tempfile.TemporaryDirectory(prefix="nightlight-day-", ignore_cleanup_errors=True) as name:
        result = _run(Path(name), order)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    return _tell(result, arguments.write)


def _tell(result: dict[str, Any], page: Path | None) -> int:
    out.print("\n".join(report.lines(result)), markup=False)
    if page:
        page.write_text(put_into(page.read_text(), "\n".join(report.lines(result)), "day"))
    return 0 if report.is_right(result) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.day", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few thousand messages: the checks, not the figures")
    parser.add_argument("--messages", type=int, default=MESSAGES, help="about how many (%(default)s)")
    parser.add_argument("--flagged", type=int, default=FLAGGED, help="children with a plan (%(default)s)")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="over how many connections (%(default)s)")
    parser.add_argument("--seed", type=int, default=445, help="decides every message (%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("data/bench-day.json"), help="where the result goes (%(default)s)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the figures between the marks of this page")
    parser.add_argument("--from", dest="kept", type=Path, metavar="JSON", help="tell a kept result again, replay nothing")
    return parser.parse_args()


def _day_that_is_over(today: date) -> date:
    """Yesterday; the day before where the clocks changed yesterday, since the feed's local times would not say what came first."""
    midnights = [datetime.combine(today - timedelta(days=ago), time(), LONDON) for ago in (0, 1)]
    return today - timedelta(days=1 if midnights[0].utcoffset() == midnights[1].utcoffset() else 2)


def _run(folder: Path, order: Order) -> dict[str, Any]:
    facts = machine.describe(folder)
    day = order.day()
    expected = truth(day)
    err.print(f"{day.stories:,} patients; starting the service in {folder} …")
    with running_service(folder) as service:
        durable = durability(service.servers.service_url)
        samples: list[tuple[int, dict[str, int]]] = []
        accepted = folder / "accepted.txt"
        order = replace(order, port=service.mllp, accepted=str(accepted))
        figures = asyncio.run(_replay(service, order, len(expected.messages), samples))
        faults = find_faults(read_held(service.servers.service_url), expected, accepted.read_text().splitlines())
        size, postgresql = size_of(service.servers.service_url), server_version(service)
    names = sorted({name for _, held in samples for name in held})
    return {
        "at": now().date().isoformat(),
        "version": machine.version(),
        "machine": {**facts, "load_after": round(os.getloadavg()[0], 2)},
        "postgresql": postgresql,
        "durability": durable,
        "order": asdict(order),
        "patients": day.stories,
        "distinct": len(expected.messages),
        "visits": len(expected.visits),
        "alerts": sum(notice == "raised" for _, _, notice in expected.notices),
        "notices": len(expected.notices),
        "events": expected.events,
        "figures": figures,
        "faults": faults,
        "database_bytes": size,
        "memory": {name: asdict(course) for name in names if (course := memory.course(samples, name))},
    }


async def _replay(service: Service, order: Order, expected: int, samples: list[tuple[int, dict[str, int]]]) -> dict[str, Any]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    async with Database(service.servers.service_url, 2, "nightlight-bench") as database:
        with Progress(*columns, console=err) as bar:
            filling = bar.add_task("loading flags", total=order.flagged + UNBORN)
            certificate = service.certificates.client_fingerprint
            await furnish(database, order.flagged, certificate, lambda held: bar.update(filling, completed=held), UNBORN)
            await asyncio.to_thread(store.refresh_statistics, service.servers.owner_url)
            replaying = bar.add_task("replaying the day", total=expected)

            def note(done: int) -> None:
                bar.update(replaying, completed=done)
                samples.append((done, memory.resident(service.process)))

            figures = await _client(order, note)
            await store.until_quiet(database)
    return figures


async def _client(order: Order, note: Callable[[int], None]) -> dict[str, Any]:
    """Its last line. `note` hears every few seconds how far it is. Raises ClientFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.day.replay", stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(asdict(order)).encode())
        process.stdin.close()
        last: dict[str, Any] = {}
        async for line in process.stdout:
            last = json.loads(line)
            if "sent" in last:
                note(last["sent"])
        if await process.wait() != 0 or "seconds" not in last:
            raise ClientFailed(f"the replay ended with status {process.returncode}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return last


if __name__ == "__main__":
    sys.exit(main())
