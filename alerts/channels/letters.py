"""What a letter may tell of one delivery, read from the store: so a Delivery carries none of it.

`alerts.channels.email` and `alerts.channels.notify` ask, just before they send.
Source: docs/facts.md, section 5.
"""

from collections.abc import Callable
from uuid import UUID

from alerts.channels.templates import Letter
from domain.alert import Delivery
from runtime.database import Database

Link = Callable[[str], str]
"""Makes an absolute address of a page's path."""


async def read_letter(database: Database, delivery: Delivery, link: Link) -> Letter:
    """The few facts of a delivery's letter. Raises LookupError where its alert is gone.

    What happened is dated by the first delivery that told of it: a letter to whoever is next in line, or that waited for the
    morning, does not call it new.
    """
    async with database.transaction() as transaction:
        cursor = await transaction.execute(
            """
            SELECT a.thread_id, t.name, d.notice, a.raised_at,
                   (SELECT min(created_at) FROM deliveries WHERE alert_id = d.alert_id AND notice = d.notice),
                   (SELECT kind FROM store),
                   ARRAY(SELECT other.alert_id FROM deliveries other
                         WHERE other.bundled_with = d.id AND other.id <> d.id ORDER BY other.id)
            FROM deliveries d JOIN alerts a ON a.id = d.alert_id JOIN authorities t ON t.code = a.authority_code
            WHERE d.id = %s
            """,
            (delivery.id,),
        )
        row = await cursor.fetchone()
    if row is None:
        raise LookupError("a delivery without an alert")
    thread_id, name, notice, raised_at, at, kind, others = row
    address = link("/worklist" if others else f"/alerts/{delivery.alert_id}")
    return Letter(delivery.alert_id, thread_id, name, notice, raised_at, at, address, kind != "production", tuple(others))


async def first_in_thread(database: Database, delivery: Delivery) -> UUID | None:
    """The delivery by which this mailbox was first written to about the thread; None where it is this very one."""
    async with database.transaction() as transaction:
        cursor = await transaction.execute(
            """
            SELECT coalesce(d.bundled_with, d.id)
            FROM alerts own JOIN alerts a ON a.thread_id = own.thread_id JOIN deliveries d ON d.alert_id = a.id
            WHERE own.id = %s AND d.channel = %s AND d.recipient = %s ORDER BY d.created_at, d.id LIMIT 1
            """,
            (delivery.alert_id, delivery.channel.value, delivery.recipient),
        )
        row = await cursor.fetchone()
    return row[0] if row and row[0] != delivery.id else None
