"""An authority and a site on their way in a production store, and the people who take them along."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta

import psycopg

from domain.actor import Actor, ActorKind
from domain.flag import FlagKind
from flags_store.authorities import update_authority
from runtime.clock import england_day, now
from runtime.database import Database
from safeguarding.onboarding.agreements import AgreedWith, Terms, record_agreement
from safeguarding.onboarding.checking import PhoneKind, agree_totals, record_phone_test
from safeguarding.onboarding.states import Party, PartyKind
from tests.conftest import FreshDatabase
from tests.safeguarding.house import House

IGGY = Actor(ActorKind.PERSON, "sub-iggy", "Iggy Marlowe", "nightlight", "information-governance")
DORA = Actor(ActorKind.PERSON, "sub-dora", "Dora Lindqvist", "301", "data-officer")
AUTHORITY, SITE = Party(PartyKind.AUTHORITY, "301"), Party(PartyKind.SITE, "R0A01")


def today() -> date:
    """England's day, asked of the clock each time: tests that were collected before midnight also run after it."""
    return england_day(now())


def terms(kind: AgreedWith = AgreedWith.AUTHORITY, code: str = "301", ends: date | None = None, **changes: object) -> Terms:
    """An agreement from a year ago, without an end unless one is named."""
    values: dict[str, object] = {
        "party_kind": kind, "party_code": code, "title": "Sharing agreement 2026", "controllers": "Ambershire; Royal Amber",
        "processor": "Nightlight Ltd", "purpose": "Direct care", "lawful_basis": "Children Act 2004 s11",
        "contact": "dpo@301.example", "starts": today() - timedelta(days=365), "ends": ends, "fields": ("arrival", "site"),
        **changes,
    }  # fmt: skip
    return Terms(**values)  # type: ignore[arg-type]


def make_production(fresh: FreshDatabase) -> None:
    """The store holds real people from now on."""
    with psycopg.connect(fresh.owner_url) as owner:
        owner.execute("UPDATE store SET kind = 'production'")


@asynccontextmanager
async def store_of(fresh: FreshDatabase) -> AsyncIterator[Database]:
    """The service's own connections."""
    async with Database(fresh.service_url) as database:
        yield database


async def put(house: House, party: Party, state: str) -> None:
    """Where the party stands, without asking anybody."""
    table, key = ("authorities", "code") if party.kind is PartyKind.AUTHORITY else ("sites", "ods_code")
    await house.rows(f"UPDATE {table} SET state = %s WHERE {key} = %s RETURNING 1", state, party.code)


async def make_ready(house: House, party: Party) -> None:
    """All that the party needs to go live, each by the function that people use; put on trial, with what came by then."""
    await put(house, party, "trial")
    if party.kind is PartyKind.AUTHORITY:
        await _make_authority_ready(house)
    else:
        await _make_site_ready(house)


async def _make_authority_ready(house: House) -> None:
    await house.flag()
    await house.rows("UPDATE extracts SET records = 1 WHERE authority_code = '301' RETURNING 1")
    async with house.database.transaction() as transaction:
        await record_agreement(transaction, IGGY, terms())
        await update_authority(transaction, IGGY, "301", data_email="data@301.example", alert_email="team@301.example")
        for which in (PhoneKind.OFFICE, PhoneKind.EMERGENCY):
            await record_phone_test(transaction, IGGY, AUTHORITY, which)
        await agree_totals(transaction, DORA, "301", {FlagKind.CPP: 1})


async def _make_site_ready(house: House) -> None:
    await house.rows(
        """
        WITH heard AS (INSERT INTO site_feeds (site, last_message_at) VALUES ('R0A01', now()) RETURNING 1),
        peer AS (INSERT INTO peers (name, certificate) VALUES ('amber-pas', %s) RETURNING id)
        INSERT INTO peer_facilities (peer_id, site) SELECT id, 'R0A01' FROM peer RETURNING 1
        """,
        "ab" * 32,
    )
    await house.ask(number=None, visit_number="V900")
    async with house.database.transaction() as transaction:
        await record_agreement(transaction, IGGY, terms(AgreedWith.ORGANISATION, "R0A"))
        await record_phone_test(transaction, IGGY, SITE, PhoneKind.SAFEGUARDING)
