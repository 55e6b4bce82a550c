"""Where an authority's children in care live, as it sends it: kept for its own people, and part of no answer about a child.

`flags_store.extracts.intake` replaces them with each extract that carries some; `safeguarding.placements` makes the report.
Source: docs/facts.md, section 4 ("Placement data … by outward postcode only, and never visible to health").
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from uuid import UUID

from flags_store.extract_formats.reading import PlacementRow
from runtime.database import Connection, Transaction

_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Placement:
    """One child's placement on a day. `own_share`: what part of the postcode district lies in the authority, from 0 to 1.

    None where the district is not in the directory, or no directory is loaded.
    """

    placement_type: str
    outward_postcode: str
    distance_miles: float | None
    started_on: date
    own_share: float | None


async def replace_placements(
    transaction: Connection, authority_code: str, extract_id: UUID, rows: Iterable[PlacementRow], *, all_of_them: bool
) -> int:
    """Keep these; what was kept before goes, of everybody (`all_of_them`: a full snapshot) or of the children named now.

    Without a single row nothing is changed: then the authority sent no placements. Returns how many are kept.
    """
    kept = 0
    for chunk in _chunks(rows):
        if all_of_them and not kept:
            await transaction.execute("DELETE FROM placements WHERE authority_code = %s", (authority_code,))
        elif not all_of_them:
            await transaction.execute(
                """
                DELETE FROM placements
                WHERE authority_code = %s AND extract_id <> %s AND (local_id = ANY(%s::text[]) OR period_id = ANY(%s::text[]))
                """,
                (authority_code, extract_id, [each.local_id for each in chunk], [each.period_id for each in chunk]),
            )
        columns = [list(column) for column in zip(*map(_row, chunk), strict=True)]
        await transaction.execute(_KEEP, (authority_code, extract_id, *columns))
        kept += len(chunk)
    return kept


def _chunks(rows: Iterable[PlacementRow]) -> Iterator[list[PlacementRow]]:
    each = iter(rows)
    while chunk := list(islice(each, _AT_ONCE)):
        yield chunk


def _row(row: PlacementRow) -> tuple[object, ...]:
    return (
        row.local_id, row.period_id, row.placement_id, row.placement_type, row.outward_postcode, row.distance_miles,
        row.started_on, row.ended_on,
    )  # fmt: skip


_KEEP = """
    INSERT INTO placements (authority_code, extract_id, local_id, period_id, placement_id, placement_type, outward_postcode,
                            distance_miles, started_on, ended_on)
    SELECT %s, %s, came.*
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::date[], %s::date[]) AS came
"""


async def read_placements(transaction: Transaction, authority_code: str, on: date) -> list[Placement]:
    """The authority's placements on a day, one for each period of care: the latest where two cover it."""
    cursor = await transaction.execute(
        """
        SELECT DISTINCT ON (p.period_id, p.local_id) p.placement_type, p.outward_postcode, p.distance_miles::float8, p.started_on,
               CASE WHEN EXISTS (SELECT FROM postcode_districts d WHERE d.outward = p.outward_postcode)
                    THEN coalesce((SELECT d.share FROM postcode_districts d
                                   WHERE d.outward = p.outward_postcode AND d.gss_code = t.gss_code), 0)::float8 END
        FROM placements p JOIN authorities t ON t.code = p.authority_code
        WHERE p.authority_code = %(authority)s AND p.started_on <= %(on)s AND (p.ended_on IS NULL OR p.ended_on > %(on)s)
        ORDER BY p.period_id, p.local_id, p.started_on DESC, p.id DESC
        """,
        {"authority": authority_code, "on": on},
    )
    return [Placement(*row) for row in await cursor.fetchall()]


async def count_placements(transaction: Transaction, authority_code: str) -> int:
    """How many are kept, past ones too: 0 where the authority sends none."""
    cursor = await transaction.execute("SELECT count(*) FROM placements WHERE authority_code = %s", (authority_code,))
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])
