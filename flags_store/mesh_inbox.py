"""What lies in the MESH mailbox and was not taken in: kept in sight until it is, and tried again with growing pauses.

`mesh_mailbox.inbox` writes here what it could not take; an operator sees it, and mends the sender or the workflow.
Source: docs/authority/hl7-v3-and-mesh.md ("Nothing is acknowledged away"); docs/adr/0034.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from runtime.database import Connection

LONGEST_PAUSE = "15 minutes"


@dataclass(frozen=True, slots=True)
class Untaken:
    """A message that was not taken in; `reason` is a short code of ours."""

    message_id: str
    sender: str
    workflow_id: str
    state: str
    reason: str
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int


async def authority_of_mailbox(transaction: Connection, mailbox: str) -> str | None:
    """Whose mailbox it is."""
    cursor = await transaction.execute("SELECT code FROM authorities WHERE mesh_mailbox = %s", (mailbox,))
    row = await cursor.fetchone()
    return None if row is None else str(row[0])


async def keep_due(transaction: Connection, message_ids: Sequence[str]) -> list[str]:
    """Of these, the ones to try now: new, or due again. What is settled here already is only to be acknowledged, and is due."""
    cursor = await transaction.execute(
        """
        SELECT came.id FROM unnest(%s::text[]) WITH ORDINALITY AS came (id, place) LEFT JOIN mesh_inbox m ON m.message_id = came.id
        WHERE m.message_id IS NULL OR m.state <> 'waiting' OR m.next_attempt_at <= now()
        ORDER BY m.attempts NULLS FIRST, came.place
        """,
        (list(message_ids),),
    )
    return [row[0] for row in await cursor.fetchall()]


async def note_untaken(transaction: Connection, message_id: str, sender: str, workflow_id: str, reason: str) -> bool:
    """It could not be taken in: due again later, each time after a longer pause. Returns whether that is new."""
    cursor = await transaction.execute(
        f"""
        INSERT INTO mesh_inbox AS known (message_id, sender, workflow_id, state, reason, next_attempt_at)
        VALUES (%s, %s, %s, 'waiting', %s, now() + interval '5 seconds')
        ON CONFLICT (message_id) DO UPDATE
        SET sender = excluded.sender, workflow_id = excluded.workflow_id, state = 'waiting', reason = excluded.reason,
            last_seen_at = now(), attempts = known.attempts + 1, settled_at = NULL,
            next_attempt_at = now() + least(interval '{LONGEST_PAUSE}', interval '5 seconds' * 2 ^ least(known.attempts, 12))
        RETURNING attempts
        """,  # noqa: S608 (a constant of our own)
        (message_id, sender[:40], workflow_id[:80], reason),
    )
    row = await cursor.fetchone()
    return row is not None and row[0] == 1


async def note_taken(transaction: Connection, message_id: str) -> None:
    """It was taken in after all."""
    await transaction.execute(
        "UPDATE mesh_inbox SET state = 'taken', settled_at = now() WHERE message_id = %s AND state = 'waiting'", (message_id,)
    )


async def note_report(transaction: Connection, message_id: str, workflow_id: str, reason: str) -> None:
    """MESH reports of something that we sent: kept here, so that it can be acknowledged."""
    await transaction.execute(
        """
        INSERT INTO mesh_inbox (message_id, workflow_id, state, reason, settled_at) VALUES (%s, %s, 'report', %s, now())
        ON CONFLICT (message_id) DO UPDATE SET state = 'report', reason = excluded.reason, settled_at = now()
        """,
        (message_id, workflow_id[:80], reason),
    )


async def note_gone(transaction: Connection, still_there: Collection[str]) -> int:
    """What waited and lies no more in the mailbox was never taken in: MESH gives a message up after some days."""
    cursor = await transaction.execute(
        "UPDATE mesh_inbox SET state = 'gone', settled_at = now() WHERE state = 'waiting' AND message_id <> ALL(%s)",
        (list(still_there),),
    )
    return cursor.rowcount


async def read_untaken(transaction: Connection) -> list[Untaken]:
    """What waits for somebody to mend it, and what was lost by waiting too long, oldest first."""
    cursor = await transaction.execute(
        """
        SELECT message_id, sender, workflow_id, state, reason, first_seen_at, last_seen_at, attempts
        FROM mesh_inbox WHERE state IN ('waiting', 'gone') ORDER BY first_seen_at
        """
    )
    return [Untaken(*row) for row in await cursor.fetchall()]
