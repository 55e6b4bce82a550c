"""`nightlight deliveries`: what waits to be told, by channel, and which hosts do not answer. No patient is in it.

For operators, on the service's own machine; `api.deliveries` shows the same as a page.
"""

import json

from rich.markup import escape
from rich.table import Table

from nightlight.cli.console import DataFolder, on_store, out
from nightlight.cli.daily import Json
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.telling.waiting import ChannelRow, read_channels


def deliveries(as_json: Json = False, data: DataFolder = None) -> None:
    """Show what waits to be told, by channel: how much is due, for how long, what needs a person, and who does not answer."""

    async def work(database: Database, _: Settings) -> list[ChannelRow]:
        async with database.transaction() as transaction:
            return await read_channels(transaction)

    rows = on_store(data, work)
    if as_json:
        out.print_json(json.dumps([_as_json(row) for row in rows]))
        return
    table = Table("Channel", "Waiting", "Oldest (s)", "Needs a person", "For later", "No answer from", box=None)
    for row in rows:
        silent = ", ".join(f"{host.name} since {host.since:%Y-%m-%d %H:%M} UTC" for host in row.silent)
        counts = (row.waiting, round(row.oldest.total_seconds()), row.needing_a_person, row.later)
        table.add_row(row.channel.value, *map(str, counts), escape(silent))
    out.print(table)


def _as_json(row: ChannelRow) -> dict[str, object]:
    return {
        "channel": row.channel.value,
        "waiting": row.waiting,
        "oldest_seconds": round(row.oldest.total_seconds(), 1),
        "needing_a_person": row.needing_a_person,
        "later": row.later,
        "no_answer_from": [{"name": host.name, "since": host.since.isoformat()} for host in row.silent],
    }
