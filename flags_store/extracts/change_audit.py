"""The audit trail of an extract: one event for each flag and person that it changed, written in sets.

`intake_flags` and `intake_persons` call it in the transaction of the change. Source: FHIR AuditEvent; `runtime.audit`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from flags_store.extracts.loads import Load
from runtime.database import Transaction


@dataclass(frozen=True, slots=True)
class Changed:
    """One change: what was done to which thing. `detail` holds codes and counts, never a name or a number of a patient."""

    action: str
    subject_type: str
    subject_id: UUID
    detail: Mapping[str, bool | str] = field(default_factory=dict)


async def record_changes(transaction: Transaction, load: Load, changes: Sequence[Changed]) -> None:
    """Write one audit event for each change, each naming its extract."""
    if not changes:
        return
    actor = load.actor
    rows = [
        (each.action, each.subject_type, str(each.subject_id), json.dumps({"extract": str(load.extract_id), **each.detail}))
        for each in changes
    ]
    await transaction.execute(
        """
        INSERT INTO audit_events (actor_kind, actor_id, actor_name, actor_role, organisation,
                                  action, subject_type, subject_id, detail)
        SELECT %s, %s, %s, %s, %s, action, subject_type, subject_id, detail::jsonb
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS came (action, subject_type, subject_id, detail)
        """,
        (
            actor.kind, actor.id, actor.name, actor.role, actor.organisation,
            *(list(column) for column in zip(*rows, strict=True)),
        ),
    )  # fmt: skip
