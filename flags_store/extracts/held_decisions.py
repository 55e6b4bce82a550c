"""What a second person decides about what waits, written down: release, refuse, confirm, take back.

`safeguarding.extracts.held` calls it. A released record is applied by the pipeline; `held.settle_waiting` then says so.
Source: docs/facts.md, section 4 ("shrink guard"); docs/adr/0032.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString
from uuid import UUID

from domain.actor import ActorKind
from domain.errors import Conflict, NotFound
from flags_store.extracts.held import extras_from
from flags_store.extracts.held_views import Sender
from flags_store.extracts.record import Extras
from runtime.database import Transaction

Row = tuple[tuple[str, ...], Extras]


@dataclass(frozen=True, slots=True)
class Begun:
    """What is being decided together: who sent it, as of when it holds, and the records."""

    sender: Sender
    extracted_at: datetime
    ids: list[UUID]
    rows: list[Row]


async def begin_release(transaction: Transaction, authority_code: str, extract_id: UUID) -> Begun:
    """All that waits of one extract, marked as being released by a second person; nobody else can decide on it meanwhile.

    Raises NotFound where nothing waits, Conflict where somebody else is releasing it just now. A release that died is begun anew
    after five minutes.
    """
    cursor = await transaction.execute(_BEGIN, (authority_code, extract_id))
    found = await cursor.fetchall()
    if not found:
        raise NotFound("nothing of this extract is held")
    if any(is_busy for *_, is_busy in found):
        raise Conflict("somebody else is releasing these changes just now")
    kind, who, name, extracted_at = found[0][:4]
    ids = [row[4] for row in found]
    await transaction.execute("UPDATE held_changes SET release_began = now() WHERE id = ANY(%s::uuid[])", (ids,))
    rows = [(tuple(row[5]), extras_from(row[6])) for row in found]
    return Begun(Sender(ActorKind(kind), who, name), extracted_at, ids, rows)


_BEGIN: LiteralString = """
    SELECT h.sender_kind, h.sender_id, h.sender_name, e.extracted_at, h.id, h.fields, h.extras,
           coalesce(h.release_began > now() - interval '5 minutes', false)
    FROM held_changes h JOIN extracts e ON e.id = h.extract_id JOIN persons p ON p.id = h.person_id
    WHERE h.authority_code = %s AND h.extract_id = %s AND h.decision IS NULL AND p.sealed_at IS NULL
    ORDER BY h.id FOR NO KEY UPDATE OF h
"""


async def check_releasing(transaction: Transaction, ids: Sequence[UUID]) -> None:
    """Call it when no other load of the authority can run. Raises Conflict where one has brought news of these meanwhile."""
    cursor = await transaction.execute(
        "SELECT id FROM held_changes WHERE id = ANY(%s::uuid[]) AND decision IS NULL AND release_began IS NOT NULL", (list(ids),)
    )
    if len(await cursor.fetchall()) < len(ids):
        raise Conflict("a newer extract has brought news of some of these plans: look again at what still waits")


async def end_release(transaction: Transaction, ids: Sequence[UUID], decided_by: str) -> int:
    """The release has been applied: what still waits of it could not be. How many records that are."""
    cursor = await transaction.execute(
        """
        UPDATE held_changes
        SET decision = 'rejected', decided_at = now(), decided_by = %s, fields = NULL, extras = '{}',
            reason = 'it did not fit what is held any more'
        WHERE id = ANY(%s::uuid[]) AND decision IS NULL RETURNING id
        """,
        (decided_by, list(ids)),
    )
    return len(await cursor.fetchall())


async def give_release_up(transaction: Transaction, ids: Sequence[UUID]) -> None:
    """The release could not be applied, and nothing of it was: it all waits as before."""
    await transaction.execute(
        "UPDATE held_changes SET release_began = NULL WHERE id = ANY(%s::uuid[]) AND decision IS NULL", (list(ids),)
    )


async def refuse_held(transaction: Transaction, ids: Sequence[UUID], decided_by: str, reason: str) -> None:
    """These are never applied. Call it in the transaction of `begin_release`."""
    await transaction.execute(
        """
        UPDATE held_changes
        SET decision = 'refused', decided_at = now(), decided_by = %s, reason = %s, fields = NULL, extras = '{}',
            release_began = NULL
        WHERE id = ANY(%s::uuid[])
        """,
        (decided_by, reason, list(ids)),
    )


async def lock_surge(transaction: Transaction, authority_code: str, extract_id: UUID) -> Sender:
    """Who sent the surge that waits. Raises NotFound where none does."""
    cursor = await transaction.execute(
        """
        SELECT sender_kind, sender_id, sender_name FROM surges
        WHERE authority_code = %s AND extract_id = %s AND decision IS NULL FOR NO KEY UPDATE
        """,
        (authority_code, extract_id),
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("no surge of this extract waits for anybody")
    return Sender(ActorKind(row[0]), row[1], row[2])


async def rows_to_take_back(transaction: Transaction, extract_id: UUID, today: date) -> list[Row]:
    """The plans that the surge opened and that still stand, as records that say: recorded in error, today."""
    cursor = await transaction.execute(_TAKE_BACK, (today, extract_id))
    return [(tuple(columns), Extras(plan_id=plan_id)) for *columns, plan_id in await cursor.fetchall()]


_TAKE_BACK: LiteralString = """
    SELECT p.nhs_number, f.kind, f.start_date::text, coalesce(f.end_date::text, ''), %s::date::text,
           coalesce(f.expected_delivery_date::text, ''), p.given_name, p.family_name, coalesce(p.birth_date::text, ''), f.local_id,
           f.plan_id
    FROM surge_openings o JOIN flags f ON f.id = o.flag_id JOIN persons p ON p.id = f.person_id
    WHERE o.extract_id = %s AND f.deleted_on IS NULL AND f.withdrawn_at IS NULL
    ORDER BY p.nhs_number, f.kind, f.start_date
"""


async def decide_surge(transaction: Transaction, extract_id: UUID, decision: str, decided_by: str, reason: str) -> None:
    """`decision`: confirmed or taken-back."""
    await transaction.execute(
        """
        UPDATE surges SET decision = %s, decided_at = now(), decided_by = %s, reason = %s
        WHERE extract_id = %s AND decision IS NULL
        """,
        (decision, decided_by, reason, extract_id),
    )
