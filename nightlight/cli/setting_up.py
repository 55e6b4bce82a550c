"""Commands that set up who asks: `nightlight site add | set`. What is about authorities stands in `nightlight.cli.authority`."""

from typing import Annotated

import typer

from domain.care_setting import CareSetting
from domain.errors import InvalidInput
from hl7_listener.charsets import CHARACTER_SETS, codec
from nightlight.cli.authority import authorities, parse_hours
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.onboarding.reading import read_is_production
from safeguarding.sites import LOOPBACK, Answering, add_site, set_answering

__all__ = ["authorities", "parse_hours", "site_add", "site_set", "sites"]

sites = typer.Typer(no_args_is_help=True, help="Hospital sites and services: who asks.")


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

    async def work(database: Database, _: Settings) -> str:
        async with database.transaction() as transaction:
            state = "setting-up" if await read_is_production(transaction) else "live"
            await add_site(
                transaction, operator(), ods_code, name, setting, organisation_code=organisation,
                organisation_name=organisation_name, host_authority_code=host_authority, safeguarding_phone=safeguarding_phone,
                frame_ancestors=frame_ancestor or (), networks=sends_from or LOOPBACK, lookups_alert=lookups_alert, state=state,
            )  # fmt: skip
            return state

    state = on_store(data, work)
    out.print(f"Added site {ods_code.upper()}, {name}. Its messages are taken within a few seconds.", markup=False)
    if state != "live":
        out.print(f"It is setting up: nightlight site status {ods_code.upper()} says what it needs to go live.", markup=False)


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
