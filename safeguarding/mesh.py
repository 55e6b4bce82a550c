"""What MESH brings in and takes out: whose mailbox it is, what waits to be sent, and what the notice of an access says.

`mesh_mailbox` asks here; the bytes of an extract go through `safeguarding.extracts.uploads` like any other's.
Source: docs/facts.md, section 2 (the notification carries who, role, organisation and when, and nothing else); docs/adr/0034.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.actor import Actor, ActorKind
from flags_store.extracts.codes import FileCode
from flags_store.extracts.responses import read_response_parts, refused_response, summary_response
from flags_store.mesh_inbox import (
    Untaken,
    authority_of_mailbox,
    keep_due,
    note_gone,
    note_report,
    note_taken,
    note_untaken,
    read_untaken,
)  # fmt: skip
from flags_store.mesh_outbox import (
    Inactive,
    NoticeKind,
    Outgoing,
    Queued,
    claim_message,
    note_failed,
    note_sent,
    note_undelivered,
    outbox_waiting,
    queue_empty_notification,
    queue_inactive_number_notice,
    queue_response,
    read_outbox,
)  # fmt: skip
from runtime.database import Transaction

__all__ = [
    "AccessNotice", "Inactive", "NoticeKind", "Outgoing", "Queued", "Untaken", "authority_of_mailbox", "claim_message",
    "is_unreadable_file", "keep_due", "mailbox_actor", "note_failed", "note_gone", "note_report", "note_sent", "note_taken",
    "note_undelivered", "note_untaken", "outbox_waiting", "queue_empty_notification", "queue_inactive_number_notice",
    "queue_response", "read_access_notice", "read_outbox", "read_response_parts", "read_untaken", "refused_response",
    "summary_response",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class AccessNotice:
    """Who looked, as what, where and when; and whose record, by the authority's own numbers. No reason, and nothing clinical.

    `who` and `role` are empty where nobody looked: a flag that came late was found by this service itself.
    """

    alert_id: UUID
    authority_code: str
    nhs_number: str
    local_id: str
    who: str
    role: str
    organisation: str
    organisation_name: str
    at: datetime


def mailbox_actor(mailbox: str, authority_code: str) -> Actor:
    """Who brings what comes from a mailbox."""
    return Actor(ActorKind.SYSTEM, f"mesh:{mailbox}", f"MESH mailbox {mailbox}", authority_code)


def is_unreadable_file(code: str) -> bool:
    """Whether an upload was refused for what stands in it, and not for when it came."""
    return code in {each.value for each in FileCode}


async def read_access_notice(transaction: Transaction, delivery_id: UUID) -> AccessNotice:
    """What a delivery by MESH tells its authority. Raises LookupError where there is no such delivery."""
    cursor = await transaction.execute(
        """
        SELECT a.id, a.authority_code, p.nhs_number,
               coalesce((SELECT f.local_id FROM flags f WHERE f.person_id = p.id AND f.authority_code = a.authority_code
                           AND f.local_id <> '' ORDER BY f.start_date DESC LIMIT 1), ''),
               coalesce(x.actor_name, ''), coalesce(x.actor_role, ''), e.site, coalesce(s.name, ''),
               coalesce(x.occurred_at, a.raised_at)
        FROM deliveries d JOIN alerts a ON a.id = d.alert_id JOIN persons p ON p.id = a.person_id
        JOIN encounters e ON e.id = a.encounter_id LEFT JOIN sites s ON s.ods_code = e.site
        LEFT JOIN LATERAL (
            SELECT actor_name, actor_role, occurred_at FROM accesses
            WHERE person_id = a.person_id AND encounter_id = a.encounter_id AND in_history ORDER BY occurred_at LIMIT 1
        ) AS x ON true
        WHERE d.id = %s AND d.channel = 'mesh'
        """,
        (delivery_id,),
    )
    row = await cursor.fetchone()
    if row is None:
        raise LookupError("a delivery without an alert")
    return AccessNotice(*row)
