"""Identity over time: a number that was superseded leads to its successor, and an adopted child's old record is sealed.

The load of an extract and `nightlight.processes.matching` call it, each in its own transaction; looks follow what is written.
Source: docs/facts.md, section 3 ("Numbers change", "Adoption"); docs/adr/0035.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from domain.actor import Actor
from domain.nhs_number import NhsNumber
from flags_store.extracts.flags_version import flags_changed
from flags_store.sweep_calls import call_for_sweep
from runtime.audit import record_audit
from runtime.database import Connection

SealReason = Literal["invalidated", "adopted"]


async def record_successor(
    transaction: Connection, actor: Actor, prior: NhsNumber, successor: NhsNumber, source: str, at: datetime
) -> int:
    """PDS says that `successor` has taken the place of `prior`: each leads to whoever is held on the other.

    `at` is when PDS said so. The sweep is called for, so that who is in a department with the other number is told of. Returns how
    many aliases are there that were not there before: 0 where nobody is held on either, and where either is sealed.
    """
    pair = {"prior": prior, "successor": successor, "source": source, "at": at}
    cursor = await transaction.execute(_LINK, pair, prepare=False)
    linked = [person_id for (person_id,) in await cursor.fetchall()]
    for person_id in linked:
        await record_audit(transaction, actor, "person.alias", "person", str(person_id), relation="superseded", source=source)
    if linked:
        await call_for_sweep(transaction, (prior, successor))
    return len(linked)


# What a hospital linked before is said by the register now: its link ends, and the register's own takes its place.
_LINK = """
    WITH wanted AS MATERIALIZED (
        SELECT p.id AS person_id, n.value, n.direction
        FROM persons p
        CROSS JOIN (VALUES (%(prior)s, 'prior'), (%(successor)s, 'successor')) AS n (value, direction)
        WHERE p.id IN (
            SELECT id FROM persons WHERE nhs_number IN (%(prior)s, %(successor)s)
            UNION ALL
            SELECT person_id FROM person_aliases  -- of an earlier change
            WHERE value IN (%(prior)s, %(successor)s) AND facility = '' AND relation = 'superseded' AND ended_at IS NULL
        )
          AND n.value <> p.nhs_number AND %(prior)s <> %(successor)s AND p.sealed_at IS NULL
          AND NOT EXISTS (SELECT FROM persons s WHERE s.nhs_number IN (%(prior)s, %(successor)s) AND s.sealed_at IS NOT NULL)
        ORDER BY p.id, n.value
    ), replaced AS (
        UPDATE person_aliases AS a SET ended_at = greatest(now(), a.recorded_at)
        FROM wanted
        WHERE a.person_id = wanted.person_id AND a.value = wanted.value AND a.facility = '' AND a.ended_at IS NULL
          AND a.relation <> 'superseded'
        RETURNING a.person_id, a.value
    )
    INSERT INTO person_aliases (person_id, value, relation, direction, source, event_at)
    SELECT person_id, value, 'superseded', direction, %(source)s, %(at)s::timestamptz FROM wanted
    WHERE NOT EXISTS (SELECT FROM person_aliases a
                      WHERE a.person_id = wanted.person_id AND a.value = wanted.value AND a.facility = '' AND a.ended_at IS NULL
                        AND a.relation = 'superseded')
      AND (SELECT count(*) FROM replaced) >= 0
    RETURNING person_id
"""


async def seal_person(
    transaction: Connection, actor: Actor, number: NhsNumber, reason: SealReason, at: datetime, *, why: str | None = None
) -> bool:
    """Seal the record of a number at once: its flags are withdrawn, and nothing leads to it or from it any more, for good.

    A number that nobody is held on is sealed too, by itself and without a name, so that nobody can link it later. Also sealed is
    whoever is held on an older number of which this one is the successor. `why` is a person's, for the audit trail. Returns False
    where all of it was sealed already.
    """
    cursor = await transaction.execute(_SEAL, {"number": number, "reason": reason, "at": at}, prepare=False)
    sealed: list[UUID] = [person_id for (person_id,) in await cursor.fetchall()]
    if not sealed:
        return False
    numbers = [row[0] for row in await (await transaction.execute(_NUMBERS, (sealed,))).fetchall()]
    await transaction.execute(_END_ALIASES, {"persons": sealed, "numbers": numbers})
    await transaction.execute(_END_NEWBORN_LINKS, {"numbers": numbers, "by": actor.name})
    withdrawn = await (await transaction.execute(_WITHDRAW, (at, sealed))).fetchall()
    for person_id in sealed:
        await record_audit(
            transaction, actor, "person.seal", "person", str(person_id), reason=reason, **({"why": why} if why else {})
        )
    for (flag_id,) in withdrawn:
        await record_audit(transaction, actor, "flag.withdraw", "flag", str(flag_id), reason=reason)
    return True


_SEAL = """
    WITH concerned AS MATERIALIZED (
        SELECT id FROM persons WHERE nhs_number = %(number)s
        UNION
        SELECT person_id FROM person_aliases
        WHERE value = %(number)s AND facility = '' AND relation = 'superseded' AND direction = 'successor' AND ended_at IS NULL
    ), held AS (
        UPDATE persons SET sealed_at = %(at)s, sealed_reason = %(reason)s
        WHERE id IN (SELECT id FROM concerned) AND sealed_at IS NULL
        RETURNING id
    ), unheld AS (
        INSERT INTO persons (nhs_number, sealed_at, sealed_reason) VALUES (%(number)s, %(at)s, %(reason)s)
        ON CONFLICT (nhs_number) DO NOTHING
        RETURNING id
    )
    SELECT id FROM held UNION ALL SELECT id FROM unheld ORDER BY id
