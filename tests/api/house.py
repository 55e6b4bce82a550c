"""The HTTP application on real parts for the tests of the pages: PostgreSQL, Valkey, the desk, uvicorn on a free port.

`open_house` serves it; a test signs people in, lets children be seen, and asks over HTTP.
"""

import asyncio
import hashlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import UUID

import httpx
import psycopg
import uvicorn
from fastapi import FastAPI
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr
from starlette.types import ASGIApp

from alerts.routing import clock as duty_clock
from alerts.routing.clock import is_bank_holiday
from api.app import create_app
from api.sessions import cookie_name
from domain.actor import NIGHTLIGHT, Actor, ActorKind, Purpose, Role
from domain.answer import CouldNotCheckReason
from domain.care_setting import CareSetting
from domain.encounter import Identity, TriggerEvent
from domain.errors import CouldNotReachStore
from domain.flag import birthday_in
from domain.nhs_number import NhsNumber, check_digit
from flags_store.authorities import Hours, add_authority
from hl7_listener.answering import Answerer
from hl7_listener.trying import try_message
from runtime.clock import england_day, now
from runtime.database import Database
from runtime.nudge import Nudges
from runtime.sessions import find_session, start_session
from runtime.settings import Settings
from safeguarding.check import Check
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader
from safeguarding.sites import add_site
from tests.conftest import FreshDatabase

KEY = "k" * 40
NORTHMOOR, WESTLEA = "706", "707"
ST_AGNES, HARBOUR = "R0A01", "R0B01"
ALWAYS = tuple(Hours(weekday, datetime.min.time(), datetime.max.time()) for weekday in range(1, 8))
PAS = Actor(ActorKind.SYSTEM, "pas", "St Agnes PAS", "R0A")

_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""To read the system's certificates takes longer than most pages, and nothing here is served by TLS."""


def nhs_number(position: int) -> NhsNumber:
    """The valid invented number nearest above 999 000 0000 plus ten times the position."""
    stem = 999_000_000 + position
    while check_digit(str(stem)) is None:
        stem += 1
    return NhsNumber(f"{stem}{check_digit(str(stem))}")


