"""What was ever said of a number: which others lead to it or come of it, by whose word, from when until when.

`nightlight identity` shows it and ends links by hand; every look is audited. A sealed number has no history that anybody is shown,
and is in nobody else's. Source: docs/facts.md, section 3 ("aliases with history and direction"; "never linked, by nobody").
"""

from dataclasses import dataclass
from datetime import datetime

from domain.actor import Actor
from domain.nhs_number import NhsNumber
from runtime.audit import record_audit
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class Link:
    """`other` leads to what is held on `held`. `direction`: what `other` is to it (prior, successor, same). Times are UTC."""

    held: NhsNumber
    other: NhsNumber
    relation: str
    direction: str
    source: str
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """Of one number. `is_held`: an authority has sent a plan on it. Of a sealed one nothing else is told."""

    is_held: bool = False
    is_sealed: bool = False
    links: tuple[Link, ...] = ()


async def read_history(transaction: Connection, actor: Actor, number: NhsNumber) -> History:
    """Everything that was ever linked with the number, the oldest first. It is audited."""
    row = await (await transaction.execute("SELECT id, sealed_at FROM persons WHERE nhs_number = %s", (number,))).fetchone()
    subject = str(row[0]) if row else ""
    await record_audit(transaction, actor, "person.read-history", "person", subject, found=row is not None)
    if row and row[1]:
        return History(is_held=True, is_sealed=True)
    rows = await (await transaction.execute(_LINKS, {"number": number})).fetchall()
    return History(row is not None, links=tuple(Link(*each) for each in rows))


_LINKS = """
    SELECT p.nhs_number, a.value, a.relation, a.direction, a.source, a.recorded_at, a.ended_at
    FROM person_aliases a JOIN persons p ON p.id = a.person_id
    WHERE a.facility = '' AND (p.nhs_number = %(number)s OR a.value = %(number)s) AND p.sealed_at IS NULL
      AND NOT EXISTS (SELECT FROM persons s WHERE s.nhs_number = a.value AND s.sealed_at IS NOT NULL)
    ORDER BY a.recorded_at, a.id
"""


async def end_links(transaction: Connection, actor: Actor, one: NhsNumber, other: NhsNumber, reason: str) -> int:
    """End what links two numbers, whoever said it; it stays as history. `reason` is a person's. Returns how many links ended."""
    cursor = await transaction.execute(_END, {"one": one, "other": other})
    ended = await cursor.fetchall()
    for person_id, relation in ended:
        await record_audit(transaction, actor, "person.alias-ended", "person", str(person_id), relation=relation, reason=reason)
    return len(ended)


_END = """
    UPDATE person_aliases AS a SET ended_at = greatest(now(), a.recorded_at) FROM persons p
    WHERE p.id = a.person_id AND a.facility = '' AND a.ended_at IS NULL
      AND (p.nhs_number, a.value) IN ((%(one)s, %(other)s), (%(other)s, %(one)s))
    RETURNING a.person_id, a.relation
"""
