"""Newborns: a baby's number leads to the plan that its mother held for it before it was born, until that is resolved.

`safeguarding` records births inside the desk's transaction; looks follow the links. A link is made once for each plan and
number, and never again after it was resolved. Source: docs/facts.md, section 1 (UCPP); HL7 v2.5.1 PID-21 and NK1-33.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from domain.actor import Actor
from domain.encounter import LocalNumber, keys_of
from domain.flag import UNBORN_LONGEST, UNBORN_SHOWN_AFTER_DUE, NewbornResolution
from domain.nhs_number import NhsNumber
from runtime.audit import record_audit
from runtime.database import Transaction


@dataclass(frozen=True, slots=True)
class Birth:
    """A baby that a hospital says is this mother's. Either the number or a local number leads to it; `site` is an ODS code."""

    actor: Actor
    mother: NhsNumber
    number: NhsNumber | None
    local_numbers: tuple[LocalNumber, ...]
    born_on: date | None
    site: str
    today: date

    @property
    def keys(self) -> list[tuple[str, str]]:
        """Facility and value of each number that is to lead to the mother's plan."""
        return keys_of(self.number, self.local_numbers)


async def record_births(transaction: Transaction, births: Sequence[Birth]) -> set[NhsNumber]:
    """Link each baby to the unborn plans that its mother held on the day of birth (today, where that is not said).

    Returns the mothers for whom a link is there that was not there before. A baby born before the plan began is another child.
    """
    linked: set[NhsNumber] = set()
    for birth in births:
        facilities, values = _columns(birth.keys)
        cursor = await transaction.execute(
            _LINK,
            {
                "facilities": facilities, "values": values, "source": birth.site, "mother": birth.mother,
                "on": birth.born_on or birth.today,
                "after_due": UNBORN_SHOWN_AFTER_DUE.days, "longest": UNBORN_LONGEST.days,
            },
        )  # fmt: skip
        for flag_id in sorted({row[0] for row in await cursor.fetchall()}):
            await record_audit(transaction, birth.actor, "newborn.link", "flag", str(flag_id))
            linked.add(birth.mother)
    return linked


_LINK = """
    INSERT INTO newborn_links (flag_id, facility, value, source)
    SELECT f.id, baby.facility, baby.value, %(source)s
    FROM unnest(%(facilities)s::text[], %(values)s::text[]) AS baby (facility, value), flags f
    WHERE f.person_id IN (
        SELECT id FROM persons WHERE nhs_number = %(mother)s
        UNION ALL
        SELECT person_id FROM person_aliases WHERE value = %(mother)s AND facility = '' AND ended_at IS NULL
    )
      AND f.kind = 'UCPP' AND f.deleted_on IS NULL AND f.start_date <= %(on)s::date
      AND (f.end_date IS NULL OR f.end_date >= %(on)s::date)
      AND coalesce(f.expected_delivery_date + %(after_due)s::int, f.start_date + %(longest)s::int) >= %(on)s::date
      AND NOT EXISTS (SELECT FROM newborn_links l JOIN unnest(%(facilities)s::text[], %(values)s::text[]) AS same (facility, value)
                                    ON l.facility = same.facility AND l.value = same.value
                      WHERE l.flag_id = f.id AND l.resolved_at IS NOT NULL)
      AND NOT EXISTS (SELECT FROM unnest(%(facilities)s::text[], %(values)s::text[]) AS same (facility, value)
                      JOIN persons sealed ON sealed.nhs_number = same.value AND sealed.sealed_at IS NOT NULL
                      WHERE same.facility = '')
    ORDER BY f.id, baby.value
    ON CONFLICT DO NOTHING
    RETURNING flag_id
"""


async def spread_links(transaction: Transaction, known: Sequence[tuple[str, str]], other: Sequence[tuple[str, str]]) -> None:
    """A baby that was known by some numbers (facility and value) has others too: those lead to the same plans.

    A number that is the mother's own is left alone.
    """
    if not known or not other:
        return
    await transaction.execute(
        """
        INSERT INTO newborn_links (flag_id, facility, value, source)
        SELECT DISTINCT l.flag_id, other.facility, other.value, l.source
        FROM unnest(%s::text[], %s::text[]) AS known (facility, value)
        JOIN newborn_links l ON l.facility = known.facility AND l.value = known.value AND l.resolved_at IS NULL
        JOIN flags f ON f.id = l.flag_id JOIN persons p ON p.id = f.person_id
        CROSS JOIN unnest(%s::text[], %s::text[]) AS other (facility, value)
        WHERE NOT (other.facility = '' AND other.value = p.nhs_number)
          AND NOT EXISTS (SELECT FROM persons sealed
                          WHERE other.facility = '' AND sealed.nhs_number = other.value AND sealed.sealed_at IS NOT NULL)
        ON CONFLICT DO NOTHING
        """,
        (*_columns(known), *_columns(other)),
    )


def _columns(keys: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [facility for facility, _ in keys], [value for _, value in keys]


async def resolve_newborn(
    transaction: Transaction, actor: Actor, keys: Sequence[tuple[str, str]], authority_code: str, resolution: NewbornResolution
) -> int:
    """End the links of one baby, known by these numbers (facility and value), to the authority's plans.

    Returns how many stood; 0 also where the plans are another authority's.
    """
    cursor = await transaction.execute(
        """
        UPDATE newborn_links AS l SET resolved_at = now(), resolved_by = %s, resolution = %s
        FROM unnest(%s::text[], %s::text[]) AS baby (facility, value), flags f
        WHERE l.facility = baby.facility AND l.value = baby.value AND f.id = l.flag_id AND f.authority_code = %s
          AND l.resolved_at IS NULL
        RETURNING l.flag_id
        """,
        (actor.name, resolution.value, *_columns(keys), authority_code),
    )
    resolved = [row[0] for row in await cursor.fetchall()]
    for flag_id in sorted(set(resolved)):
        await record_audit(transaction, actor, "newborn.resolve", "flag", str(flag_id), resolution=resolution.value)
    return len(resolved)
