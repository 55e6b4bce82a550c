"""Reading what is known of each authority and each site on its way: rows of the store become the values of `facts`.

Commands, pages and `steps` call `read_facts`; nothing here names a child.
Source: docs/facts.md, sections 4 and 5.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from domain.errors import NotFound
from flags_store.onboarding import AuthorityState, read_authority_states
from runtime.clock import england_day, now
from runtime.database import Connection
from safeguarding.onboarding.agreements import AgreedWith, Agreement, list_agreements
from safeguarding.onboarding.facts import Asked, AuthorityFacts, Checked, Facts, LoadedExtract, Phone, SiteFacts, Standing
from safeguarding.onboarding.states import Party, PartyKind, State

HEARD_WITHIN = timedelta(hours=24)
ARRIVALS_OVER = timedelta(days=7)

Checks = Mapping[tuple[str, str, str], Checked]
Requests = Mapping[tuple[str, str], Asked]


async def read_facts(transaction: Connection, party: Party) -> Facts:
    """What is known of one party. Raises NotFound where there is none."""
    found: Sequence[Facts] = (
        await read_authority_facts(transaction, party.code)
        if party.kind is PartyKind.AUTHORITY
        else await read_site_facts(transaction, party.code)
    )
    if not found:
        raise NotFound(f"there is no {party}: add it first with nightlight {party.kind.value} add")
    return found[0]


async def read_authority_facts(transaction: Connection, code: str | None = None) -> list[AuthorityFacts]:
    """All authorities, or one, by code."""
    is_production = await read_is_production(transaction)
    checks, requests = await _checks(transaction), await _requests(transaction)
    standing = _standing(await list_agreements(transaction, AgreedWith.AUTHORITY))
    return [
        _of_authority(each, is_production, checks, requests, standing.get(each.code))
        for each in await read_authority_states(transaction, code)
    ]


def _of_authority(
    row: AuthorityState, is_production: bool, checks: Checks, requests: Requests, standing: Standing | None
) -> AuthorityFacts:
    kind = PartyKind.AUTHORITY.value
    return AuthorityFacts(
        code=row.code,
        name=row.name,
        state=State(row.state),
        is_production=is_production,
        office_phone=Phone(row.office_phone, checks.get((kind, row.code, "office-phone"))),
        emergency_phone=Phone(row.emergency_phone, checks.get((kind, row.code, "emergency-phone"))),
        alert_email=row.alert_email,
        data_email=row.data_email,
        stretches=row.stretches,
        agreement=standing,
        extract=_extract_of(row),
        held=row.held,
        totals=checks.get((kind, row.code, "control-totals")),
        matched=row.confirmed / (row.asked + row.refused) if row.asked else None,
        asked=requests.get((kind, row.code)),
        successor=row.successor_code,
    )


def _extract_of(row: AuthorityState) -> LoadedExtract | None:
    if row.extract_id is None or row.extracted_at is None:
        return None
    return LoadedExtract(row.extract_id, row.extracted_at, row.records or 0, row.rejected or 0, row.declared or {})


async def read_site_facts(transaction: Connection, code: str | None = None) -> list[SiteFacts]:
    """All sites, or one, by code."""
    is_production, at = await read_is_production(transaction), now()
    checks, requests = await _checks(transaction), await _requests(transaction)
    standing = _standing(await list_agreements(transaction, AgreedWith.ORGANISATION))
    cursor = transaction.cursor(row_factory=dict_row)
    await cursor.execute(_SITES, {"code": code, "since": at - ARRIVALS_OVER})
    rows = await cursor.fetchall()
    return [_of_site(row, is_production, checks, requests, standing.get(row["organisation_code"]), at) for row in rows]


def _of_site(
    row: Mapping[str, Any], is_production: bool, checks: Checks, requests: Requests, standing: Standing | None, at: datetime
) -> SiteFacts:
    kind, code, heard = PartyKind.SITE.value, row["ods_code"], row["last_message_at"]
    return SiteFacts(
        code=code,
        name=row["name"],
        state=State(row["state"]),
        is_production=is_production,
        host_authority=row["host_authority_code"],
        safeguarding_phone=Phone(row["safeguarding_phone"], checks.get((kind, code, "safeguarding-phone"))),
        agreement=standing,
        peers=row["peers"],
        certified_peers=row["certified_peers"],
        clients=row["clients"],
        heard_at=heard,
        heard_lately=heard is not None and at - heard <= HEARD_WITHIN,
        arrivals=row["arrivals"],
        unclassified=row["unclassified"],
        asked=requests.get((kind, code)),
    )


_SITES = """
    SELECT s.ods_code, s.organisation_code, s.name, s.state, s.host_authority_code, s.safeguarding_phone, f.last_message_at,
           (SELECT count(*) FROM peer_facilities p WHERE p.site = s.ods_code) AS peers,
           (SELECT count(*) FROM peer_facilities p JOIN peers w ON w.id = p.peer_id
            WHERE p.site = s.ods_code AND w.certificate IS NOT NULL) AS certified_peers,
           (SELECT count(*) FROM clients c WHERE c.organisation_code = s.organisation_code AND c.disabled_at IS NULL) AS clients,
           coalesce(a.arrivals, 0) AS arrivals, coalesce(a.unclassified, 0) AS unclassified
    FROM sites s
    LEFT JOIN site_feeds f ON f.site = s.ods_code
    LEFT JOIN LATERAL (
        SELECT count(*)::int AS arrivals, count(*) FILTER (WHERE e.care_setting = 'unclassified')::int AS unclassified
        FROM encounters e
        WHERE e.site = s.ods_code AND e.recorded_at > %(since)s AND e.encounter_key !~ '^(test )?look '
    ) AS a ON true
    WHERE %(code)s::text IS NULL OR s.ods_code = %(code)s
    ORDER BY s.ods_code
"""


async def read_is_production(transaction: Connection) -> bool:
    """Whether the store holds real people."""
    row = await (await transaction.execute("SELECT kind FROM store")).fetchone()
    return row is not None and row[0] == "production"


async def _checks(transaction: Connection) -> Checks:
    """The newest of each kind for each party."""
    cursor = await transaction.execute(
        """
        SELECT DISTINCT ON (party_kind, party_code, what) party_kind, party_code, what, value, checked_at, checked_by
        FROM onboarding_checks ORDER BY party_kind, party_code, what, checked_at DESC, id DESC
        """
    )
    return {(kind, code, what): Checked(value, at, by) for kind, code, what, value, at, by in await cursor.fetchall()}


async def _requests(transaction: Connection) -> Requests:
    cursor = await transaction.execute(
        "SELECT party_kind, party_code, state, asked_by, asked_name, asked_at FROM state_requests WHERE decision IS NULL"
    )
    return {(kind, code): Asked(State(state), by, name, at) for kind, code, state, by, name, at in await cursor.fetchall()}


def _standing(agreements: Sequence[Agreement]) -> dict[str, Standing]:
    """What is in force today, for each party the one that holds longest."""
    today, held = england_day(now()), defaultdict[str, list[Agreement]](list)
    for each in agreements:
        if each.holds_on(today):
            held[each.party_code].append(each)
    best = {code: max(several, key=lambda each: each.last_day or today.max) for code, several in held.items()}
    return {code: Standing(each.title, each.last_day) for code, each in best.items()}
