"""A small house for tests: two live authorities, a hospital of two sites, and flags put straight into the store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.actor import Actor, ActorKind, Purpose
from domain.care_setting import CareSetting
from domain.encounter import Identity, LocalNumber, TriggerEvent
from domain.nhs_number import NhsNumber
from flags_store.authorities import add_authority
from runtime.clock import now
from runtime.database import Database
from runtime.ids import uuid7
from safeguarding.check import Check, MessageKey, Reply
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader
from safeguarding.sites import add_site

KEY = b"k" * 32
OPERATOR = Actor(ActorKind.OPERATOR, "test", "A tester", "nightlight")
FEED = Actor(ActorKind.SYSTEM, "peer", "PAS of R0A01", "R0A01")
CHILD = NhsNumber("9990000018")
OTHER_CHILD = NhsNumber("9990000026")
UNKNOWN_CHILD = NhsNumber("9990000034")
SEEN_AT = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)


@dataclass(slots=True)
class House:
    """The parts a test asks with, and looks into."""

    database: Database
    directory: DirectoryReader
    desk: Desk
    nudged: list[bool] = field(default_factory=list)

    async def rows(self, statement: str, *parameters: object) -> list[Any]:
        async with self.database.transaction() as transaction:
            cursor = await transaction.execute(statement.encode(), parameters)
            return await cursor.fetchall()

    async def value(self, statement: str, *parameters: object) -> Any:
        [(value,)] = await self.rows(statement, *parameters)
        return value

    async def flag(self, number: str = CHILD, authority: str = "301", kind: str = "CPP", **columns: object) -> UUID:
        """Put a flag straight into the store, as an extract would have."""
        async with self.database.transaction() as transaction:
            return await put_flag(transaction, number, authority, kind, **columns)

    async def ask(self, **changes: object) -> Reply:
        return await self.desk.ask(check(**changes))


@asynccontextmanager
async def open_house(service_url: str, *, furnish: bool = True, traces: bool = True) -> AsyncIterator[House]:
    """A desk that wants traces; with authorities 301 and 302 and the sites R0A01 and R0A02 unless they are there."""
    nudged: list[bool] = []
    async with Database(service_url, 5) as database:
        if furnish:
            await add_furniture(database)
        directory = DirectoryReader(database)
        async with Desk(database, directory, KEY, on_alert=lambda: nudged.append(True), traces=traces) as desk:
            yield House(database, directory, desk, nudged)


async def add_furniture(database: Database) -> None:
    async with database.transaction() as transaction:
        for code, name in (("301", "Ambershire"), ("302", "Birchford")):
            await add_authority(
                transaction,
                OPERATOR,
                code,
                name,
                f"01632 960{code}",
                f"01632 961{code}",
                alert_email=f"team@{code}.example",
                live=True,
            )
        for ods, setting in (("R0A01", CareSetting.EMERGENCY_DEPARTMENT), ("R0A02", CareSetting.PAEDIATRIC_WARD)):
            await add_site(
                transaction, OPERATOR, ods, f"Site {ods}", setting, organisation_name="Royal Amber", host_authority_code="302",
                safeguarding_phone="01632 960999",
            )  # fmt: skip
        await transaction.execute("UPDATE authorities SET last_extracted_at = %s", (now(),))


async def put_flag(transaction: Any, number: str, authority: str, kind: str, **columns: object) -> UUID:
    values: dict[str, object] = {
        "start_date": date(2026, 1, 5), "end_date": None, "expected_delivery_date": None, "given_name": "Ada",
        "family_name": "Example", "birth_date": None if kind == "UCPP" else date(2018, 5, 6), "sensitive": False, **columns,
    }  # fmt: skip
    extract, flag = uuid7(), uuid7()
    await transaction.execute(
        """
        INSERT INTO extracts (id, authority_code, content_hash, state, extracted_at, completed_at, sent_by)
        VALUES (%s, %s, %s, 'loaded', now(), now(), 'test')
        """,
        (extract, authority, extract.bytes * 2),
    )
    await transaction.execute(
        """
        INSERT INTO persons (nhs_number, given_name, family_name, birth_date, sensitive) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (nhs_number) DO NOTHING
        """,
        (number, values["given_name"], values["family_name"], values["birth_date"], values["sensitive"]),
    )
    await transaction.execute(
        """
        INSERT INTO flags (id, person_id, authority_code, kind, start_date, end_date, expected_delivery_date, last_extract_id,
                           last_confirmed_at)
        SELECT %s, id, %s, %s, %s, %s, %s, %s, now() FROM persons WHERE nhs_number = %s
        """,
        (
            flag, authority, kind, values["start_date"], values["end_date"], values["expected_delivery_date"], extract, number,
        ),
    )  # fmt: skip
    return flag


def check(**changes: Any) -> Check:
    """An emergency registration of CHILD at R0A01, visit V1, unless changed."""
    number = changes.pop("number", CHILD)
    local = changes.pop("local", None)
    identity = Identity(
        number,
        local_numbers=(LocalNumber("R0A01", local),) if local else (),
        family_name=changes.pop("family_name", "Example"),
        given_name=changes.pop("given_name", "Ada"),
        birth_date=changes.pop("birth_date", date(2018, 5, 6)),
        mother_number=changes.pop("mother", None),
    )
    control_id = changes.pop("control_id", None)
    message = MessageKey("PAS", "R0A01", control_id, control_id.encode()) if control_id else None
    minutes = changes.pop("minutes", 0)
    values: dict[str, Any] = {
        "actor": FEED, "purpose": Purpose.DIRECT_CARE, "trigger": TriggerEvent.REGISTER, "identity": identity, "site": "R0A01",
        "care_setting": CareSetting.EMERGENCY_DEPARTMENT, "at": SEEN_AT + timedelta(minutes=minutes), "visit_number": "V1",
        "message": message, "acknowledge": (lambda _: f"ack of {control_id}".encode()) if control_id else None, **changes,
    }  # fmt: skip
    return Check(**values)
