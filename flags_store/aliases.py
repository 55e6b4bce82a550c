"""Aliases: other numbers that lead to a person, with where they came from and when. None is ever overwritten.

A hospital's merge (HL7 A40) arrives here from `safeguarding`; looks follow what is written.
Source: docs/facts.md, section 3 ("aliases with history and direction").
"""

from domain.actor import Actor
from domain.nhs_number import NhsNumber
from runtime.audit import record_audit
from runtime.database import Transaction


async def record_merge(transaction: Transaction, actor: Actor, prior: NhsNumber, surviving: NhsNumber, source: str) -> int:
    """A hospital says that `prior` and `surviving` are one patient: each leads to whoever is held on the other.

    Returns how many persons got an alias; 0 where nobody is held on either number, of whom nothing is kept.
    """
    cursor = await transaction.execute(
        """
        INSERT INTO person_aliases (person_id, value, relation, direction, source)
        SELECT p.id, CASE p.nhs_number WHEN %(prior)s THEN %(surviving)s ELSE %(prior)s END, 'merged',
               CASE p.nhs_number WHEN %(prior)s THEN 'successor' ELSE 'prior' END, %(source)s
        FROM persons p WHERE p.nhs_number IN (%(prior)s, %(surviving)s) AND %(prior)s <> %(surviving)s
        ORDER BY p.id
        ON CONFLICT DO NOTHING
        RETURNING person_id
        """,
        {"prior": prior, "surviving": surviving, "source": source},
    )
    linked = await cursor.fetchall()
    for (person_id,) in linked:
        await record_audit(transaction, actor, "person.alias", "person", str(person_id), relation="merged")
    return len(linked)