@dataclass(slots=True)
class House:
    """The application being served, and what a test does to it."""

    app: FastAPI
    settings: Settings
    database: Database
    desk: Desk
    nudges: Nudges
    url: str
    superuser_url: str = ""
    _seen: int = field(default=0)

    @asynccontextmanager
    async def browser(self, session_id: str = "") -> AsyncIterator[httpx.AsyncClient]:
        """A client that sends what a browser sends with a page of ours."""
        headers = {"accept": "text/html", "origin": self.settings.link("/").rstrip("/"), "sec-fetch-site": "same-origin"}
        cookies = {cookie_name(self.settings): session_id} if session_id else {}
        async with httpx.AsyncClient(base_url=self.url, headers=headers, cookies=cookies, timeout=60, verify=_NO_TLS) as client:
            yield client

    async def sign_in(self, role: Role, organisation: str, name: str = "") -> str:
        """The id of a new session."""
        name = name or f"Sam {role.value.replace('-', ' ').title()}"
        async with self.database.transaction() as transaction:
            return await start_session(transaction, f"sub-{name}", name, role, organisation, timedelta(hours=1))

    async def token(self, session_id: str) -> str:
        """The CSRF token that the session's pages carry."""
        async with self.database.transaction() as transaction:
            session = await find_session(transaction, session_id)
        assert session is not None
        return session.csrf

    async def flag(
        self,
        number: NhsNumber,
        authority: str = NORTHMOOR,
        kind: str = "CPP",
        *,
        family: str = "HARDING",
        given: str = "Jo",
        born: date = date(2019, 3, 3),
        start: date = date(2026, 1, 5),
        end: date | None = None,
        due: date | None = None,
        sensitive: bool = False,
    ) -> None:
        """An authority holds a plan, confirmed just now."""
        at = now()
        content = hashlib.sha256(f"{number} {authority} {kind} {at}".encode()).digest()
        async with self.database.transaction() as transaction:
            cursor = await transaction.execute(
                """
                INSERT INTO extracts (authority_code, content_hash, state, extracted_at, completed_at, sent_by)
                VALUES (%s, %s, 'loaded', %s, %s, 'test') RETURNING id
                """,
                (authority, content, at, at),
            )
            extract = (await cursor.fetchone() or (None,))[0]
            await transaction.execute("UPDATE authorities SET last_extracted_at = %s WHERE code = %s", (at, authority))
            cursor = await transaction.execute(
                """
                INSERT INTO persons (nhs_number, given_name, family_name, birth_date, sensitive) VALUES (%s, %s, %s, %s, %s)
                ON CONFLICT (nhs_number) DO UPDATE SET sensitive = excluded.sensitive RETURNING id
                """,
                (number, given, family, born, sensitive),
            )
            person = (await cursor.fetchone() or (None,))[0]
            await transaction.execute(
                """
                INSERT INTO flags (person_id, authority_code, kind, start_date, end_date, expected_delivery_date,
                                   last_extract_id, last_confirmed_at)
                VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
                """,
                (person, authority, kind, start, end, due, extract, at),
            )

    async def seen(
        self,
        number: NhsNumber | None,
        site: str = ST_AGNES,
        setting: CareSetting = CareSetting.EMERGENCY_DEPARTMENT,
        *,
        family: str = "",
        born: date | None = None,
        visit: str = "",
        trigger: TriggerEvent = TriggerEvent.REGISTER,
        left: bool = False,
        arrived: datetime | None = None,
        mother: NhsNumber | None = None,
    ) -> UUID:
        """A hospital says that a patient was seen; the encounter."""
        self._seen += 1
        reason = None if number else CouldNotCheckReason.NO_NUMBER
        identity = Identity(number, reason, family_name=family, birth_date=born, mother_number=mother)
        check = Check(
            actor=PAS, purpose=Purpose.DIRECT_CARE, trigger=trigger, identity=identity, site=site, care_setting=setting,
            at=now(), arrived_at=arrived, visit_number=visit or f"V{1000 + self._seen}", left_before_seen=left,
        )  # fmt: skip
        outcome = (await self.desk.ask(check)).outcome
        assert outcome.encounter_id is not None
        return outcome.encounter_id

    @asynccontextmanager
    async def store_away(self) -> AsyncIterator[None]:
        """Nobody gets a connection to the database while the block runs, and those that were open are cut.

        After the block the store can be used again at once.
        """
        name = conninfo_to_dict(self.settings.database_url.get_secret_value())["dbname"]
        with psycopg.connect(self.superuser_url, autocommit=True) as superuser:
            superuser.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(str(name))))
            superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            try:
                yield
            finally:
                superuser.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(str(name))))
        await self._come_back()

    async def _come_back(self) -> None:
        """Until nobody is given a connection that was cut, or waits for the next attempt at a new one."""
        await self.database._pool.check()
        while True:
            with suppress(CouldNotReachStore):
                await self.read_anew()
                await self.app.state.services.directory.current()
                async with self.database.numbered_transaction() as transaction:
                    await transaction.execute("SELECT 1")
                return
            await asyncio.sleep(0.02)

    async def alerts(self) -> list[UUID]:
        """All alerts, oldest first."""
        return [UUID(str(row[0])) for row in await self.rows("SELECT id FROM alerts ORDER BY id")]

    async def read_anew(self) -> None:
        """Authorities and sites were changed: do not wait for the seconds that the directory is kept."""
        with suppress(CouldNotReachStore):
            await self.app.state.services.directory.current()  # a read that is under way ends first
        self.app.state.services.directory.forget()

    async def rows(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        """What the database holds."""
        async with self.database.transaction() as transaction:
            return await (await transaction.execute(query.encode(), parameters)).fetchall()


async def furnish(database: Database) -> None:
    """Two authorities, one on duty at all hours and one at none, and two hospitals of two organisations."""
    async with database.transaction() as transaction:
        await add_authority(
            transaction, NIGHTLIGHT, NORTHMOOR, "Northmoor Council", "020 7946 0101", "020 7946 0109", hours=ALWAYS, live=True
        )
        await add_authority(
            transaction, NIGHTLIGHT, WESTLEA, "Westlea Borough", "020 7946 0201", "020 7946 0209", hours=(), live=True
        )
        await add_site(
            transaction, NIGHTLIGHT, ST_AGNES, "St Agnes Hospital", CareSetting.EMERGENCY_DEPARTMENT,
            organisation_name="St Agnes Trust", host_authority_code=NORTHMOOR, safeguarding_phone="020 7946 0301",
            frame_ancestors=["https://ehr.st-agnes.example", "not an origin; script-src *"],
        )  # fmt: skip
        await add_site(
            transaction, NIGHTLIGHT, HARBOUR, "Harbour Hospital", CareSetting.EMERGENCY_DEPARTMENT,
            organisation_name="Harbour Trust", host_authority_code=WESTLEA,
        )  # fmt: skip
        await transaction.execute("UPDATE authorities SET last_extracted_at = now()")


@contextmanager
def no_bank_holiday_now() -> Iterator[None]:
    """No office is closed because the tests run on a bank holiday, or on the day after one."""

    def at_another_time(day: date) -> bool:
        return is_bank_holiday(day) and not 0 <= (england_day(now()) - day).days <= 1

    with patch.object(duty_clock, "is_bank_holiday", at_another_time):
        yield


class _Server(uvicorn.Server):
    """As in production, and gone as soon as it is told to."""

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.01)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def open_house(
    fresh: FreshDatabase,
    redis_url: str,
    folder: Path,
    superuser_url: str = "",
    doors: Mapping[str, ASGIApp] | None = None,
    **given: object,
) -> AsyncIterator[House]:
    """Serve the application on a free port of loopback until the block ends."""
    sock = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    values = {
        "public_url": url,
        "secret_key": SecretStr(KEY),
        "data_dir": folder,
        "database_url": SecretStr(fresh.service_url),
    } | given
    settings = Settings(**values)  # type: ignore[arg-type]
    nudges = Nudges(redis_url)
    async with Database(fresh.service_url) as database:
        await furnish(database)
        directory = DirectoryReader(database)
        async with Desk(database, directory, KEY.encode()) as desk:
            held = Answerer(desk, directory, database)
            app = create_app(settings, database, desk, directory, nudges, doors, held, try_message)
            server = _Server(uvicorn.Config(app, http="httptools", access_log=False, log_config=None, timeout_graceful_shutdown=5))
            serving = asyncio.create_task(server.serve([sock]))
            while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
                await asyncio.sleep(0.01)
            try:
                with no_bank_holiday_now():
                    yield House(app, settings, database, desk, nudges, url, superuser_url)
            finally:
                app.state.services.screens.end()
                server.should_exit = True
                await serving
    await nudges.close()


def years_ago(years: int) -> date:
    """A day so many years and a month ago."""
    day = england_day(now()) - timedelta(days=30)
    return birthday_in(day, day.year - years)
