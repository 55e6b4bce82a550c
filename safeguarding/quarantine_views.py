"""What is in quarantine: the list, which shows no patient, and one message, which does and is audited.

`api.quarantine` and `nightlight hl7 quarantine` call it. Source: docs/hl7.md, "Quarantine".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from psycopg.rows import class_row

from domain.actor import Actor
from domain.errors import NotFound, NotSpeakingFor
from runtime.audit import record_audit
from runtime.database import Connection
from safeguarding.directory import Directory
from safeguarding.views import MOST_ROWS


class QuarantineState(StrEnum):
    """Held until a person has decided."""

    HELD = "held"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One message that could not be taken, without its content. `site` is the site that MSH-4 names, if we know it."""

    id: UUID
    received_at: datetime
    peer: str
    certificate: str | None
    sending_facility: str
    control_id: str
    reason: str
    error_code: str
    size: int
    state: str
    last_tried_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    decision_reason: str
    site: str | None
    site_name: str | None
    organisation: str | None

    @property
    def is_held(self) -> bool:
        """Whether nobody has decided yet."""
        return self.state == QuarantineState.HELD


@dataclass(frozen=True, slots=True)
class QuarantineList:
    """Rows, `MOST_ROWS` at most. `unproven`: left out, since their sender may not speak for the site that they name."""

    rows: tuple[QuarantineRow, ...]
    is_full: bool
    unproven: int = 0


_ROWS = """
    SELECT q.id, q.received_at, q.peer, q.certificate, q.sending_facility, q.control_id, q.reason, q.error_code,
           octet_length(q.raw) AS size, q.state, q.last_tried_at, q.decided_at, q.decided_by, q.decision_reason,
           s.ods_code AS site, s.name AS site_name, s.organisation_code AS organisation
    FROM quarantine q
    LEFT JOIN sites s ON s.ods_code = upper(trim(coalesce(
        nullif(split_part(q.sending_facility, '^', 1), ''), split_part(q.sending_facility, '^', 2))))
"""
_OLDEST_FIRST, _NEWEST_FIRST = "ORDER BY q.received_at, q.id", "ORDER BY q.received_at DESC, q.id DESC"


async def list_quarantine(
    transaction: Connection,
    state: QuarantineState = QuarantineState.HELD,
    site: str | None = None,
    *,
    newest_first: bool = False,
    limit: int = MOST_ROWS,
) -> QuarantineList:
    """Everybody's messages, for an operator. `site` is a sending facility as in MSH-4, known to us or not."""
    return await _list(
        transaction,
        "WHERE q.state = %s AND (%s::text IS NULL OR s.ods_code = upper(%s) OR upper(q.sending_facility) = upper(%s))",
        (state.value, site, site, site),
        newest_first=newest_first,
        limit=limit,
    )


async def quarantine_of_organisation(
    transaction: Connection,
    directory: Directory,
    organisation: str,
    state: QuarantineState = QuarantineState.HELD,
    *,
    site: str | None = None,
    newest_first: bool = False,
    limit: int = MOST_ROWS,
) -> QuarantineList:
    """The messages of the organisation's sites that came from systems which may speak for them; the others are counted.

    Of one `site` alone (an ODS code) where it is named.
    """
    found = await _list(
        transaction,
        "WHERE q.state = %s AND s.organisation_code = %s AND (%s::text IS NULL OR s.ods_code = %s)",
        (state.value, organisation, site, site),
        newest_first=newest_first,
        limit=limit,
    )
    rows = tuple(row for row in found.rows if is_proven(directory, row))
    return QuarantineList(rows, found.is_full, len(found.rows) - len(rows))


async def find_quarantined(transaction: Connection, message_id: UUID) -> QuarantineRow:
    """One message without its content. Raises NotFound."""
    cursor = transaction.cursor(row_factory=class_row(QuarantineRow))
    await cursor.execute(_ROWS.encode() + b"WHERE q.id = %s", (message_id,))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound(f"there is no message {message_id} in quarantine")
    return row


async def quarantined_of_organisation(
    transaction: Connection, directory: Directory, organisation: str, message_id: UUID
) -> QuarantineRow:
    """One message of the organisation, without its content. Raises NotFound where it is not there or not theirs."""
    row = await find_quarantined(transaction, message_id)
    if row.organisation != organisation or not is_proven(directory, row):
        raise NotFound("there is no such message")
    return row


async def open_quarantined(transaction: Connection, actor: Actor, row: QuarantineRow) -> bytes:
    """The message as it was received, with everything about the patient; opening it is audited."""
    cursor = await transaction.execute("SELECT raw FROM quarantine WHERE id = %s", (row.id,))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no such message")
    await record_audit(transaction, actor, "quarantine.view", "quarantine", str(row.id), site=row.site, state=row.state)
    return bytes(found[0])


async def oldest_held(transaction: Connection) -> datetime | None:
    """When the oldest message that nobody has decided about was received."""
    row = await (await transaction.execute("SELECT min(received_at) FROM quarantine WHERE state = 'held'")).fetchone()
    return row[0] if row else None


def is_proven(directory: Directory, row: QuarantineRow) -> bool:
    """Whether the sender may speak for the site that the message names: anybody can write anything into MSH-4."""
    try:
        directory.site_for(directory.peer_of(row.peer, row.certificate), row.site or "")
    except (NotSpeakingFor, ValueError):
        return False
    return True


async def _list(
    transaction: Connection, where: str, parameters: Sequence[object], *, newest_first: bool, limit: int
) -> QuarantineList:
    cursor = transaction.cursor(row_factory=class_row(QuarantineRow))
    order = _NEWEST_FIRST if newest_first else _OLDEST_FIRST
    await cursor.execute(f"{_ROWS} {where} {order} LIMIT %s".encode(), (*parameters, limit + 1))
    rows = await cursor.fetchall()
    return QuarantineList(tuple(rows[:limit]), len(rows) > limit)
