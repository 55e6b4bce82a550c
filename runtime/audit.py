"""The audit trail of what people and systems change. (Looks have a table of their own, `flags_store.looks`.)

Every use case that writes calls `record_audit` in its own transaction: no change without its row.
Source: FHIR AuditEvent; DCB0129 hazard log H-10.
"""

from psycopg.types.json import Jsonb

from domain.actor import Actor
from runtime.database import Transaction


async def record_audit(
    transaction: Transaction,
    actor: Actor,
    action: str,
    subject_type: str,
    subject_id: str,
    **detail: str | int | bool | None,
) -> None:
    """Write one audit event. `detail` holds codes and counts, never a name or a number of a patient."""
    await transaction.execute(
        """
        INSERT INTO audit_events
            (actor_kind, actor_id, actor_name, actor_role, organisation, action, subject_type, subject_id, detail)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            actor.kind,
            actor.id,
            actor.name,
            actor.role,
            actor.organisation,
            action,
            subject_type,
            subject_id,
            Jsonb(detail),
        ),
    )
