"""What an authority's data officers have before them, in counts and ages: nobody is named.

`safeguarding.extracts.work` makes of it what the first page, the weekly e-mail and the metrics say.
Source: docs/facts.md, section 4; docs/authority/rejected-records.md ("What is counted").
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import LiteralString

from domain.match import MatchBasis
from flags_store.extracts.held_views import list_held, list_surges
from flags_store.extracts.missing_plans import count_missing
from flags_store.extracts.open_plans import OPEN, RULES
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class WorkCounts:
    """Rejected records that wait (`refused`: without plans in doubt); those mended here that are still sent wrong; what waits
    for a second person; plans that two full extracts in a row did not name; and on what the match of the open plans rests.

    `matched`: PDS agrees. `doubtful`: it contradicts. `unasked`: it has not been asked.
    """

    rejected: int
    rejected_since: datetime | None
    refused: int
    still_sent: int
    held: int
    held_since: datetime | None
    missing: int
    matched: int
    doubtful: int
    unasked: int


async def count_work(transaction: Connection, authority_code: str, today: date) -> WorkCounts:
    """The counts of one authority on a day in England."""
    row = await (await transaction.execute(_REJECTED, (authority_code,))).fetchone()
    rejected, since, refused, still_sent = row or (0, None, 0, 0)
    held = await list_held(transaction, authority_code)
    surges = await list_surges(transaction, authority_code)
    waits = [each.waiting_since for each in held] + [each.noted_at for each in surges]
    _, missing = await count_missing(transaction, authority_code, today)
    by_basis = await _by_basis(transaction, authority_code, today)
    return WorkCounts(
        rejected, since, refused, still_sent,
        held=sum(each.records for each in held) + sum(each.openings for each in surges), held_since=min(waits, default=None),
        missing=missing,
        matched=by_basis.get(MatchBasis.TRACED, 0) + by_basis.get(MatchBasis.SUPERSEDED, 0),
        doubtful=by_basis.get(MatchBasis.DIFFERS, 0) + by_basis.get(MatchBasis.NOT_FOUND, 0),
        unasked=by_basis.get(MatchBasis.CHECK_DIGIT, 0),
    )  # fmt: skip


async def _by_basis(transaction: Connection, authority_code: str, today: date) -> dict[str, int]:
    cursor = await transaction.execute(_BY_BASIS, {"authority": authority_code, "today": today, **RULES})
    return {str(basis): int(count) for basis, count in await cursor.fetchall()}


_REJECTED = """
    SELECT count(*) FILTER (WHERE state = 'open'), min(first_rejected_at) FILTER (WHERE state = 'open'),
           count(*) FILTER (WHERE state = 'open' AND flag_id IS NULL),
           count(*) FILTER (WHERE state = 'mended' AND last_rejected_at > closed_at)
    FROM rejected_records WHERE authority_code = %s
"""
_BY_BASIS: LiteralString = f"""
    SELECT f.match_basis, count(*) FROM flags f JOIN persons p ON p.id = f.person_id
    WHERE f.authority_code = %(authority)s AND {OPEN} GROUP BY f.match_basis
"""  # noqa: S608 (a constant)
