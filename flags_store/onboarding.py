"""What the store of flags knows of each authority for its onboarding: how it is set up, its newest extract, its open plans by kind.

`safeguarding.onboarding.reading` makes the facts of it; nothing here names a child.
Source: docs/facts.md, section 4 (control totals, ≥ 95 % matched).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString
from uuid import UUID

from psycopg.rows import class_row

from flags_store.extracts.open_plans import OPEN, RULES
from runtime.clock import england_day, now
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class AuthorityState:
    """One authority. Of its newest extract all is None where none has loaded. PDS was asked about `asked` of its open plans.

    `refused` are its rejected records that wait: they count against it, as on the data officers' first page.
    """

    code: str
    name: str
    state: str
    office_phone: str
    emergency_phone: str
    alert_email: str | None
    data_email: str | None
    successor_code: str | None
    stretches: int
    extract_id: UUID | None
    extracted_at: datetime | None
    records: int | None
    rejected: int | None
    declared: Mapping[str, int] | None
    held: Mapping[str, int]
    asked: int
    confirmed: int
    refused: int


async def read_authority_states(transaction: Connection, code: str | None = None) -> list[AuthorityState]:
    """All authorities, or one, by code."""
    cursor = transaction.cursor(row_factory=class_row(AuthorityState))
    await cursor.execute(_STATES, {"code": code, "today": england_day(now()), **RULES})
    return await cursor.fetchall()


_STATES: LiteralString = f"""
    WITH open AS (
        SELECT f.authority_code, f.kind, count(*)::int AS plans,
               count(*) FILTER (WHERE f.match_basis <> 'check-digit')::int AS asked,
               count(*) FILTER (WHERE f.match_basis IN ('traced', 'superseded'))::int AS confirmed
        FROM flags f JOIN persons p ON p.id = f.person_id
        WHERE (%(code)s::text IS NULL OR f.authority_code = %(code)s) AND {OPEN}
        GROUP BY 1, 2
    )
    SELECT a.code, a.name, a.state, a.office_phone, a.emergency_phone, a.alert_email, a.data_email, a.successor_code,
           (SELECT count(*)::int FROM authority_hours h WHERE h.authority_code = a.code) AS stretches,
           e.id AS extract_id, e.extracted_at, e.records, e.rejected, e.declared,
           coalesce((SELECT jsonb_object_agg(o.kind, o.plans) FROM open o WHERE o.authority_code = a.code), '{{}}') AS held,
           coalesce((SELECT sum(o.asked) FROM open o WHERE o.authority_code = a.code), 0)::int AS asked,
           coalesce((SELECT sum(o.confirmed) FROM open o WHERE o.authority_code = a.code), 0)::int AS confirmed,
           (SELECT count(*)::int FROM rejected_records r
            WHERE r.authority_code = a.code AND r.state = 'open' AND r.flag_id IS NULL) AS refused
    FROM authorities a
    LEFT JOIN LATERAL (
        SELECT id, extracted_at, records, rejected, declared FROM extracts x
        WHERE x.authority_code = a.code AND x.state = 'loaded' AND x.cause = 'extract' ORDER BY x.extracted_at DESC LIMIT 1
    ) AS e ON true
    WHERE %(code)s::text IS NULL OR a.code = %(code)s
    ORDER BY a.code
"""  # noqa: S608 (constants)
