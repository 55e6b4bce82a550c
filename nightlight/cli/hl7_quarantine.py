"""Commands about messages that could not be taken: list, show, replay, discard."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from domain.errors import Conflict, InvalidInput
from domain.replaying import SegmentText
from hl7_listener.answering import Answerer
from hl7_listener.display import read_segments
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.clock import ENGLAND
from runtime.database import Database
from runtime.secret import secret_key
from runtime.settings import Settings
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader
from safeguarding.quarantine_decisions import discard, replay
from safeguarding.quarantine_views import (
    QuarantineList,
    QuarantineRow,
    QuarantineState,
    find_quarantined,
    list_quarantine,
    open_quarantined,
)
from safeguarding.quarantine_words import what_would_mend

quarantine = typer.Typer(no_args_is_help=True, help="Messages that could not be taken: nobody was checked by them.")

Ids = Annotated[list[UUID] | None, typer.Argument(metavar="[ID]...", help="As the list shows them.", show_default=False)]
OneId = Annotated[UUID, typer.Argument(metavar="ID", help="As the list shows it.", show_default=False)]
SiteOf = Annotated[
    str | None, typer.Option("--site", metavar="CODE", help="Only messages that name this facility in MSH-4.", show_default=False)
]


@quarantine.command("list")
def quarantine_list(
    state: Annotated[QuarantineState, typer.Option(help="Held ones, or those that were decided.")] = QuarantineState.HELD,
    site: SiteOf = None,
    newest: Annotated[bool, typer.Option("--newest", help="Newest first; otherwise oldest first.")] = False,
    data: DataFolder = None,
) -> None:
    """List what is in quarantine: when, from whom, why. No patient is shown."""

    async def work(database: Database, _: Settings) -> QuarantineList:
        async with database.transaction() as transaction:
            return await list_quarantine(transaction, state, site, newest_first=newest)

    found = on_store(data, work)
    for row in found.rows:
        out.print(f"{row.id}  {_moment(row.received_at)}  {_sender(row)}", markup=False)
        out.print(f"    {row.reason} ({row.error_code}){_decided(row)}", markup=False)
    if found.is_full:
        out.print(f"There are more: these are the {'newest' if newest else 'oldest'} {len(found.rows)}.")
    if not found.rows:
        out.print("No message is held." if state is QuarantineState.HELD else f"No message is {state.value}.")


@quarantine.command("show")
def quarantine_show(message_id: OneId, data: DataFolder = None) -> None:
    """Show one message field by field, with everything about the patient. It is audited with your name."""

    async def work(database: Database, settings: Settings) -> tuple[QuarantineRow, tuple[SegmentText, ...]]:
        async with database.transaction() as transaction:
            row = await find_quarantined(transaction, message_id)
            raw = await open_quarantined(transaction, operator(), row)
        return row, read_segments(raw, settings.default_charset)

    row, segments = on_store(data, work)
    out.print(f"{row.state} since {_moment(row.received_at)}, {_sender(row)}, {row.size:,} bytes{_decided(row)}", markup=False)
    out.print(f"Reason: {row.reason} ({row.error_code}).", markup=False)
    if row.is_held:
        out.print(f"What would mend it: {what_would_mend(row.error_code)}", markup=False)
    print_segments(segments)


def print_segments(segments: tuple[SegmentText, ...]) -> None:
    """Each segment with its fields by position."""
    for segment in segments:
        out.print()
        out.print(segment.name, style="bold", markup=False)
        for number, value in segment.fields:
            place = f"{segment.name}-{number}"
            out.print(f"  {place:<8}{value}", markup=False)


@quarantine.command("replay")
def quarantine_replay(
    message_ids: Ids = None,
    every: Annotated[bool, typer.Option("--all", help="All that are held, oldest first.")] = False,
    site: SiteOf = None,
    data: DataFolder = None,
) -> None:
    """Send held messages the way they went on the wire, by the peers and sites of today. A message is never taken twice.

    Exit status 0: all were taken. 1: some are still held.
    """
    if bool(message_ids) == every or (site and not every):
        raise InvalidInput("name the messages, or say --all (with --site CODE for one site's)")

    async def work(database: Database, settings: Settings) -> bool:
        taken = True
        async with answering(database, settings) as answerer:
            for message_id in message_ids or await _held(database, site):
                taken = await _replay(database, answerer, message_id) and taken
        return taken

    raise typer.Exit(0 if on_store(data, work) else 1)


async def _held(database: Database, site: str | None) -> list[UUID]:
    async with database.transaction() as transaction:
        found = await list_quarantine(transaction, site=site)
    if found.is_full:
        out.print(f"These are the oldest {len(found.rows)}: run it again for the rest.")
    return [row.id for row in found.rows]


async def _replay(database: Database, answerer: Answerer, message_id: UUID) -> bool:
    """Replay one and say what came of it."""
    try:
        async with database.transaction() as transaction:
            refusal = await replay(transaction, operator(), message_id, answerer.take_again)
    except Conflict as error:
        out.print(f"{message_id}  {error}", markup=False)
        return False
    said = "taken" if refusal is None else f"still held: {refusal.reason} ({refusal.error_code})"
    out.print(f"{message_id}  {said}", markup=False)
    return refusal is None


@asynccontextmanager
async def answering(database: Database, settings: Settings) -> AsyncIterator[Answerer]:
    """What the listener answers with, in front of a desk of this command's own."""
    directory = DirectoryReader(database)
    async with Desk(database, directory, secret_key(settings)) as desk:
        yield Answerer(desk, directory, database, settings.default_charset)


@quarantine.command("discard")
def quarantine_discard(
    message_id: OneId,
    reason: Annotated[str, typer.Option(help="Why nobody needs to be checked by it; do not name a patient.")],
    data: DataFolder = None,
) -> None:
    """Decide that a held message will never be taken. It is audited, and erased 30 days later."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await discard(transaction, operator(), message_id, reason)

    on_store(data, work)
    out.print(f"{message_id}  discarded", markup=False)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(ENGLAND):%d %b %Y %H:%M:%S}"


def _sender(row: QuarantineRow) -> str:
    facility = row.site or f"{_printable(row.sending_facility) or 'no facility'} (not known)"
    return f"{facility} from {row.peer}, control ID {_printable(row.control_id) or 'none'}"


def _printable(text: str) -> str:
    return "".join(each for each in text if each.isprintable())


def _decided(row: QuarantineRow) -> str:
    if row.decided_at is None:
        return f"; tried again {_moment(row.last_tried_at)}" if row.last_tried_at else ""
    why = f": {row.decision_reason}" if row.decision_reason else ""
    return f"; {row.state} {_moment(row.decided_at)} by {row.decided_by}{why}"
