"""The command that tells a hospital's own system by HL7, shows where that stands, or stops it: `nightlight site outbound`."""

from datetime import datetime
from typing import Annotated

import typer

from domain.errors import InvalidInput
from hl7_listener.charsets import CHARACTER_SETS, codec
from hl7_listener.outbound import Sending
from hl7_listener.outbound_tls import client_context
from nightlight.cli.console import DataFolder, on_store, operator, out
from nightlight.supervisor.sockets import Address
from runtime.clock import ENGLAND
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.outbound import (
    VERSIONS,
    DeclaredFeed,
    OutboundFeed,
    Withdrawn,
    read_feeds,
    set_outbound,
    switch_off,
    withdraw_waiting,
)


def site_outbound(
    ods_code: Annotated[
        str | None, typer.Argument(metavar="[ODS]", help="The site's ODS code; none shows every site.", show_default=False)
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Where the site's engine listens (MLLP).", show_default=False)
    ] = None,
    not_released: Annotated[
        str | None,
        typer.Option(
            metavar="WORDS",
            help="Who declared that these results are not released to patients, and where that is written: needed.",
            show_default=False,
        ),
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Speak TLS, by NIGHTLIGHT_OUTBOUND_CA_FILE and its neighbours.")] = False,
    receiving_application: Annotated[str, typer.Option(help="MSH-5.", show_default=False)] = "",
    receiving_facility: Annotated[str, typer.Option(help="MSH-6; default: the site's ODS code.", show_default=False)] = "",
    local_authority: Annotated[
        str, typer.Option(help="Who assigns its own numbers (PID-3.4); default: the site's ODS code.", show_default=False)
    ] = "",
    version: Annotated[str, typer.Option(help=f"MSH-12, one of {', '.join(VERSIONS)}.")] = "2.4",
    character_set: Annotated[str, typer.Option(help='MSH-18, such as "8859/1"; none is ASCII.', show_default=False)] = "",
    off: Annotated[bool, typer.Option("--off", help="Tell the site's system no more.")] = False,
    drop_waiting: Annotated[
        str | None,
        typer.Option(
            metavar="REASON", help="With --off: never tell it what waits either, and why. It is audited.", show_default=False
        ),
    ] = None,
    data: DataFolder = None,
) -> None:
    """Tell a site's own system by HL7 (ORU) that there is safeguarding information or an answer, in neutral words.

    With neither --to nor --off it shows who is told, and how many deliveries wait.
    """
    site = ods_code.upper() if ods_code else None
    if off or to is not None:
        if site is None:
            raise InvalidInput("name the site by its ODS code")
        if off and to is not None:
            raise InvalidInput("either --to or --off")
    if drop_waiting is not None and not off:
        raise InvalidInput("--drop-waiting goes with --off")
    if drop_waiting is not None and site:
        _say_withdrawn(site, on_store(data, lambda database, _: _withdraw(database, site, drop_waiting)))
    elif off and site:
        waiting = on_store(data, lambda database, _: _switch_off(database, site))
        out.print(f"Nothing is sent to the system of site {site} any more, within a few seconds. Waiting: {waiting}.", markup=False)
    elif to is not None and site:
        address = Address.from_text(to)
        feed = OutboundFeed(
            site, address.host, address.port, tls, receiving_application, receiving_facility or site, local_authority or site,
            version, character_set,
        )  # fmt: skip
        on_store(data, lambda database, settings: _switch_on(database, settings, feed, not_released or ""))
        out.print(f"The system of site {site} is told at {to}, within a few seconds.", markup=False)
    else:
        _show(on_store(data, lambda database, _: _read(database, site)))


async def _switch_on(database: Database, settings: Settings, feed: OutboundFeed, declaration: str) -> None:
    if feed.character_set and not codec(feed.character_set):
        raise InvalidInput(f"{feed.character_set} is not a character set of HL7, such as {', '.join(CHARACTER_SETS)}")
    sending = Sending.of(settings)
    if not sending.may_reach(feed.host, tls=feed.tls):
        raise InvalidInput("without TLS messages stay on this machine: give --tls, or set NIGHTLIGHT_OUTBOUND_ANY_ADDRESS=true")
    if feed.tls:
        client_context(sending.files)
    async with database.transaction() as transaction:
        await set_outbound(transaction, operator(), feed, declaration)


async def _switch_off(database: Database, site: str) -> int:
    async with database.transaction() as transaction:
        return await switch_off(transaction, operator(), site)


async def _withdraw(database: Database, site: str, reason: str) -> Withdrawn:
    """Switch it off, if it is on, and end what waits, in one transaction."""
    async with database.transaction() as transaction:
        if any(feed.switched_off_at is None for feed in await read_feeds(transaction, site)):
            await switch_off(transaction, operator(), site)
        return await withdraw_waiting(transaction, operator(), site, reason)


def _say_withdrawn(site: str, withdrawn: Withdrawn) -> None:
    out.print(f"Nothing is sent to the system of site {site} any more. Withdrawn: {withdrawn.count}.", markup=False)
    if withdrawn.corrections:
        words = f"{withdrawn.corrections} of them would have said that a result was another patient's"
        out.print(f"{words}: tell the hospital by other means.", style="bold", markup=False)


async def _read(database: Database, site: str | None) -> list[DeclaredFeed]:
    async with database.transaction() as transaction:
        return await read_feeds(transaction, site)


def _show(feeds: list[DeclaredFeed]) -> None:
    for feed in feeds:
        place = f"{feed.host}:{feed.port}, {'TLS' if feed.tls else 'no TLS'}, version {feed.version}"
        state = f"switched off {_when(feed.switched_off_at)}" if feed.switched_off_at else "on"
        out.print(f"{feed.site}: {state}; {place}; {feed.waiting} waiting", markup=False)
        out.print(f"  not released to patients: {feed.declaration}", markup=False)
        out.print(f"  written down by {feed.declared_to}, {_when(feed.declared_at)}", markup=False)
    if not feeds:
        out.print("No site's own system is told.")


def _when(at: datetime) -> str:
    return f"{at.astimezone(ENGLAND):%d %b %Y %H:%M}"
