"""Hosts that are left alone because they do not answer, as each dispatcher says it, so that a page can show them.

The dispatcher writes every few seconds; whoever has not written for a while is gone, and so is what it knew.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.alert import ChannelName
from runtime.database import Connection

FORGOTTEN_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A host that does not answer: since when, and when somebody tries it next. `host` is empty where the channel has one host."""

    channel: ChannelName
    host: str
    since: datetime
    tries_at: datetime


async def show_open(
    transaction: Connection, channel: ChannelName, dispatcher: str, hosts: Iterable[tuple[str, float, float]]
) -> None:
    """Say which hosts of a channel this dispatcher leaves alone: since so many seconds, and until in so many."""
    found = list(hosts)
    names = [host for host, _, _ in found]
    await transaction.execute(
        """
        DELETE FROM hosts_left_alone
        WHERE channel = %s AND (dispatcher = %s AND host <> ALL(%s::text[]) OR said_at < now() - make_interval(secs => %s))
        """,
        (channel.value, dispatcher, names, FORGOTTEN_SECONDS),
    )
    if found:
        await transaction.execute(
            """
            INSERT INTO hosts_left_alone (channel, host, dispatcher, since, tries_at)
            SELECT %s, host, %s, now() - make_interval(secs => open_for), now() + make_interval(secs => try_in)
            FROM unnest(%s::text[], %s::float8[], %s::float8[]) AS open (host, open_for, try_in)
            ON CONFLICT (channel, host, dispatcher) DO UPDATE SET tries_at = excluded.tries_at, said_at = now()
            """,
            (
                channel.value,
                dispatcher,
                [host for host, _, _ in found],
                [since for _, since, _ in found],
                [to for _, _, to in found],
            ),
        )


async def read_left_alone(transaction: Connection) -> list[LeftAlone]:
    """Every host that some dispatcher leaves alone now."""
    cursor = await transaction.execute(
        """
        SELECT channel, host, min(since), min(tries_at) FROM hosts_left_alone
        WHERE said_at > now() - make_interval(secs => %s) GROUP BY channel, host ORDER BY channel, host
        """,
        (FORGOTTEN_SECONDS,),
    )
    return [LeftAlone(ChannelName(channel), host, since, tries_at) for channel, host, since, tries_at in await cursor.fetchall()]
