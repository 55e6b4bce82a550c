"""A token is used once, whoever asks and however many ask at once, and is forgotten only when it could be used no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta

import psycopg
import pytest

from runtime.clock import now
from runtime.database import Database
from runtime.used_tokens import use_once
from safeguarding.housekeeping import keep_house
from tests.conftest import FreshDatabase


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> AsyncIterator[Database]:
    async with Database(fresh_database.service_url, 8) as database:
        yield database


async def _use(database: Database, issuer: str, jti: str, expires_at: datetime | None = None) -> bool:
    return await _use_at("oauth2", database, issuer, jti, expires_at)


async def _use_at(door: str, database: Database, issuer: str, jti: str, expires_at: datetime | None = None) -> bool:
    async with database.transaction() as transaction:
        return await use_once(transaction, door, issuer, jti, expires_at or now() + timedelta(minutes=5))


async def test_a_token_is_used_once(database: Database) -> None:
    assert await _use(database, "ward-app", "1")
    assert not await _use(database, "ward-app", "1")
    assert not await _use(database, "ward-app", "1", now() + timedelta(days=1))


@pytest.mark.parametrize(
    "other", [("ward-app", "2"), ("other-app", "1"), ("ward-app1", ""), ("ward-app", "1 "), ('ward","app', "1")]
)
async def test_tokens_of_other_issuers_or_ids_are_others(database: Database, other: tuple[str, str]) -> None:
    assert await _use(database, "ward-app", "1")
    assert await _use(database, *other)


async def test_a_client_and_an_ehr_that_call_themselves_the_same_use_up_no_token_of_each_other(database: Database) -> None:
    assert await _use_at("oauth2", database, "amber", "1")
    assert await _use_at("cds-services", database, "amber", "1")
    assert not await _use_at("cds-services", database, "amber", "1")


@pytest.mark.usefixtures("patient_store")
async def test_of_many_at_once_exactly_one_is_the_first(database: Database, fresh_database: FreshDatabase) -> None:
    async with Database(fresh_database.service_url, 8) as another_process:
        used = await asyncio.gather(*(_use(each, "ward-app", "1") for each in [database, another_process] * 6))
    assert sorted(used) == [False] * 11 + [True]


async def test_a_use_that_is_not_committed_is_none(database: Database) -> None:
    with suppress(psycopg.errors.DivisionByZero):
        async with database.transaction() as transaction:
            assert await use_once(transaction, "oauth2", "ward-app", "1", now())
            await transaction.execute("SELECT 1 / 0")
    assert await _use(database, "ward-app", "1")


async def test_only_what_expired_a_while_ago_is_erased(database: Database) -> None:
    for jti, minutes in (("good", 5), ("just over", -9), ("long over", -11)):
        await _use(database, "ward-app", jti, now() + timedelta(minutes=minutes))
    await keep_house(database, 30)
    assert [await _use(database, "ward-app", jti) for jti in ("good", "just over", "long over")] == [False, False, True]
