"""What an operator sees of alerts: states and counts, never a patient. `nightlight alerts` and the demo call it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.rows import class_row

from domain.errors import NotFound
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery, without its recipient's words."""

    alert_id: UUID
    notice: str
    channel: str
    recipient: str
    state: str
    attempts: int


@dataclass(frozen=True, slots=True)
class AlertSummary:
    """One alert as an operator sees it: no patient."""

    id: UUID
    authority_code: str
    state: str
    reason: str
    raised_at: datetime
    site: str
    encounter_id: UUID
    encounter_reference: str
    encounter_state: str
    acknowledged_by: str | None
    answer: str | None


async def alerts_for_operator(
    transaction: Connection, authority_code: str | None, limit: int = 100
) -> list[tuple[AlertSummary, list[DeliveryRow]]]:
    """The newest alerts of one authority or of all, each with its deliveries. Raises NotFound for an unknown authority."""
    known = await transaction.execute(
        "SELECT %s::text IS NULL OR EXISTS (SELECT FROM authorities WHERE code = %s)", (authority_code,) * 2
    )
    if await known.fetchone() == (False,):
        raise NotFound(f"there is no authority {authority_code}")
    cursor = transaction.cursor(row_factory=class_row(AlertSummary))
    await cursor.execute(
        """
        SELECT a.id, a.authority_code, a.state, a.reason, a.raised_at, e.site, a.encounter_id, e.reference AS encounter_reference,
               e.state AS encounter_state, a.acknowledged_by, a.answer
        FROM alerts a JOIN encounters e ON e.id = a.encounter_id
        WHERE %(code)s::text IS NULL OR a.authority_code = %(code)s
        ORDER BY a.raised_at DESC LIMIT %(limit)s
        """,
        {"code": authority_code, "limit": limit},
    )
    alerts = await cursor.fetchall()
    lines = transaction.cursor(row_factory=class_row(DeliveryRow))
    await lines.execute(
        """
        SELECT alert_id, notice, channel, recipient, state, attempts FROM deliveries
        WHERE alert_id = ANY(%s) ORDER BY created_at, channel
        """,
        ([alert.id for alert in alerts],),
    )
    deliveries = await lines.fetchall()
    return [(alert, [line for line in deliveries if line.alert_id == alert.id]) for alert in alerts]
