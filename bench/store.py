"""What the bench asks of the service's database beside the measurements: is it quiet, who is signed in, is everything there.

`rounds` calls it between the measurements, never during one.
"""

import asyncio
import os
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import psycopg

from bench.world import AUTHORITIES
from domain.actor import Role
from runtime.database import Database
from runtime.sessions import find_session, start_session
from safeguarding.directory import KEPT_SECONDS

_PATIENCE_SECONDS = 120.0
_SESSION_LIFE = timedelta(minutes=10)


async def until_quiet(database: Database) -> None:
    """Wait until every alert so far is on its way: the next measurement must not pay for the one before."""
    await _until(database, "SELECT NOT EXISTS (SELECT FROM deliveries WHERE state = 'pending')")


async def until_feeds_are_live(database: Database, sites: Sequence[str]) -> None:
    """Wait until every process knows that these sites send messages of their own; a lookup alone then opens no encounter."""
    await _until(database, "SELECT count(*) = %s FROM site_feeds", len(sites))
    await asyncio.sleep(KEPT_SECONDS)


def refresh_statistics(owner_url: str) -> None:
    """What autovacuum does within a minute or so of a large change, done at once."""
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE")


def settle(superuser_url: str) -> None:
    """All that was made ready is on disk: else the system writes it out half a minute later, beside what is measured then."""
    with psycopg.connect(superuser_url, autocommit=True) as superuser:
        superuser.execute("CHECKPOINT")
    os.sync()


async def sign_in_everywhere(database: Database) -> list[tuple[str, str]]:
    """A social worker at every authority: the session's id and its form token."""
    signed_in = []
    async with database.transaction() as transaction:
        for code in AUTHORITIES:
            session_id = await start_session(transaction, f"bench-{code}", "A bench", Role.SOCIAL_WORKER, code, _SESSION_LIFE)
            session = await find_session(transaction, session_id)
            assert session is not None
            signed_in.append((session_id, session.csrf))
    return signed_in


async def visits_of(database: Database, alerts: Sequence[str]) -> dict[str, str]:
    """The visit number behind each alert."""
    async with database.transaction() as transaction:
        cursor = await transaction.execute(
            "SELECT a.id::text, e.reference FROM alerts a JOIN encounters e ON e.id = a.encounter_id WHERE a.id = ANY(%s)",
            ([UUID(alert) for alert in alerts],),
        )
        return dict(await cursor.fetchall())


async def count_kept(database: Database) -> tuple[int, int]:
    """How many messages and how many alerts the store holds."""
    async with database.transaction() as transaction:
        cursor = await transaction.execute("SELECT (SELECT count(*) FROM inbox), (SELECT count(*) FROM alerts)")
        row = await cursor.fetchone()
    assert row is not None
    return row[0], row[1]


async def _until(database: Database, question: str, *parameters: object) -> None:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not await _yes(database, question, parameters):  # noqa: ASYNC110 -- nothing is measured meanwhile
            await asyncio.sleep(0.2)


async def _yes(database: Database, question: str, parameters: Sequence[object]) -> bool:
    async with database.transaction() as transaction:
        row = await (await transaction.execute(question.encode(), parameters)).fetchone()
    return bool(row and row[0])
