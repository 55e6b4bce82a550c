"""Waiting webhooks drained: an authority's system was away, thousands of notices wait, and four dispatchers share them.

`rounds` measures it; `python -m bench.drain` does it alone, on a service of its own. The service's dispatcher and three more take
them from one database; the receiver is a process of its own. The clock runs from the commit that makes them due until the last is
written down as delivered.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from bench import clients, mllp_client, store, webhook_receiver
from bench.plan import QUICK, Plan
from bench.service import Service, environment_of, running_service
from bench.world import OPERATOR, SITES, furnish
from bench.yardsticks.processes import free_port, stop_process
from runtime.database import Database
from runtime.logs import configure
from safeguarding.telling.webhooks import register

DISPATCHERS = 4
_LONGEST_SECONDS = 120.0
_READY_SECONDS = 60.0
_LOOK_SECONDS = 0.05


async def drain(service: Service, database: Database, number: int) -> dict[str, Any]:
    """Figures of one drain of so many notices. There must be alerts. Raises ClientFailed, TimeoutError."""
    port = free_port()
    async with database.transaction() as transaction:
        cursor = await transaction.execute("SELECT authority_code FROM alerts GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1")
        (authority,) = await cursor.fetchone() or ("",)
        url = f"http://127.0.0.1:{port}/webhooks/nightlight"
        webhook, secret = await register(transaction, service.key, OPERATOR, authority, f"Case system at {port}", url)
    async with _dispatchers(service, database, DISPATCHERS):
        order = webhook_receiver.Order(port, secret, number, _LONGEST_SECONDS)
        receiving = asyncio.create_task(clients.run("webhook_receiver", order))
        await _until_listening(port)
        await _fill(database, authority, str(webhook.id), number)
        began = time.time()
        await _until_drained(database, str(webhook.id))
        ended = time.time()
        got = await receiving
    return {
        "per_second": number / (ended - began),
        "latency": {},
        "seconds": ended - began,
        "received_in": got["last_at"] - began,
        "connections": got["connections"],
        "lost": number - got["came"],
        "wrong": got["twice"] + got["unsigned"],
    }


async def _fill(database: Database, authority: str, webhook: str, number: int) -> None:
    """So many notices of the authority's alerts, due from the moment of the commit."""
    async with database.transaction() as transaction:
        await transaction.execute(
            """
            INSERT INTO deliveries (alert_id, notice, channel, recipient, team)
            SELECT a.id, 'escalate ' || n, 'webhook', %s, 'office'
            FROM generate_series(1, %s) AS n, (SELECT id FROM alerts WHERE authority_code = %s) AS a ORDER BY n, a.id LIMIT %s
            """,
            (webhook, number, authority, number),
        )


async def _until_drained(database: Database, webhook: str) -> None:
    question = "SELECT FROM deliveries WHERE channel = 'webhook' AND recipient = %s AND state = 'pending' LIMIT 1"
    async with asyncio.timeout(_LONGEST_SECONDS):
        while await _is_there(database, question, webhook):  # noqa: ASYNC110 -- the store tells nobody
            await asyncio.sleep(_LOOK_SECONDS)


async def _until_listening(port: int) -> None:
    async with asyncio.timeout(_READY_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            writer.close()
            return


@asynccontextmanager
async def _dispatchers(service: Service, database: Database, number: int) -> AsyncIterator[None]:
    """So many altogether, the service's own among them, each alive."""
    command = [sys.executable, "-m", "nightlight", "dispatcher", "--data", str(service.data)]
    async with AsyncExitStack() as stack:
        for _ in range(number - 1):
            process = await asyncio.create_subprocess_exec(*command, env=environment_of(service.certificates))
            stack.push_async_callback(stop_process, process)
        async with asyncio.timeout(_READY_SECONDS):
            question = (
                "SELECT FROM heartbeats WHERE process = 'dispatcher' AND beat_at > now() - interval '20 s' HAVING count(*) >= %s"
            )
            while not await _is_there(database, question, number):  # noqa: ASYNC110 -- nothing is measured yet
                await asyncio.sleep(0.2)
        yield


async def _is_there(database: Database, question: str, *parameters: object) -> bool:
    async with database.single() as connection:
        return await (await connection.execute(question.encode(), parameters)).fetchone() is not None


def main() -> int:
    """0 where each notice came once; the figures are JSON on standard output."""
    parser = argparse.ArgumentParser(prog="python -m bench.drain", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few hundred notices: its figures mean nothing")
    parser.add_argument("--rounds", type=int, default=1, help="how often (%(default)s)")
    arguments = parser.parse_args()
    configure("WARNING", "bench")
    plan = QUICK if arguments.quick else Plan(rounds=arguments.rounds)
    with (
        tempfile.TemporaryDirectory(prefix="nightlight-bench-", ignore_cleanup_errors=True) as name,
        running_service(Path(name)) as service,
    ):
        rounds = asyncio.run(_alone(service, plan.waiting, plan.rounds))
    json.dump(rounds, sys.stdout)
    return int(any(each["lost"] or each["wrong"] for each in rounds))


async def _alone(service: Service, number: int, rounds: int) -> Sequence[dict[str, Any]]:
    """On a store of its own: some children with plans, and a second of messages about them."""
    flagged = 500
    async with Database(service.servers.service_url, 4, "nightlight-bench") as database:
        await furnish(database, flagged, service.certificates.client_fingerprint, lambda _: None)
        order = mllp_client.Order(service.mllp, "DRAIN", 1, 4, list(SITES), 0.0, 1.0, 2_000, flagged)
        await clients.run("mllp_client", order)
        await store.until_quiet(database)
        store.refresh_statistics(service.servers.owner_url)
        return [await drain(service, database, number) for _ in range(rounds)]


if __name__ == "__main__":
    sys.exit(main())
