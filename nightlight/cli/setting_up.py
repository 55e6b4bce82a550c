"""Commands that set up who sends, who asks, and who is told: authority, site."""

import re
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from domain.care_setting import CareSetting
from domain.errors import InvalidInput
from flags_store.authorities import OFFICE_HOURS, Hours, add_authority, set_state
from hl7_listener.charsets import CHARACTER_SETS, codec
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.sites import LOOPBACK, Answering, add_site, set_answering

authorities = typer.Typer(no_args_is_help=True, help="Local authorities: who sends extracts and is told.")
sites = typer.Typer(no_args_is_help=True, help="Hospital sites and services: who asks.")

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? (\d\d:\d\d)-(\d\d:\d\d)")


@authorities.command("add")
def authority_add(
    code: Annotated[str, typer.Argument(help="The authority's code, such as 301.", show_default=False)],
    name: Annotated[str, typer.Option(help="Its name.")],
    office_phone: Annotated[str, typer.Option(help="Phone in office hours.")],
    emergency_phone: Annotated[str, typer.Option(help="Phone of the emergency duty team at all other hours.")],
    hours: Annotated[
        list[str] | None,
        typer.Option(
            help='Office hours, such as "mon-thu 08:45-17:00"; repeat it. Default: mon-fri 08:45-17:00.', show_default=False
        ),
    ] = None,
    email: Annotated[str | None, typer.Option(help="The team's mailbox for alerts.", show_default=False)] = None,
    rhythm_hours: Annotated[float, typer.Option(help="Longest time between extracts before its feed is late.")] = 24,
    live: Annotated[bool, typer.Option("--live", help="Show its flags at once; otherwise it is setting up.")] = False,
    data: DataFolder = None,
) -> None:
    """Add a local authority."""
    stretches = parse_hours(hours) if hours else OFFICE_HOURS

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await add_authority(
                transaction, operator(), code, name, office_phone, emergency_phone, alert_email=email, hours=stretches,
                rhythm=timedelta(hours=rhythm_hours), live=live,
            )  # fmt: skip

    on_store(data, work)
    out.print(f"Added authority {code}, {name}, {'live' if live else 'setting up'}.", markup=False)


class State(StrEnum):
    """How an authority stands: trial is matched and reported and never shown; a paused feed counts as late."""

    SETTING_UP = "setting-up"
    TRIAL = "trial"
    LIVE = "live"
    PAUSED = "paused"


@authorities.command("set")
def authority_set(
    code: Annotated[str, typer.Argument(help="The authority's code, such as 301.", show_default=False)],
    state: Annotated[State, typer.Argument(help="What it is from now on.", show_default=False)],
    data: DataFolder = None,
) -> None:
    """Make an authority live, paused, or put it back to trial. Its flags are shown while it is live or paused."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await set_state(transaction, operator(), code, state.value)

    on_store(data, work)
    out.print(f"Authority {code} is {state.value} now.", markup=False)


def parse_hours(lines: list[str]) -> tuple[Hours, ...]:
    """Office hours from words such as "mon-thu 08:45-17:00". Raises InvalidInput."""
    hours: list[Hours] = []
    for line in lines:
        found = _HOURS.fullmatch(line.strip().lower())
        if not found or found[1] not in _DAYS or (found[2] or found[1]) not in _DAYS:
            raise InvalidInput(f'hours are written like "mon-fri 08:45-17:00", not "{line}"')
        first, last = _DAYS.index(found[1]), _DAYS.index(found[2] or found[1])
        try:
            opens, closes = time.fromisoformat(found[3]), time.max if found[4] == "24:00" else time.fromisoformat(found[4])
        except ValueError:
            raise InvalidInput(f'"{line}" holds no time of day') from None
        if last < first or closes <= opens:
            raise InvalidInput(f'"{line}" ends before it begins')
        hours += [Hours(weekday + 1, opens, closes) for weekday in range(first, last + 1)]
    return tuple(hours)


@sites.command("add")
def site_add(
    ods_code: Annotated[
        str, typer.Argument(metavar="ODS", help="The site's ODS code, as its messages carry it in MSH-4.", show_default=False)
    ],
    name: Annotated[str, typer.Option(help="Its name.")],
    setting: Annotated[CareSetting, typer.Option(help="What it is, where its messages do not say.")],
    organisation: Annotated[
        str | None, typer.Option(help="ODS code of its trust; default: the first three characters.", show_default=False)
    ] = None,
    organisation_name: Annotated[str | None, typer.Option(help="Name of its trust.", show_default=False)] = None,
    host_authority: Annotated[
        str | None, typer.Option(help="Code of the authority where the site stands.", show_default=False)
    ] = None,
    safeguarding_phone: Annotated[
        str, typer.Option(help="Phone of the hospital's own safeguarding team.", show_default=False)
    ] = "",
    sends_from: Annotated[
        list[str] | None,
        typer.Option(
            "--from", help="Address or network that its systems send from; repeat it. Default: loopback.", show_default=False
        ),
    ] = None,
    frame_ancestor: Annotated[
        list[str] | None, typer.Option(help="Origin of an EHR that may frame the banner; repeat it.", show_default=False)
    ] = None,
    lookups_alert: Annotated[
        bool, typer.Option("--lookups-alert", help="A FHIR lookup alone tells the authority, although its HL7 feed is live.")
    ] = False,
    data: DataFolder = None,
) -> None:
    """Add a hospital site with the usual care-setting rules."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await add_site(
                transaction, operator(), ods_code, name, setting, organisation_code=organisation,
                organisation_name=organisation_name, host_authority_code=host_authority, safeguarding_phone=safeguarding_phone,
                frame_ancestors=frame_ancestor or (), networks=sends_from or LOOPBACK, lookups_alert=lookups_alert,
            )  # fmt: skip

    on_store(data, work)
    out.print(f"Added site {ods_code.upper()}, {name}. Its messages are taken within a few seconds.", markup=False)


@sites.command("set")
def site_set(
    ods_code: Annotated[str, typer.Argument(metavar="ODS", help="The site's ODS code.", show_default=False)],
    announce_in_ack: Annotated[
        bool | None,
        typer.Option(
            help="Say in the acknowledgement, in neutral words, that something is known. Mutual TLS only.", show_default=False
        ),
    ] = None,
    refuse_recycled: Annotated[
        bool | None,
        typer.Option(help="Refuse (AE 205) a control ID that comes again with other content; else take it.", show_default=False),
    ] = None,
    silent_on_failure: Annotated[
        bool | None,
        typer.Option(help="At trouble of ours close the connection instead of sending AR.", show_default=False),
    ] = None,
    character_set: Annotated[
        str | None,
        typer.Option(
            help='Character set where MSH-18 is missing or wrong, such as "8859/1"; "" for the listener\'s.', show_default=False
        ),
    ] = None,
    data: DataFolder = None,
) -> None:
    """Change how a site's messages are answered; what is not named stays as it is."""
    if character_set and not codec(character_set):
        raise InvalidInput(f"{character_set} is not a character set of HL7, such as {', '.join(CHARACTER_SETS)}")

    async def work(database: Database, _: Settings) -> None:
        answering = Answering(announce_in_ack, refuse_recycled, silent_on_failure, character_set)
        async with database.transaction() as transaction:
            await set_answering(transaction, operator(), ods_code, answering)

    on_store(data, work)
    out.print(f"Site {ods_code.upper()} is answered so within a few seconds.", markup=False)
