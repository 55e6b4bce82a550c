"""Commands of the onboarding: `nightlight authority|site status | confirm`, `authority set`, `site set-state | details`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from domain.errors import InvalidInput
from domain.flag import FlagKind
from nightlight.cli.authority import Code, authorities
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.clock import ENGLAND
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.onboarding.checking import PhoneKind, agree_totals, record_phone_test
from safeguarding.onboarding.conditions import conditions
from safeguarding.onboarding.facts import AuthorityFacts, Facts
from safeguarding.onboarding.reading import read_facts
from safeguarding.onboarding.states import MEANING, Party, PartyKind, State
from safeguarding.onboarding.steps import Moved, move, withdraw
from safeguarding.sites import update_site

TOTALS = "control-totals"

Ods = Annotated[str, typer.Argument(metavar="ODS", help="The site's ODS code.", show_default=False)]
NewState = Annotated[State, typer.Argument(help="What it is from now on.", show_default=False)]
What = Annotated[str, typer.Argument(help="What was tried or compared.", show_default=False)]
RungAt = Annotated[
    str | None, typer.Option("--at", help='When the phone was rung, such as "2026-03-02 09:30", in England.', show_default="now")
]
Withdraw = Annotated[bool, typer.Option("--withdraw", help="Take back what somebody has asked for.")]


@authorities.command("status")
def authority_status(code: Code, data: DataFolder = None) -> None:
    """Show how an authority stands, and each condition of the next steps with how to meet it."""
    _show_status(data, Party(PartyKind.AUTHORITY, code))


@authorities.command("set")
def authority_set(code: Code, state: NewState, data: DataFolder = None) -> None:
    """Make an authority live, paused, or put it back to trial. Its flags are shown while it is live or paused.

    In a production store the conditions must be met, and a second person confirms by the same command.
    """
    _move(data, Party(PartyKind.AUTHORITY, code), state)


@authorities.command("withdraw")
def authority_withdraw(code: Code, data: DataFolder = None) -> None:
    """Take back a step of an authority that somebody has asked for and nobody has confirmed."""
    _withdraw(data, Party(PartyKind.AUTHORITY, code))


@authorities.command("confirm")
def authority_confirm(
    code: Code,
    what: What,
    at: RungAt = None,
    cpp: Annotated[int | None, typer.Option(help="Open child protection plans in its own system.", show_default=False)] = None,
    lac: Annotated[int | None, typer.Option(help="Looked after children in its own system.", show_default=False)] = None,
    ucpp: Annotated[int | None, typer.Option(help="Open unborn child plans in its own system.", show_default=False)] = None,
    data: DataFolder = None,
) -> None:
    """Write down that you rang its office-phone or emergency-phone, or that its control-totals agree.

    The totals are those that you give, or those that its newest extract declared.
    """
    party = Party(PartyKind.AUTHORITY, code)
    given = {kind: count for kind, count in zip(FlagKind, (cpp, lac, ucpp), strict=True) if count is not None}
    if what != TOTALS:
        _confirm_phone(data, party, what, at, [PhoneKind.OFFICE.value, PhoneKind.EMERGENCY.value, TOTALS])
        return

    async def work(database: Database, _: Settings) -> str:
        async with database.transaction() as transaction:
            return await agree_totals(transaction, operator(), code, given or None)

    out.print(f"The totals agree: {on_store(data, work)}. Written down.", markup=False)


def site_status(ods_code: Ods, data: DataFolder = None) -> None:
    """Show how a site stands, and each condition of the next steps with how to meet it."""
    _show_status(data, _site(ods_code))


def site_set_state(ods_code: Ods, state: NewState, data: DataFolder = None) -> None:
    """Make a site live, paused, or put it back to trial. Authorities are told of its patients only while it is live.

    In a production store the conditions must be met, and a second person confirms by the same command.
    """
    _move(data, _site(ods_code), state)


def site_withdraw(ods_code: Ods, data: DataFolder = None) -> None:
    """Take back a step of a site that somebody has asked for and nobody has confirmed."""
    _withdraw(data, _site(ods_code))


def site_confirm(ods_code: Ods, what: What, at: RungAt = None, data: DataFolder = None) -> None:
    """Write down that you rang its safeguarding-phone and the team answered."""
    _confirm_phone(data, _site(ods_code), what, at, [PhoneKind.SAFEGUARDING.value])


def site_details(
    ods_code: Ods,
    name: Annotated[str | None, typer.Option(help="Its name.", show_default=False)] = None,
    host_authority: Annotated[
        str | None, typer.Option(help="Code of the authority where the site stands.", show_default=False)
    ] = None,
    safeguarding_phone: Annotated[
        str | None, typer.Option(help="Phone of the hospital's own safeguarding team.", show_default=False)
    ] = None,
    data: DataFolder = None,
) -> None:
    """Change what a site has set; what is not named stays as it is. A phone that has changed must be tested again."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await update_site(
                transaction, operator(), ods_code.upper(), name=name, host_authority_code=host_authority,
                safeguarding_phone=safeguarding_phone,
            )  # fmt: skip

    on_store(data, work)
    out.print(f"Site {ods_code.upper()} is changed, within a few seconds.", markup=False)


