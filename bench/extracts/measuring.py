"""One format: a snapshot is kept and loaded by the service's own loader, while messages come to the desk.

`__main__` calls it with a service of its own for each format. The load's time runs from its claim to its end, by the database's
clock; memory is the highest that the loader's process ever had (VmHWM). The desk's p99 is of all messages that fell due in quiet,
and of all that fell due while the load ran.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any
from uuid import UUID

from bench import clients, store
from bench.extracts.copying import copy_alike, copy_bare
from bench.extracts.snapshots import write_snapshot
from bench.figures import percentiles
from bench.mllp_client import Order
from bench.service import Service
from bench.world import OPERATOR, SITES, furnish
from domain.extract import CameBy, Declaration, FileFormat, Scope
from flags_store.authorities import add_authority
from runtime.clock import now
from runtime.database import Database
from safeguarding.extracts.uploads import keep_upload

AUTHORITY = "901"
FLAGGED = 2_000
_PIECE = 1 << 20
_LOOK_SECONDS = 0.2
_PATIENCE_SECONDS = 900.0
_ENDINGS = {FileFormat.CSV: "csv", FileFormat.SSD: "zip", FileFormat.V3: "xml"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How many children; how many messages a second meanwhile, in windows of so many seconds. Quiet ones come first."""

    children: int = 150_000
    per_second: float = 50.0
    window_seconds: float = 5.0
    quiet_windows: int = 4


QUICK = Plan(children=2_000, window_seconds=1.0, quiet_windows=1)


async def measure(
    service: Service, folder: Path, file_format: FileFormat, plan: Plan, on_step: Callable[[str], None]
) -> dict[str, Any]:
    """The figures of one format: seconds, records a second, memory, COPY's seconds, and the desk's p99 quiet and meanwhile."""
    file = folder / f"snapshot.{_ENDINGS[file_format]}"
    taken = now() - timedelta(hours=2)
    write_snapshot(file, file_format, plan.children, taken, AUTHORITY)
    async with Database(service.servers.service_url, 4, "nightlight-bench") as database:
        await furnish(database, FLAGGED, service.certificates.client_fingerprint, lambda _: None)
        async with database.transaction() as transaction:
            await add_authority(transaction, OPERATOR, AUTHORITY, "A nation", "01632 960901", "01632 961901", live=True)
        store.refresh_statistics(service.servers.owner_url)
        store.settle(service.superuser_url)
        on_step("quiet")
        quiet = [await _window(service, plan, f"Q{number}") for number in range(plan.quiet_windows)]
        on_step("first load")
        first, meanwhile = await _load(service, database, file, file_format, taken, plan, "L")
        store.refresh_statistics(service.servers.owner_url)
        again = None
        if file_format is not FileFormat.V3:
            on_step("the same snapshot an hour later")
            again, _ = await _load(service, database, file, file_format, taken + timedelta(hours=1), plan, "A")
        on_step("COPY")
        owner_url, is_csv = service.servers.owner_url, file_format is FileFormat.CSV
        figures = {
            "bytes": file.stat().st_size,
            "first": first,
            "again": again,
            "copy_alike": await asyncio.to_thread(copy_alike, owner_url, AUTHORITY),
            "copy_bare": await asyncio.to_thread(copy_bare, owner_url, file) if is_csv else None,
            "memory_bytes": _peak_memory(await _loader(database)),
            "quiet": _latency(quiet),
            "meanwhile": _latency(meanwhile, until=first["ended_at"]),
            "faults": sum(each["refused"] + each["lost"] for each in (*quiet, *meanwhile)),
        }
    return {**figures, "children": plan.children, "per_second": plan.children / first["seconds"]}


def _latency(windows: Sequence[Mapping[str, Any]], until: float = inf) -> dict[str, float]:
    """Of the messages that fell due until that Unix time: how many they are, and their percentiles, in seconds."""
    latencies = [latency for window in windows for due, latency in window["each"] if due < until]
    return {"messages": len(latencies), **percentiles(latencies)}


async def _load(
    service: Service, database: Database, file: Path, file_format: FileFormat, taken: datetime, plan: Plan, name: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    declaration = Declaration(None if file_format is FileFormat.V3 else taken, Scope.FULL)
    began = time.perf_counter()
    upload = await keep_upload(database, OPERATOR, AUTHORITY, _pieces(file), declaration, CameBy.API, largest=1 << 40)
    kept = time.perf_counter() - began
    ended = asyncio.create_task(_until_loaded(database, upload.id))
    windows: list[dict[str, Any]] = []
    while not ended.done():
        windows.append(await _window(service, plan, f"{name}{len(windows)}"))
    return {**await ended, "kept_seconds": kept}, windows


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece


async def _until_loaded(database: Database, upload_id: UUID) -> dict[str, Any]:
    """Raises RuntimeError where the upload is refused or not all of it is accepted."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            async with database.transaction() as transaction:
                cursor = await transaction.execute(
                    """
                    SELECT u.state, u.refusal, extract(epoch FROM u.ended_at - e.received_at)::float8, e.records, e.rejected,
                           extract(epoch FROM u.ended_at - u.received_at)::float8, extract(epoch FROM u.ended_at)::float8
                    FROM uploads u LEFT JOIN extracts e ON e.id = u.extract_id WHERE u.id = %s
                    """,
                    (upload_id,),
                )
                row = await cursor.fetchone()
            assert row is not None
            state, refusal, applying, records, rejected, whole, ended_at = row
            if state == "refused" or rejected:
                raise RuntimeError(f"not all of the snapshot was loaded: {refusal or rejected}")
            if state == "loaded":
                return {"seconds": whole, "applying_seconds": applying, "records": records, "ended_at": ended_at}
            await asyncio.sleep(_LOOK_SECONDS)


async def _window(service: Service, plan: Plan, name: str) -> dict[str, Any]:
    most = round((plan.window_seconds + 1) * plan.per_second) + 100
    order = Order(
        service.mllp, name, sum(name.encode()), 4, list(SITES), 0.5, plan.window_seconds, most, FLAGGED, plan.per_second, each=True
    )
    return await clients.run("mllp_client", order)


async def _loader(database: Database) -> int:
    """The id of the loader's process."""
    async with database.transaction() as transaction:
        cursor = await transaction.execute("SELECT instance FROM heartbeats WHERE process = 'loader' ORDER BY beat_at DESC LIMIT 1")
        row = await cursor.fetchone()
    assert row is not None
    return int(str(row[0]).rpartition(":")[2])


def _peak_memory(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("this system does not say how much memory a process had")
