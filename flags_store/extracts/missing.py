"""Plans that a full snapshot did not name: they go on showing, say so, and become work for a person after the second one.

`intake` calls it in the transaction of the load, after the flags are written; `safeguarding.extracts.missing` settles the work.
Source: docs/facts.md, section 4 ("A plan that is absent from two full snapshots becomes work for a person").
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import LiteralString

from flags_store.extracts.loads import Load
from flags_store.extracts.open_plans import OPEN, RULES
from flags_store.extracts.record import COLUMNS, RowError
from runtime.database import Transaction

WORK_AFTER = 2
"""So many full snapshots in a row that do not name a plan make it work for a person."""


@dataclass(frozen=True, slots=True)
class Named:
    """Whom an extract names without a record of theirs being applied: as they were sent, for they were rejected or held."""

    numbers: frozenset[str] = frozenset()
    local_ids: frozenset[str] = frozenset()
    plan_ids: frozenset[str] = frozenset()


NOBODY = Named()


def named_by(errors: Iterable[RowError]) -> Named:
    """Whom rejected records name. A number keeps its digits alone; whatever cannot be read names nobody."""
    numbers, local_ids, plan_ids = set(), set(), set()
    for error in errors:
        said = dict(zip(COLUMNS, error.fields, strict=True)) if error.fields else error.record
        numbers.add("".join(character for character in said.get("nhs_number", "") if character.isdigit()))
        local_ids.add(said.get("local_id", "").strip())
        plan_ids.add(error.plan_id)
    return Named(frozenset(numbers - {""}), frozenset(local_ids - {""}), frozenset(plan_ids - {""}))


async def mark_missing(transaction: Transaction, load: Load, named: Named, today: date) -> int:
    """After a FULL snapshot: count one more miss for each open plan of the authority that it did not name; how many were missed.

    A plan is named where it has been confirmed as of the snapshot or later (`flags.last_confirmed_at`), where something waits
    for it (`held`), and where `named` has its person's number, a former number of theirs, or its local or plan id. Call it only
    for a snapshot that was applied; one that is older or repeated never comes this far, and changes nothing.
    """
    await mark_named(transaction, load, named)
    missed = await transaction.execute(_MISS, {**_values(load, named), "today": today, **RULES})
    return int((await missed.fetchone() or (0,))[0])


async def mark_named(transaction: Transaction, load: Load, named: Named = NOBODY) -> int:
    """After any load, a partial extract or a person's correction too: what is named is not missing any more. How many were found.

    Nor is what was recorded in error or withdrawn.
    """
    found = await transaction.execute(_FOUND, _values(load, named))
    return int((await found.fetchone() or (0,))[0])


def _values(load: Load, named: Named) -> dict[str, object]:
    return {
        "authority": load.authority_code, "extract": load.extract_id, "at": load.extracted_at,
        "numbers": sorted(named.numbers), "local_ids": sorted(named.local_ids), "plan_ids": sorted(named.plan_ids),
        "kind": load.actor.kind.value, "id": load.actor.id, "name": load.actor.name, "role": load.actor.role,
        "organisation": load.actor.organisation,
    }  # fmt: skip


_NAMED: LiteralString = """(
    p.nhs_number = ANY(%(numbers)s::text[]) OR f.local_id = ANY(%(local_ids)s::text[]) OR f.plan_id = ANY(%(plan_ids)s::text[])
    OR EXISTS (SELECT FROM person_aliases a WHERE a.person_id = p.id AND a.facility = '' AND a.ended_at IS NULL
                                              AND a.value = ANY(%(numbers)s::text[]))
    OR EXISTS (SELECT FROM held_changes h WHERE h.flag_id = f.id AND h.extract_id = %(extract)s)
)"""
_AUDIT: LiteralString = """
    , written AS (
        INSERT INTO audit_events (actor_kind, actor_id, actor_name, actor_role, organisation,
                                  action, subject_type, subject_id, detail)
        SELECT %(kind)s, %(id)s, %(name)s, %(role)s, %(organisation)s, action, 'flag', flag_id::text,
               jsonb_build_object('extract', %(extract)s::text, 'missed', missed)
        FROM changed
    )
    SELECT count(*) FROM changed
"""
_MISS: LiteralString = f"""
    WITH changed AS (
        UPDATE flags m SET missed_snapshots = least(m.missed_snapshots + 1, 1000), missing_since = coalesce(m.missing_since, %(at)s)
        FROM flags f JOIN persons p ON p.id = f.person_id
        WHERE m.id = f.id AND f.authority_code = %(authority)s AND f.last_confirmed_at < %(at)s AND {OPEN} AND NOT {_NAMED}
        RETURNING m.id AS flag_id, m.missed_snapshots AS missed, 'flag.missing' AS action
    ) {_AUDIT}
"""  # noqa: S608 (constants)
_FOUND: LiteralString = f"""
    WITH changed AS (
        UPDATE flags m SET missed_snapshots = 0, missing_since = NULL
        FROM flags f JOIN persons p ON p.id = f.person_id
        WHERE m.id = f.id AND f.authority_code = %(authority)s AND f.missed_snapshots > 0
          AND (f.last_confirmed_at >= f.missing_since OR f.deleted_on IS NOT NULL OR f.withdrawn_at IS NOT NULL OR {_NAMED})
        RETURNING m.id AS flag_id, 0 AS missed, 'flag.found' AS action
    ) {_AUDIT}
"""  # noqa: S608 (constants)
