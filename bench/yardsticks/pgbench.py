"""PostgreSQL's own benchmark: `pgbench` from the embedded wheel, on the same server and database, with `pgbench.sql`.

`rounds` calls `prepare` once and `measure` beside every measurement of ours, with the same number of clients.
"""

import asyncio
import os
import re
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from bench.yardsticks import NoYardstick
from nightlight.embedded.binaries import postgres_program

SCRIPT = Path(__file__).with_name("pgbench.sql")
HELD = 100_000

_TABLES = """
    CREATE TABLE bench_flags (number integer PRIMARY KEY, kind text NOT NULL, start_date date NOT NULL);
    INSERT INTO bench_flags SELECT number, 'CPP', date '2026-01-01' FROM generate_series(1, {held}) AS number;
    CREATE TABLE bench_looks (
        id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        number integer NOT NULL,
        at     timestamptz NOT NULL DEFAULT now()
    );
    GRANT SELECT, INSERT ON bench_flags, bench_looks TO {service};
"""
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_LATENCY = re.compile(r"^latency average = ([0-9.]+) ms", re.MULTILINE)
_FAILED = re.compile(r"^number of failed transactions: ([0-9]+)", re.MULTILINE)


def prepare(owner_url: str, service_url: str) -> None:
    """Tables of its own, as the owner; the service's role runs the script."""
    role = str(conninfo_to_dict(service_url)["user"])
    with psycopg.connect(owner_url, autocommit=True) as owner:
        for statement in _TABLES.format(held=HELD, service=role).split(";")[:-1]:
            owner.execute(statement.encode())
        owner.execute("ANALYZE bench_flags")


async def measure(service_url: str, clients: int, seconds: int) -> dict[str, float]:
    """Transactions a second, and their average latency in seconds. Raises NoYardstick."""
    where = conninfo_to_dict(service_url)
    command = [
        str(postgres_program("pgbench")), "--no-vacuum", "--file", str(SCRIPT), "--protocol", "prepared",
        "--client", str(clients), "--jobs", str(min(clients, 2)), "--time", str(seconds),
        "--host", str(where["host"]), "--username", str(where["user"]), str(where["dbname"]),
    ]  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PGPASSWORD": str(where["password"])},
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise NoYardstick(errors.decode().strip().splitlines()[-1])
    return read_result(output.decode())


def read_result(output: str) -> dict[str, float]:
    """What pgbench printed. Raises NoYardstick where a transaction failed or a figure is missing."""
    rate, latency, failed = _RATE.search(output), _LATENCY.search(output), _FAILED.search(output)
    if rate is None or latency is None or (failed and failed[1] != "0"):
        raise NoYardstick("pgbench gave no whole result")
    return {"per_second": float(rate[1]), "average": float(latency[1]) / 1000}
