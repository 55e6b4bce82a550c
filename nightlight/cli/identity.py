"""`nightlight identity`: what an NHS number was ever linked with, and what a person puts right by hand. All of it is audited."""

from datetime import datetime
from typing import Annotated

import typer

from domain.errors import Conflict, InvalidInput
from domain.nhs_number import NhsNumber, parse_nhs_number, to_spaced
from flags_store.identity import seal_person, unseal_person
from flags_store.identity_history import History, Link, end_links, read_history
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.clock import ENGLAND, now
from runtime.database import Database
from runtime.settings import Settings

identity = typer.Typer(no_args_is_help=True, help="NHS numbers that change, over time.")

Number = Annotated[str, typer.Argument(metavar="NHS_NUMBER", help="Such as 999 000 0018 (quote the spaces).", show_default=False)]
Reason = Annotated[str, typer.Option(help="Why, and at whose word: it is written down. Name no patient.", show_default=False)]


@identity.command()
def history(nhs_number: Number, data: DataFolder = None) -> None:
    """Show which numbers lead to this one or come of it, by whose word, from when until when.

    Of a sealed record nothing is shown, and no other number's history names it.
    """
    number = parse_nhs_number(nhs_number)

    async def work(database: Database, _: Settings) -> History:
        async with database.transaction() as transaction:
            return await read_history(transaction, operator(), number)

    found = on_store(data, work)
    out.print(_standing(found), markup=False)
    for link in found.links:
        out.print(_line(link), markup=False)


@identity.command()
def unlink(nhs_number: Number, other: Number, reason: Reason, data: DataFolder = None) -> None:
    """End what links two numbers, whoever said it: neither leads to what is held on the other any more."""
    one, two = parse_nhs_number(nhs_number), parse_nhs_number(other)
    why = _checked(reason)

    async def work(database: Database, _: Settings) -> int:
        async with database.transaction() as transaction:
            return await end_links(transaction, operator(), one, two, why)

    if not on_store(data, work):
        raise Conflict("nothing links these numbers now")
    out.print("They are linked no more.")


@identity.command()
def seal(nhs_number: Number, reason: Reason, data: DataFolder = None) -> None:
    """A child was adopted, and the authority's extract cannot say so: withdraw and seal the old record at once, for everybody."""
    number, why = parse_nhs_number(nhs_number), _checked(reason)
    _change(data, number, why, is_sealing=True)
    out.print("Sealed. Nothing on this number is shown any more, and nobody can link it.")


@identity.command()
def unseal(nhs_number: Number, reason: Reason, data: DataFolder = None) -> None:
    """A record was sealed by mistake: show its plans again. Links that it had stay ended."""
    number, why = parse_nhs_number(nhs_number), _checked(reason)
    _change(data, number, why, is_sealing=False)
    out.print("Its plans are shown again. Links that it had stay ended.")


def _change(data: DataFolder, number: NhsNumber, reason: str, *, is_sealing: bool) -> None:
    async def work(database: Database, _: Settings) -> bool:
        async with database.transaction() as transaction:
            if is_sealing:
                return await seal_person(transaction, operator(), number, "adopted", now(), why=reason)
            return await unseal_person(transaction, operator(), number, reason)

    if not on_store(data, work):
        raise Conflict("it is sealed already" if is_sealing else "nothing is sealed on this number")


def _checked(reason: str) -> str:
    if not reason.strip():
        raise InvalidInput("say why, and at whose word: --reason")
    return reason.strip()


def _standing(found: History) -> str:
    if found.is_sealed:
        return "Sealed: nothing is shown of it, and nobody can link it."
    held = "An authority has sent a plan on this number." if found.is_held else "Nobody is held on this number."
    return held if found.links else f"{held} It was never linked with another."


_DIRECTIONS = {"prior": "the older number of", "successor": "the newer number of", "same": "the same patient as"}


def _line(link: Link) -> str:
    """One link on a line, however long it is: it is read by people and by grep."""
    by = "PDS" if link.relation == "superseded" else f"a merge of {link.source}"
    until = f"until {_moment(link.until)}" if link.until else "and it stands"
    said = f"{to_spaced(link.other)} is {_DIRECTIONS[link.direction]} {to_spaced(link.held)}"
    return f"{said}, by {by}, since {_moment(link.since)} {until}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(ENGLAND):%Y-%m-%d %H:%M}"
