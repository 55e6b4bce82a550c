"""Commands about agreements: `nightlight authority agreement record | list | end`. A trust's agreements are recorded here too."""

from datetime import date
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from domain.errors import InvalidInput
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.clock import england_day, now
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.onboarding.agreements import (
    FIELDS,
    AgreedWith,
    Agreement,
    Terms,
    end_agreement,
    list_agreements,
    record_agreement,
    running_out,
)

agreements = typer.Typer(no_args_is_help=True, help="Agreements with authorities and trusts: who shares what, why, until when.")

Authority = Annotated[str | None, typer.Option(help="Code of the authority.", show_default=False)]
Organisation = Annotated[str | None, typer.Option(help="ODS code of the trust.", show_default=False)]


@agreements.command("record")
def agreement_record(
    title: Annotated[str, typer.Option(help="What it is called, and where it is filed.")],
    controllers: Annotated[str, typer.Option(help="The controllers.")],
    processor: Annotated[str, typer.Option(help="The processor.")],
    lawful_basis: Annotated[str, typer.Option(help="The lawful basis.")],
    contact: Annotated[str, typer.Option(help="Whom a subject access request goes to.")],
    starts: Annotated[str, typer.Option(help="Its first day, such as 2026-04-01.")],
    purpose: Annotated[str, typer.Option(help="What for.")] = "Direct care and safeguarding of children",
    ends: Annotated[str | None, typer.Option(help="Its last day.", show_default="until it is ended")] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help=f"What may leave besides that a child was seen; repeat it: {', '.join(FIELDS)}.", show_default=False),
    ] = None,
    authority: Authority = None,
    organisation: Organisation = None,
    data: DataFolder = None,
) -> None:
    """Put an agreement on record, with an authority or with a trust for all its sites."""
    kind, code = _party(authority, organisation)
    if kind is None or code is None:
        raise InvalidInput("name the party: --authority or --organisation")
    terms = Terms(
        kind, code, title, controllers, processor, purpose, lawful_basis, contact, read_day(starts),
        None if ends is None else read_day(ends), tuple(field or ()),
    )  # fmt: skip

    async def work(database: Database, _: Settings) -> UUID:
        async with database.transaction() as transaction:
            return await record_agreement(transaction, operator(), terms)

    out.print(f"Recorded as {on_store(data, work)}.", markup=False)


@agreements.command("list")
def agreement_list(authority: Authority = None, organisation: Organisation = None, data: DataFolder = None) -> None:
    """Show the agreements on record, and whose run out or have run out."""
    kind, code = _party(authority, organisation)

    async def work(database: Database, _: Settings) -> list[Agreement]:
        async with database.transaction() as transaction:
            return await list_agreements(transaction, kind, code)

    found, today = on_store(data, work), england_day(now())
    table = Table("with", "title", "from", "to", "today", "id")
    for each in found:
        to = each.last_day.isoformat() if each.last_day else "until it is ended"
        table.add_row(
            f"{each.party_kind} {each.party_code}", each.title, each.starts.isoformat(), to,
            "in force" if each.holds_on(today) else "not in force", str(each.id),
        )  # fmt: skip
    out.print(table)
    for alarm in running_out(found, today):
        out.print(f"{alarm.sentence[:1].upper()}{alarm.sentence[1:]}. Flags keep showing; record the next one.", markup=False)


@agreements.command("end")
def agreement_end(
    agreement: Annotated[str, typer.Argument(metavar="ID", help="Its id, as `list` shows it.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why it ends earlier than was agreed.")],
    last_day: Annotated[str | None, typer.Option(help="Its last day, such as 2026-03-31.", show_default="today")] = None,
    data: DataFolder = None,
) -> None:
    """End an agreement earlier than was agreed. It hides no flag: pause or end the sharing itself with `set`."""
    try:
        agreement_id = UUID(agreement)
    except ValueError:
        raise InvalidInput(f"{agreement} is not the id of an agreement: nightlight authority agreement list shows it") from None
    day = england_day(now()) if last_day is None else read_day(last_day)

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await end_agreement(transaction, operator(), agreement_id, day, reason)

    on_store(data, work)
    out.print(f"Ended. Its last day is {day.isoformat()}.", markup=False)


def _party(authority: str | None, organisation: str | None) -> tuple[AgreedWith | None, str | None]:
    if authority and organisation:
        raise InvalidInput("either --authority or --organisation")
    if organisation:
        return AgreedWith.ORGANISATION, organisation.upper()
    return (AgreedWith.AUTHORITY, authority) if authority else (None, None)


def read_day(text: str) -> date:
    """A day. Raises InvalidInput."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f'"{text}" is not a day, such as 2026-03-31') from None
