"""Aliases: other numbers that lead to a person, with where they came from and when. None is ever overwritten.

A hospital's merge (HL7 A40) arrives here from `safeguarding`; looks follow what is written.
Source: docs/facts.md, section 3 ("aliases with history and direction").
"""

from domain.actor import Actor
from domain.nhs_number import NhsNumber
from runtime.audit import record_audit
from runtime.database import Transaction


async def end_merge(transaction: Transaction, actor: Actor, one: NhsNumber, other: NhsNumber, source: str) -> int:
    """A hospital takes back that two numbers are one patient, where it had said so itself. What it said stays as history.

    Returns how many aliases ended.
    """
    cursor = await transaction.execute(
        """
        UPDATE person_aliases AS a SET ended_at = now()
        FROM persons p
        WHERE p.id = a.person_id AND a.relation = 'merged' AND a.ended_at IS NULL AND a.source = %(source)s
          AND (p.nhs_number, a.value) IN ((%(one)s, %(other)s), (%(other)s, %(one)s))
        RETURNING a.person_id
        """,
        {"one": one, "other": other, "source": source},
    )
    ended = await cursor.fetchall()
    for (person_id,) in ended:
        await record_audit(transaction, actor, "person.alias-ended", "person", str(person_id), relation="merged")
    return len(ended)


async def record_merge(transaction: Transaction, actor: Actor, prior: NhsNumber, surviving: NhsNumber, source: str) -> int:
    """A hospital says that `prior` and `surviving` are one patient: each leads to whoever is held on the other,
    or was led to by it after an earlier merge.

    Returns how many aliases there are now more; 0 where nobody is held on either number, of whom nothing is kept.
    """
    cursor = await transaction.execute(
        """
        INSERT INTO person_aliases (person_id, value, relation, direction, source)
        SELECT p.id, n.value, 'merged', CASE n.value WHEN %(prior)s THEN 'prior' ELSE 'successor' END, %(source)s
        FROM persons p CROSS JOIN (VALUES (%(prior)s), (%(surviving)s)) AS n (value)
        WHERE n.value <> p.nhs_number AND %(prior)s <> %(surviving)s AND p.id IN (
            SELECT id FROM persons WHERE nhs_number IN (%(prior)s, %(surviving)s)
            UNION ALL
            SELECT person_id FROM person_aliases  -- of an earlier merge
            WHERE value IN (%(prior)s, %(surviving)s) AND facility = '' AND ended_at IS NULL
        )
        ORDER BY p.id, n.value
        ON CONFLICT DO NOTHING
        RETURNING person_id
        """,
        {"prior": prior, "surviving": surviving, "source": source},
    )
    linked = await cursor.fetchall()
    for (person_id,) in linked:
        await record_audit(transaction, actor, "person.alias", "person", str(person_id), relation="merged")
    return len(linked)
