"""What is to go to authorities by MESH, until it is sent: answers to uploads, and notices. At least once, without end.

Whoever has something to say queues it in the transaction in which it happened; `mesh_mailbox.outbox` claims and sends.
Source: docs/facts.md, sections 2 and 4; docs/authority/hl7-v3-and-mesh.md; docs/adr/0034.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from domain.nhs_number import NhsNumber
from runtime.database import Connection, Transaction


class NoticeKind(StrEnum):
    """What is sent from here. The notice of an access is a delivery of its alert, and goes by the dispatcher."""

    UPLOAD_RESPONSE = "upload-response"
    INACTIVE_NHS_NUMBER = "inactive-nhs-number"
    EMPTY_NOTIFICATION = "empty-notification"


class Inactive(StrEnum):
    """Why an NHS number is to be used no longer. Which one replaced it is not told: the authority asks for it."""

    SUPERSEDED = "superseded"
    INVALIDATED = "invalidated"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message that is due. `mailbox` is None where the authority has none (any more).

    Of an answer: `extract_id` is what the upload was loaded as; `refusal_code` and `refusal` say why nothing of it was.
    """

    id: UUID
    authority_code: str
    kind: NoticeKind
    local_id: str
    detail: dict[str, Any]
    created_at: datetime
    attempts: int
    mailbox: str | None
    extract_id: UUID | None
    refusal_code: str
    refusal: str


@dataclass(frozen=True, slots=True)
class Queued:
    """One message as people read it."""

    authority_code: str
    kind: NoticeKind
    state: str
    created_at: datetime
    attempts: int
    problem: str
    sent_at: datetime | None
    mesh_message_id: str | None


async def queue_response(transaction: Transaction, authority_code: str, upload_id: UUID, mesh_message_id: str) -> None:
    """Answer an upload that came by MESH, once it is loaded or refused. The same message is answered once."""
    await transaction.execute(
        """
        INSERT INTO mesh_outbox (authority_code, kind, local_id, upload_id) VALUES (%s, 'upload-response', %s, %s)
        ON CONFLICT (local_id) DO NOTHING
        """,
        (authority_code, f"response-{mesh_message_id}", upload_id),
    )


async def queue_inactive_number_notice(
    transaction: Transaction, authority_code: str, person_id: UUID, nhs_number: NhsNumber, local_id: str, reason: Inactive
) -> None:
    """Tell an authority that a number it sent is inactive in PDS: once for a number and reason, and only where it has a mailbox.

    What the message is known by is made of the person's id, so that nobody can find the number by trying all of them.
    """
    detail = {"nhs_number": nhs_number, "local_id": local_id, "reason": reason.value}
    known_by = f"inactive-{uuid5(person_id, f'{authority_code} {nhs_number} {reason.value}')}"
    await _queue(transaction, authority_code, NoticeKind.INACTIVE_NHS_NUMBER, known_by, detail)


async def queue_empty_notification(transaction: Transaction, authority_code: str, day: date) -> None:
    """Tell an authority that there was no access to tell of on that day, so that silence is not mistaken for a broken line."""
    local_id = f"empty-{authority_code}-{day.isoformat()}"
    await _queue(transaction, authority_code, NoticeKind.EMPTY_NOTIFICATION, local_id, {"day": day.isoformat()})


async def _queue(transaction: Transaction, authority_code: str, kind: NoticeKind, local_id: str, detail: dict[str, str]) -> None:
    await transaction.execute(
        """
        INSERT INTO mesh_outbox (authority_code, kind, local_id, detail)
        SELECT code, %s, %s, %s::jsonb FROM authorities WHERE code = %s AND mesh_mailbox IS NOT NULL
        ON CONFLICT (local_id) DO NOTHING
        """,
        (kind.value, local_id, json.dumps(detail), authority_code),
    )


async def claim_message(transaction: Connection, lease: timedelta) -> Outgoing | None:
    """The message that has been due for longest; nobody else takes it within the lease. None where nothing is due."""
    cursor = await transaction.execute(
        """
        UPDATE mesh_outbox o SET attempts = o.attempts + 1, next_attempt_at = now() + %s
        FROM authorities t, (
            SELECT due.id, u.extract_id, coalesce(u.refusal_code, '') AS refusal_code, coalesce(u.refusal, '') AS refusal
            FROM mesh_outbox due LEFT JOIN uploads u ON u.id = due.upload_id
            WHERE due.state = 'waiting' AND due.next_attempt_at <= now()
              AND (due.kind <> 'upload-response' OR u.state IN ('loaded', 'refused'))
            ORDER BY due.next_attempt_at, due.id LIMIT 1 FOR UPDATE OF due SKIP LOCKED
        ) AS found
        WHERE o.id = found.id AND t.code = o.authority_code
        RETURNING o.id, o.authority_code, o.kind, o.local_id, o.detail, o.created_at, o.attempts, t.mesh_mailbox,
                  found.extract_id, found.refusal_code, found.refusal
        """,
        (lease,),
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    message_id, authority_code, kind, *rest = row
    return Outgoing(message_id, authority_code, NoticeKind(kind), *rest)


async def note_sent(transaction: Connection, outgoing: Outgoing, mesh_message_id: str) -> None:
    """It was handed to MESH, under this id. What it said of a person is kept no longer."""
    await transaction.execute(
        """
        UPDATE mesh_outbox SET state = 'sent', sent_at = now(), mesh_message_id = %s, problem = '', detail = '{}'
        WHERE id = %s AND state = 'waiting'
        """,
        (mesh_message_id, outgoing.id),
    )


async def note_failed(transaction: Connection, outgoing: Outgoing, problem: str, pause: timedelta) -> None:
    """It was not: it is due again after a pause. `problem` is a short code of ours."""
    await transaction.execute(
        "UPDATE mesh_outbox SET problem = %s, next_attempt_at = now() + %s WHERE id = %s AND state = 'waiting'",
        (problem, pause, outgoing.id),
    )


async def note_undelivered(transaction: Connection, mesh_message_id: str, problem: str) -> bool:
    """MESH reports that the authority never fetched it. Returns whether it was one of these."""
    cursor = await transaction.execute(
        "UPDATE mesh_outbox SET state = 'undelivered', problem = %s WHERE mesh_message_id = %s", (problem, mesh_message_id)
    )
    return cursor.rowcount > 0


async def read_outbox(transaction: Connection, authority_code: str | None = None, *, limit: int = 50) -> list[Queued]:
    """What waits, was sent or came back, newest first, of one authority or of all."""
    cursor = await transaction.execute(
        """
        SELECT authority_code, kind, state, created_at, attempts, problem, sent_at, mesh_message_id
        FROM mesh_outbox WHERE %(code)s::text IS NULL OR authority_code = %(code)s ORDER BY id DESC LIMIT %(limit)s
        """,
        {"code": authority_code, "limit": limit},
    )
    return [Queued(row[0], NoticeKind(row[1]), *row[2:]) for row in await cursor.fetchall()]


async def outbox_waiting(transaction: Connection) -> tuple[int, float]:
    """How many messages wait to be sent, and the age of the oldest in seconds; answers whose upload is not loaded wait for that."""
    cursor = await transaction.execute(
        """
        SELECT count(*)::int, coalesce(extract(epoch FROM now() - min(o.created_at)), 0)::float8
        FROM mesh_outbox o LEFT JOIN uploads u ON u.id = o.upload_id
        WHERE o.state = 'waiting' AND (o.kind <> 'upload-response' OR u.state IN ('loaded', 'refused'))
        """
    )
    row = await cursor.fetchone()
    assert row is not None
    return row[0], row[1]
