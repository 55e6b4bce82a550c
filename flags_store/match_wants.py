"""Who is to be asked about next: everybody with a plan that is shown, once, and again from time to time.

`safeguarding.extracts.rematching` claims those that are due, asks the national register, and ends each of them.
Source: docs/facts.md, sections 3 and 4.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from domain.actor import Actor
from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from domain.trace import Demographics
from flags_store.extracts.matched import Match
from flags_store.person_matches import SET_BASIS, born_of, mask, to_told
from runtime.audit import record_audit
from runtime.database import Connection

LEASE = timedelta(minutes=3)
"""Longer than any question to the register takes."""


@dataclass(frozen=True, slots=True)
class Due:
    """A person to be asked about for an authority, ours until the lease runs out. `attempts` counts this one."""

    person_id: UUID
    authority_code: str
    number: NhsNumber
    told: Demographics
    basis: MatchBasis
    attempts: int


async def want_unmatched(transaction: Connection, limit: int) -> int:
    """Want a match of those with a plan that is shown of whom nobody was ever asked for the authority; how many there were."""
    cursor = await transaction.execute(_WANT, (limit,))
    return cursor.rowcount


_SHOWN = "f.deleted_on IS NULL AND f.withdrawn_at IS NULL AND (f.end_date IS NULL OR f.end_date > current_date - 366)"
_WANT = f"""
    INSERT INTO person_matches (person_id, authority_code, family_name, given_name, birth_date, basis)
    SELECT p.id, wanted.authority_code, p.family_name, p.given_name, p.birth_date, 'check-digit'
    FROM (
        SELECT DISTINCT f.person_id, f.authority_code FROM flags f
        WHERE {_SHOWN} AND NOT EXISTS (SELECT FROM person_matches m
                                       WHERE m.person_id = f.person_id AND m.authority_code = f.authority_code)
        LIMIT %s
    ) AS wanted
    JOIN persons p ON p.id = wanted.person_id AND p.sealed_at IS NULL
    ORDER BY p.id
    ON CONFLICT DO NOTHING
"""  # noqa: S608 (only a constant is put into it)


async def claim_due(transaction: Connection, limit: int) -> list[Due]:
    """Those that are due, the longest first, for as long as the lease lasts; what another process has claimed is passed over.

    Whose plans are shown no longer is not asked about.
    """
    cursor = await transaction.execute(_CLAIM, (limit, LEASE))
    return [
        Due(person_id, authority, number, to_told(family, born, given), MatchBasis(basis), attempts)
        for person_id, authority, number, family, born, given, basis, attempts in await cursor.fetchall()
    ]


_CLAIM = f"""
    WITH due AS (
        SELECT m.person_id, m.authority_code, p.nhs_number
        FROM person_matches m JOIN persons p ON p.id = m.person_id
        WHERE m.due_at <= now() AND p.sealed_at IS NULL
          AND EXISTS (SELECT FROM flags f WHERE f.person_id = m.person_id AND f.authority_code = m.authority_code AND {_SHOWN})
        ORDER BY m.due_at LIMIT %s FOR UPDATE OF m SKIP LOCKED
    )
    UPDATE person_matches AS m SET due_at = now() + %s::interval, attempts = m.attempts + 1
    FROM due WHERE m.person_id = due.person_id AND m.authority_code = due.authority_code
    RETURNING m.person_id, m.authority_code, due.nhs_number, m.family_name, m.birth_date, m.given_name, m.basis, m.attempts
"""  # noqa: S608 (only a constant is put into it)


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan of a person that is shown."""

    flag_id: UUID
    authority_code: str
    local_id: str


async def read_plans(transaction: Connection, person_id: UUID, authority_code: str | None = None) -> list[ShownPlan]:
    """The plans of a person that are shown, of one authority or of all."""
    cursor = await transaction.execute(
        f"""
        SELECT f.id, f.authority_code, f.local_id FROM flags f
        WHERE f.person_id = %s AND (%s::text IS NULL OR f.authority_code = %s) AND {_SHOWN} ORDER BY f.id
        """,  # noqa: S608 (only a constant is put into it)
        (person_id, authority_code, authority_code),
    )
    return [ShownPlan(*row) for row in await cursor.fetchall()]


async def end_due(transaction: Connection, actor: Actor, due: Due, match: Match, outcome: str, again: timedelta) -> bool:
    """Keep what the register said, with the authority's flags; False where other details were told meanwhile: nothing is kept then.

    Masks the person where the register restricts it. Never unmasks.
    """
    cursor = await transaction.execute(
        _END,
        {
            "person": due.person_id, "authority": due.authority_code, "family": due.told.family_name,
            "given": due.told.given_name, "born": born_of(due.told), "basis": match.basis.value, "again": again,
        },
    )  # fmt: skip
    if await cursor.fetchone() is None:
        return False
    await record_audit(transaction, actor, "person.match", "person", str(due.person_id), outcome=outcome)
    changed = await transaction.execute(SET_BASIS, ([due.person_id], [match.basis.value], due.authority_code))
    if changed.rowcount:
        await record_audit(
            transaction, actor, "flag.match", "person", str(due.person_id), basis=match.basis.value, authority=due.authority_code
        )
    if match.sensitive:
        await mask(transaction, actor, due.person_id)
    return True


_END = """
    UPDATE person_matches SET basis = %(basis)s, matched_at = now(), attempts = 0,
                              due_at = now() + %(again)s::interval * (0.9 + 0.1 * random())
    WHERE person_id = %(person)s AND authority_code = %(authority)s
      AND (family_name, given_name, birth_date) IS NOT DISTINCT FROM (%(family)s, %(given)s, %(born)s::date)
    RETURNING person_id
"""


async def end_sealed(transaction: Connection, actor: Actor, due: Due, outcome: str) -> None:
    """The number is invalid: it is sealed with this, and never asked about again."""
    await transaction.execute("DELETE FROM person_matches WHERE person_id = %s", (due.person_id,))
    await record_audit(transaction, actor, "person.match", "person", str(due.person_id), outcome=outcome)


async def postpone_due(transaction: Connection, due: Due, seconds: float) -> None:
    """Nobody could say: ask again after so many seconds. What is known stays."""
    await transaction.execute(
        "UPDATE person_matches SET due_at = now() + make_interval(secs => %s) WHERE person_id = %s AND authority_code = %s",
        (seconds, due.person_id, due.authority_code),
    )
