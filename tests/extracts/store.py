"""A store with two live authorities, and what tests ask of it."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.actor import Actor, ActorKind
from domain.extract import Declaration, Scope
from domain.flag import FlagKind
from flags_store.authorities import add_authority
from runtime.database import Database
from safeguarding.extracts.loading import ExtractReport, load_extract

OFFICER = Actor(ActorKind.PERSON, "dee", "Dee Data", "301", "data-officer")
MONDAY = datetime(2025, 9, 1, 6, 30, tzinfo=UTC)
TUESDAY, WEDNESDAY, THURSDAY = (MONDAY + timedelta(days=days) for days in (1, 2, 3))


@dataclass(slots=True)
class Store:
    """Loads extracts, and looks into what became of them."""

    database: Database

    async def furnish(self) -> None:
        async with self.database.transaction() as transaction:
            for code, name in (("301", "Ambershire"), ("302", "Birchford")):
                await add_authority(transaction, OFFICER, code, name, "01632 960301", "01632 961301", live=True)

    async def load(
        self,
        content: bytes,
        at: datetime = MONDAY,
        authority: str = "301",
        *,
        scope: Scope = Scope.PARTIAL,
        sensitive: bool = False,
        counts: Mapping[FlagKind, int] | None = None,
        **options: Any,
    ) -> ExtractReport:
        declaration = Declaration(at, scope, sensitive, counts or {})
        return await load_extract(self.database, OFFICER, authority, io.BytesIO(content), declaration, **options)

    async def rows(self, statement: str, *parameters: object) -> list[Any]:
        async with self.database.transaction() as transaction:
            return await (await transaction.execute(statement.encode(), parameters)).fetchall()

    async def value(self, statement: str, *parameters: object) -> Any:
        [(value,)] = await self.rows(statement, *parameters)
        return value

    async def flags(self, *columns: str) -> list[Any]:
        """The flags by number, kind and start, without what only says who loaded them when."""
        wanted = ", ".join(columns or ("nhs_number", "authority_code", "kind", "start_date", "end_date", "deleted_on", "local_id"))
        return await self.rows(
            f"SELECT {wanted} FROM flags JOIN persons ON persons.id = person_id"
            " ORDER BY nhs_number, authority_code, kind, start_date"
        )

    async def everything(self) -> list[Any]:
        """Every row of the tables that an extract writes, but for the extracts themselves."""
        tables = ("persons", "flags", "extract_rejects", "authorities", "audit_events")
        return [await self.rows(f"SELECT t::text FROM {table} t ORDER BY 1") for table in tables]


def counts(report: ExtractReport) -> dict[str, int]:
    """What is not nought."""
    names = ("opened", "amended", "ended", "deleted", "unchanged", "rejected", "held")
    found = {name: getattr(report, name) for name in names}
    assert sum(found.values()) == report.records
    return {name: count for name, count in found.items() if count}
