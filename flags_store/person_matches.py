"""What the national register said last of each person, and what it was told then: so that nobody is asked about twice for the same.

`safeguarding.extracts.matching` reads it before a load and writes it after; `match_wants` goes on from there.
Source: docs/facts.md, sections 3 and 4 ("What the match was based on is stored with the flag").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from domain.actor import Actor
from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from domain.trace import Demographics
from flags_store.extracts.matched import Match
from flags_store.mesh_outbox import Inactive, queue_inactive_number_notice
from runtime.audit import record_audit
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class Known:
    """What the register said last of a person, for an authority, and what it was told then."""

    told: Demographics
    basis: MatchBasis
    matched_at: datetime | None


@dataclass(frozen=True, slots=True)
class Learned:
    """What a load learned of one person: what was told, what came of it, and in one word what is written down.

    `local_id` is the authority's own, by which it finds the person whose number it must change.
    """

    told: Demographics
    match: Match
    outcome: str
    local_id: str = ""


async def was_ever_matched(transaction: Connection, authority_code: str) -> bool:
    """Whether anybody was asked about for the authority: if not, nothing that is known can lapse."""
    cursor = await transaction.execute("SELECT FROM person_matches WHERE authority_code = %s LIMIT 1", (authority_code,))
    return await cursor.fetchone() is not None


async def read_known(transaction: Connection, authority_code: str, numbers: Sequence[NhsNumber]) -> dict[NhsNumber, Known]:
    """What is known of those of these numbers that were matched for the authority before."""
    cursor = await transaction.execute(_KNOWN, (list(numbers), authority_code), prepare=False)
    return {
        number: Known(to_told(family, born, given), MatchBasis(basis), matched_at)
        for number, family, born, given, basis, matched_at in await cursor.fetchall()
    }


_KNOWN = """
    SELECT p.nhs_number, m.family_name, m.birth_date, m.given_name, m.basis, m.matched_at
    FROM unnest(%s::text[]) AS asked (number)
    JOIN persons p ON p.nhs_number = asked.number
    JOIN person_matches m ON m.person_id = p.id AND m.authority_code = %s
"""


async def record_matches(
    transaction: Connection, actor: Actor, authority_code: str, learned: Mapping[NhsNumber, Learned], again: timedelta
) -> None:
    """Keep what a load learned, with the flags of the authority, an audit event for each person who was asked about.

    Call it once the persons and flags of the load are written. Who was not asked about is due at once, and loses a basis that was
    for other details; who was, is due again after `again`, and is masked where the register restricts it. Of whom nobody is held,
    nothing is kept.
    """
    if not learned:
        return
    rows = [
        (number, each.told.family_name, each.told.given_name, born_of(each.told), each.match.basis.value, each.match.asked)
        for number, each in sorted(learned.items())
    ]
    columns = [list(column) for column in zip(*rows, strict=True)]
    cursor = await transaction.execute(_LEARN, (authority_code, again, *columns), prepare=False)
    ids: dict[NhsNumber, UUID] = dict(await cursor.fetchall())
    kept = [(ids[number], each.match.basis.value) for number, each in sorted(learned.items()) if number in ids]
    if kept:
        await transaction.execute(SET_BASIS, (*(list(column) for column in zip(*kept, strict=True)), authority_code), prepare=False)
    for number in (number for number, each in sorted(learned.items()) if number in ids and each.match.sensitive):
        await mask(transaction, actor, ids[number])
    asked = [(str(ids[number]), each.outcome) for number, each in sorted(learned.items()) if number in ids and each.match.asked]
    if asked:
        await transaction.execute(
            _AUDIT,
            (actor.kind, actor.id, actor.name, actor.role, actor.organisation, *(list(each) for each in zip(*asked, strict=True))),
        )


_LEARN = """
    INSERT INTO person_matches AS known (person_id, authority_code, family_name, given_name, birth_date, basis, matched_at, due_at)
    SELECT p.id, came.authority, came.family, came.given, came.born, came.basis, CASE WHEN came.asked THEN now() END,
           CASE WHEN came.asked THEN now() + came.again * (0.9 + 0.1 * random()) ELSE now() END
    FROM (SELECT *, %s::text AS authority, %s::interval AS again
          FROM unnest(%s::text[], %s::text[], %s::text[], %s::date[], %s::text[], %s::boolean[])
              AS each (number, family, given, born, basis, asked)) AS came
    JOIN persons p ON p.nhs_number = came.number AND p.sealed_at IS NULL
    ORDER BY p.id
    ON CONFLICT (person_id, authority_code) DO UPDATE
    SET family_name = excluded.family_name, given_name = excluded.given_name, birth_date = excluded.birth_date,
        basis = excluded.basis, matched_at = excluded.matched_at, due_at = excluded.due_at, attempts = 0
    RETURNING (SELECT nhs_number FROM persons WHERE id = known.person_id), person_id
"""
SET_BASIS = """
    UPDATE flags AS f SET match_basis = came.basis
    FROM unnest(%s::uuid[], %s::text[]) AS came (person_id, basis)
    WHERE f.person_id = came.person_id AND f.authority_code = %s AND f.match_basis <> came.basis
"""
_AUDIT = """
    INSERT INTO audit_events (actor_kind, actor_id, actor_name, actor_role, organisation, action, subject_type, subject_id, detail)
    SELECT %s, %s, %s, %s, %s, 'person.match', 'person', asked.person, jsonb_build_object('outcome', asked.outcome)
    FROM unnest(%s::text[], %s::text[]) AS asked (person, outcome)
"""


async def tell_inactive(transaction: Connection, authority_code: str, learned: Mapping[NhsNumber, Learned]) -> None:
    """Have the authority told, over MESH, of each number that it sent and that is inactive now: once for a person and reason."""
    inactive = {number: each for number, each in learned.items() if each.match.successor or each.match.invalidated}
    if not inactive:
        return
    cursor = await transaction.execute(
        "SELECT nhs_number, id FROM persons WHERE nhs_number = ANY(%s::text[]) ORDER BY nhs_number", (list(inactive),)
    )
    for number, person_id in await cursor.fetchall():
        reason = Inactive.SUPERSEDED if inactive[number].match.successor else Inactive.INVALIDATED
        await queue_inactive_number_notice(transaction, authority_code, person_id, number, inactive[number].local_id, reason)


async def mask(transaction: Connection, actor: Actor, person_id: UUID) -> None:
    """Mask a person from now on; nothing where that is so already."""
    cursor = await transaction.execute("UPDATE persons SET sensitive = true WHERE id = %s AND NOT sensitive", (person_id,))
    if cursor.rowcount:
        await record_audit(transaction, actor, "person.mask", "person", str(person_id), reason="restricted in PDS")


def to_told(family: str, born: date | None, given: str) -> Demographics:
    return Demographics(family, born or date.min, given)


def born_of(told: Demographics) -> date | None:
    """The date of birth as it is kept."""
    return None if told.birth_date == date.min else told.birth_date