"""
_NUMBERS = "SELECT nhs_number FROM persons WHERE id = ANY(%s::uuid[]) ORDER BY 1"
_END_ALIASES = """
    UPDATE person_aliases AS a SET ended_at = greatest(now(), a.recorded_at)
    WHERE a.ended_at IS NULL
      AND (a.person_id = ANY(%(persons)s::uuid[]) OR (a.facility = '' AND a.value = ANY(%(numbers)s::text[])))
"""
# Local numbers of the baby go too, unless another baby (a twin) is linked to the same plan: whose they are is not known then.
_END_NEWBORN_LINKS = """
    UPDATE newborn_links AS l SET resolved_at = now(), resolved_by = %(by)s, resolution = 'sealed'
    WHERE l.resolved_at IS NULL AND (
        (l.facility = '' AND l.value = ANY(%(numbers)s::text[]))
        OR l.facility <> '' AND EXISTS (SELECT FROM newborn_links own WHERE own.flag_id = l.flag_id AND own.facility = ''
                                          AND own.value = ANY(%(numbers)s::text[]))
           AND NOT EXISTS (SELECT FROM newborn_links twin WHERE twin.flag_id = l.flag_id AND twin.facility = ''
                             AND twin.value <> ALL(%(numbers)s::text[]) AND twin.resolved_at IS NULL)
    )
"""
_WITHDRAW = """
    UPDATE flags SET withdrawn_at = %s WHERE person_id = ANY(%s::uuid[]) AND withdrawn_at IS NULL RETURNING id
"""


async def withdraw_late(transaction: Connection, actor: Actor) -> int:
    """Withdraw what was opened on a sealed number by a load that did not know of the seal yet; how many flags that were."""
    cursor = await transaction.execute(_WITHDRAW_LATE)
    withdrawn = await cursor.fetchall()
    for (flag_id,) in withdrawn:
        await record_audit(transaction, actor, "flag.withdraw", "flag", str(flag_id), reason="sealed before")
    return len(withdrawn)


_WITHDRAW_LATE = """
    UPDATE flags AS f SET withdrawn_at = now() FROM persons p
    WHERE p.sealed_at IS NOT NULL AND f.person_id = p.id AND f.withdrawn_at IS NULL
    RETURNING f.id
"""


async def read_sealed(transaction: Connection, numbers: Sequence[NhsNumber]) -> set[NhsNumber]:
    """Those of these numbers that are sealed: nothing is opened on them any more."""
    cursor = await transaction.execute(
        "SELECT nhs_number FROM persons WHERE nhs_number = ANY(%s::text[]) AND sealed_at IS NOT NULL",
        (list(numbers),),
        prepare=False,
    )
    return {number for (number,) in await cursor.fetchall()}


async def is_any_sealed(transaction: Connection, *numbers: NhsNumber) -> bool:
    """Whether one of these numbers is sealed."""
    return bool(await read_sealed(transaction, numbers))


async def unseal_person(transaction: Connection, actor: Actor, number: NhsNumber, reason: str) -> bool:
    """A record was sealed by mistake: its flags are shown again. What was linked to it before stays unlinked.

    `reason` is a person's, for the audit trail. False where nothing is sealed.
    """
    cursor = await transaction.execute(
        "UPDATE persons SET sealed_at = NULL, sealed_reason = NULL WHERE nhs_number = %s AND sealed_at IS NOT NULL RETURNING id",
        (number,),
    )
    row = await cursor.fetchone()
    if row is None:
        return False
    cursor = await transaction.execute(
        "UPDATE flags SET withdrawn_at = NULL WHERE person_id = %s AND withdrawn_at IS NOT NULL RETURNING authority_code", row
    )
    await flags_changed(transaction, [authority_code for (authority_code,) in await cursor.fetchall()])
    await record_audit(transaction, actor, "person.unseal", "person", str(row[0]), reason=reason)
    await call_for_sweep(transaction, [number])
    return True
