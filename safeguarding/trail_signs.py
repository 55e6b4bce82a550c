"""What is unusual about looks: the same person looked at often, or without an encounter. Signs for a reviewer, never verdicts.

`api.access_review` shows them beside the rows of the trail. Source: docs/facts.md, section 6 (access is reviewed).
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from runtime.clock import now
from runtime.database import Transaction
from safeguarding.access_history import Access

OFTEN = 5
"""Looks of one actor at one person within `PERIOD` that are worth a question."""
PERIOD = timedelta(days=30)

_DELIBERATE = frozenset({TriggerEvent.LOOKUP, TriggerEvent.READ, TriggerEvent.BANNER, TriggerEvent.COMMAND})


async def signs_of(transaction: Transaction, looks: Sequence[Access]) -> dict[UUID, list[str]]:
    """In words, by the ids of those looks that have any. What a message did by itself is never a sign."""
    deliberate = [look for look in looks if look.trigger_event in _DELIBERATE]
    counts = await _counts(transaction, deliberate)
    signs: dict[UUID, list[str]] = {}
    for look in deliberate:
        count = counts.get((look.actor.id, look.actor.role, look.person_id), 0)
        often = [f"Looked at this person {count} times in {PERIOD.days} days"] * (count >= OFTEN)
        outside = ["No encounter at the time"] * is_outside(look)
        if often or outside:
            signs[look.id] = often + outside
    return signs


def is_outside(look: Access) -> bool:
    """Whether somebody in unscheduled care, or at the command line, looked while there was no encounter to look for."""
    by_hand = look.trigger_event == TriggerEvent.COMMAND
    return look.encounter_id is None and (by_hand or CareSetting(look.care_setting).is_unscheduled)


async def _counts(transaction: Transaction, looks: Sequence[Access]) -> dict[tuple[str, str, UUID | None], int]:
    persons = list({look.person_id for look in looks if look.person_id})
    rows = await transaction.execute(
        """
        SELECT actor_id, actor_role, person_id, count(*) FROM accesses
        WHERE person_id = ANY(%s::uuid[]) AND actor_id = ANY(%s::text[]) AND trigger_event = ANY(%s::text[]) AND occurred_at > %s
        GROUP BY actor_id, actor_role, person_id
        """,
        (persons, list({look.actor.id for look in looks}), sorted(_DELIBERATE), now() - PERIOD),
    )
    return {(actor, role, person): count for actor, role, person, count in await rows.fetchall()}
