"""What waits to be told, for whoever keeps the service running: by channel, with the hosts that do not answer. No patient is in it.

`api.deliveries` shows it as a page, `nightlight deliveries` prints it. A look by a person is audited.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.left_alone import LeftAlone, read_left_alone
from alerts.waiting import Waiting, read_waiting
from domain.actor import Actor
from domain.alert import ChannelName
from runtime.audit import record_audit
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class Silent:
    """A host that does not answer: what it is called, since when, and when it is tried next."""

    name: str
    since: datetime
    tries_at: datetime


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """How it stands with one channel: what is due, for how long the oldest has been, what needs a person, what is for later."""

    channel: ChannelName
    waiting: int
    oldest: timedelta
    needing_a_person: int
    later: int
    silent: tuple[Silent, ...]


async def deliveries_viewed(transaction: Connection, actor: Actor) -> list[ChannelRow]:
    """Every channel for a person to read."""
    rows = await read_channels(transaction)
    await record_audit(transaction, actor, "deliveries.view", "deliveries", "all", waiting=sum(row.waiting for row in rows))
    return rows


async def read_channels(transaction: Connection) -> list[ChannelRow]:
    """Every channel, in the order of their names; also those for which nothing waits."""
    waiting = {each.channel: each for each in await read_waiting(transaction)}
    silent: dict[ChannelName, list[LeftAlone]] = defaultdict(list)
    for each in await read_left_alone(transaction):
        silent[each.channel].append(each)
    names = await _names(transaction, [each.host for each in silent[ChannelName.WEBHOOK]])
    rows = []
    for channel in ChannelName:
        there = waiting.get(channel, Waiting(channel, 0, 0, 0.0))
        hosts = tuple(Silent(names.get(each.host, channel.words), each.since, each.tries_at) for each in silent[channel])
        oldest = timedelta(seconds=there.oldest_seconds)
        rows.append(ChannelRow(channel, there.count, oldest, there.needing_a_person, there.later, hosts))
    return rows


async def _names(transaction: Connection, webhooks: list[str]) -> dict[str, str]:
    """What the webhooks are called, and whose they are."""
    cursor = await transaction.execute(
        """
        SELECT w.id::text, w.name || ' (' || t.name || ')' FROM webhooks w JOIN authorities t ON t.code = w.authority_code
        WHERE w.id::text = ANY(%s)
        """,
        (webhooks,),
    )
    return dict(await cursor.fetchall())