SITE_COMMANDS: Mapping[str, Callable[..., None]] = {
    "status": site_status, "confirm": site_confirm, "set-state": site_set_state, "withdraw": site_withdraw,
    "details": site_details,
}  # fmt: skip
"""What `nightlight site` takes from here."""


def _site(ods_code: str) -> Party:
    return Party(PartyKind.SITE, ods_code.upper())


def _show_status(data: DataFolder, party: Party) -> None:
    async def work(database: Database, _: Settings) -> Facts:
        async with database.transaction() as transaction:
            return await read_facts(transaction, party)

    facts = on_store(data, work)
    out.print(f"{party}, {facts.name}: {facts.state.words}. {MEANING[party.kind, facts.state]}", markup=False)
    if isinstance(facts, AuthorityFacts) and facts.successor:
        out.print(f"Its successor is authority {facts.successor}: extracts are loaded for that one.", markup=False)
    table = Table("", "condition", "needed for", "what is the case", "what to do")
    for each in conditions(facts):
        steps = ", ".join(state.value for state in State if state in each.needed_for)
        table.add_row("met" if each.met else "to do", each.title, steps, each.says, "" if each.met else each.how)
    out.print(table)


def _move(data: DataFolder, party: Party, state: State) -> None:
    async def work(database: Database, _: Settings) -> Moved:
        async with database.transaction() as transaction:
            return await move(transaction, operator(), party, state)

    said: Mapping[Moved, str] = {
        Moved.DONE: f"{str(party).capitalize()} is {state.value} now.",
        Moved.ASKED: f"Asked for. {str(party).capitalize()} is {state.value} once somebody else gives the same command.",
    }
    out.print(said[on_store(data, work)], markup=False)


def _withdraw(data: DataFolder, party: Party) -> None:
    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await withdraw(transaction, operator(), party)

    on_store(data, work)
    out.print(f"What was asked for {party} is taken back.", markup=False)


def _confirm_phone(data: DataFolder, party: Party, what: str, at: str | None, known: list[str]) -> None:
    if what not in known:
        raise InvalidInput(f"{what} cannot be confirmed: choose {' or '.join(known)}")
    rung_at = None if at is None else read_moment(at)

    async def work(database: Database, _: Settings) -> str:
        async with database.transaction() as transaction:
            return await record_phone_test(transaction, operator(), party, PhoneKind(what), rung_at)

    out.print(f"You rang {on_store(data, work)}, and the team answered. Written down.", markup=False)


def read_moment(text: str) -> datetime:
    """A day and time in England. Raises InvalidInput."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f'"{text}" is not a day and time, such as 2026-03-02 09:30') from None
    return found if found.tzinfo else found.replace(tzinfo=ENGLAND)
