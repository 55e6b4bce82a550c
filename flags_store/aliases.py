"""Aliases: other numbers that lead to a person, with where they came from and when. None is ever overwritten.

A hospital's merge (HL7 A40) arrives here from `safeguarding`; looks follow what is written.
Source: docs/facts.md, section 3 ("aliases with history and direction").
"""

from datetime import datetime

from domain.actor import Actor
from domain.nhs_number import NhsNumber
from runtime.audit import record_audit
from runtime.database import Transaction


async def end_merge(
    transaction: Transaction, actor: Actor, one: NhsNumber, other: NhsNumber, source: str, event_at: datetime | None = None
) -> int:
    """A hospital takes back that two numbers are one patient, where it had said so itself. What it said stays as history.

    `event_at` is when it took that back, by its own clock: a link that it made later stands, and one that it made before, of which
    we hear only afterwards, is not made (`record_merge`). Returns how many aliases ended.
    """
    pair = {"one": one, "other": other, "source": source, "event_at": event_at}
    cursor = await transaction.execute(_END, pair)
    ended = await cursor.fetchall()
    await transaction.execute(_REMEMBER_END, pair)
    for (person_id,) in ended:
        await record_audit(transaction, actor, "person.alias-ended", "person", str(person_id), relation="merged")
    return len(ended)


_END = """
    UPDATE person_aliases AS a SET ended_at = now(), event_at = %(event_at)s
    FROM persons p
    WHERE p.id = a.person_id AND a.relation = 'merged' AND a.ended_at IS NULL AND a.source = %(source)s
      AND (p.nhs_number, a.value) IN ((%(one)s, %(other)s), (%(other)s, %(one)s))
      AND (a.event_at > %(event_at)s::timestamptz) IS NOT TRUE
    RETURNING a.person_id
"""
# What was never linked is kept as a link that has ended, so that the merge is known when it comes after all.
_REMEMBER_END = """
    INSERT INTO person_aliases (person_id, value, relation, direction, source, ended_at, event_at)
    SELECT p.id, n.value, 'merged', 'same', %(source)s, now(), %(event_at)s::timestamptz
    FROM persons p CROSS JOIN (VALUES (%(one)s), (%(other)s)) AS n (value)
    WHERE p.nhs_number IN (%(one)s, %(other)s) AND n.value <> p.nhs_number AND %(event_at)s::timestamptz IS NOT NULL
      AND NOT EXISTS (SELECT FROM person_aliases a WHERE a.person_id = p.id AND a.value = n.value AND a.facility = ''
                        AND (a.ended_at IS NULL OR (a.source = %(source)s AND a.event_at >= %(event_at)s::timestamptz)))
    ORDER BY p.id, n.value
"""


async def record_merge(
    transaction: Transaction, actor: Actor, prior: NhsNumber, surviving: NhsNumber, source: str, event_at: datetime | None = None
) -> int:
    """A hospital says that `prior` and `surviving` are one patient: each leads to whoever is held on the other,
    or was led to by it after an earlier merge.

    `event_at` is when it linked them, by its own clock: what it took back since is not linked again. Returns how many aliases there
    are now more; 0 also where nobody is held on either number, of whom nothing is kept, and where either is sealed.
    """
    pair = {"prior": prior, "surviving": surviving, "source": source, "event_at": event_at}
    cursor = await transaction.execute(_LINK, pair)
    linked = [person_id for person_id, is_new in await cursor.fetchall() if is_new]
    for person_id in linked:
        await record_audit(transaction, actor, "person.alias", "person", str(person_id), relation="merged")
    return len(linked)


_LINK = """
    INSERT INTO person_aliases AS a (person_id, value, relation, direction, source, event_at)
    SELECT p.id, n.value, 'merged', CASE n.value WHEN %(prior)s THEN 'prior' ELSE 'successor' END, %(source)s,
           %(event_at)s::timestamptz
    FROM persons p CROSS JOIN (VALUES (%(prior)s), (%(surviving)s)) AS n (value)
    WHERE n.value <> p.nhs_number AND %(prior)s <> %(surviving)s AND p.id IN (
        SELECT id FROM persons WHERE nhs_number IN (%(prior)s, %(surviving)s)
        UNION ALL
        SELECT person_id FROM person_aliases  -- of an earlier merge
        WHERE value IN (%(prior)s, %(surviving)s) AND facility = '' AND ended_at IS NULL
    )
      AND p.sealed_at IS NULL
      AND NOT EXISTS (SELECT FROM persons s WHERE s.nhs_number IN (%(prior)s, %(surviving)s) AND s.sealed_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM person_aliases taken_back
                      JOIN persons whose ON whose.id = taken_back.person_id
                      WHERE (whose.nhs_number, taken_back.value) IN ((%(prior)s, %(surviving)s), (%(surviving)s, %(prior)s))
                        AND taken_back.facility = '' AND taken_back.relation = 'merged' AND taken_back.ended_at IS NOT NULL
                        AND taken_back.source = %(source)s AND taken_back.event_at > %(event_at)s::timestamptz)
    ORDER BY p.id, n.value
    ON CONFLICT (value, facility, person_id) WHERE ended_at IS NULL DO UPDATE SET event_at = excluded.event_at
        WHERE a.source = excluded.source AND a.relation = 'merged' AND (a.event_at < excluded.event_at OR a.event_at IS NULL)
    RETURNING a.person_id, old.id IS NULL
"""
