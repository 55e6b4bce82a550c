"""`python -m bench`: start the service, fill it, measure in rounds, tell. `make bench` calls it.

--quick only shows that everything works; --write puts the figures into a page; --from tells a kept result again.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from bench import machine, report, store
from bench.plan import QUICK, ROUNDS, STEPS, Plan
from bench.rounds import Measured, measure
from bench.service import Service, durability, running_service, server_version
from bench.world import furnish
from bench.yardsticks import message_foundry, pgbench
from runtime.clock import now
from runtime.database import Database
from runtime.logs import configure

ENGINE = Path("data/bench-messagefoundry")

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def main() -> int:
    """0 where everything that was asked was answered rightly, whether or not a bar is met; 1 otherwise."""
    arguments = _arguments()
    configure("WARNING", "bench")
    if arguments.kept:
        result = json.loads(arguments.kept.read_text())
    else:
        result = _measure(QUICK if arguments.quick else Plan(rounds=arguments.rounds))
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    _tell(result)
    if arguments.write:
        arguments.write.write_text(report.put_into(arguments.write.read_text(), report.markdown(result)))
    kept = result["kept"]
    return int(bool(kept["faults"]) or kept["messages"] != kept["accepted"] or kept["alerts"] != kept["flagged"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a few seconds of everything: its figures mean nothing")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each measurement is repeated (%(default)s)")
    parser.add_argument("--json", type=Path, default=Path("data/bench.json"), help="where the whole result goes (%(default)s)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between the marks of this page")
    parser.add_argument("--from", dest="kept", type=Path, metavar="JSON", help="tell a kept result again, measure nothing")
    return parser.parse_args()


def _measure(plan: Plan) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="nightlight-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        engine = _engine()
        facts = machine.describe(folder)
        err.print(f"Starting the service in {folder} …")
        with running_service(folder) as service:
            durable = durability(service.servers.service_url)
            measured, kept = asyncio.run(_rounds(service, plan, engine))
            postgresql = server_version(service)
    return {
        "at": now().date().isoformat(),
        "version": machine.version(),
        "machine": {**facts, "load_after": round(os.getloadavg()[0], 2)},
        "postgresql": postgresql,
        "durability": durable,
        "plan": asdict(plan),
        "kept": kept,
        "ours": measured.ours,
        "theirs": measured.theirs,
    }


def _engine() -> Path | None:
    """MessageFoundry's environment, or None where it cannot be had, which is said."""
    try:
        return message_foundry.install(ENGINE, lambda: err.print(f"Installing MessageFoundry into {ENGINE}, once …"))
    except message_foundry.NotInstalled as error:
        err.print(f"[bold red]MESSAGEFOUNDRY IS NOT MEASURED: it could not be installed into {ENGINE}.[/]")
        err.print(str(error), markup=False)
        return None


async def _rounds(service: Service, plan: Plan, engine: Path | None) -> tuple[Measured, dict[str, int]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    async with Database(service.servers.service_url, 4, "nightlight-bench") as database:
        with Progress(*columns, console=err, transient=True) as bar:
            filling = bar.add_task("loading flags", total=plan.flagged)
            await furnish(
                database, plan.flagged, service.certificates.client_fingerprint, lambda held: bar.update(filling, completed=held)
            )
            pgbench.prepare(service.servers.owner_url, service.servers.service_url)
            rounds = bar.add_task("measuring", total=1 + plan.rounds * STEPS)

            def show(name: str, figures: dict[str, Any]) -> None:
                latency = figures.get("latency", {})
                p99 = f", p99 {latency['p99'] * 1000:,.1f} ms" if latency else ""
                bar.console.print(f"  {name:24} {figures['per_second']:9,.0f}/s{p99}")
                bar.advance(rounds)

            measured = await measure(service, database, plan, engine, show)
        messages, alerts = await store.count_kept(database)
    kept = {"accepted": measured.accepted, "messages": messages, "flagged": measured.flagged, "alerts": alerts}
    return measured, {**kept, "faults": measured.faults}


def _tell(result: dict[str, Any]) -> None:
    for columns, rows in ((report.COLUMNS, report.rows(result)), (report.BESIDE_COLUMNS, report.rows_beside(result))):
        table = Table(*(Column(name, overflow="fold") for name in columns), box=None, padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*row)
        out.print(table)
        out.print()
    for fact in report.facts(result):
        out.print(fact, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
