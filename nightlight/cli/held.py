"""Commands about what the shrink guard holds: list, release, refuse; nightlight extract held …

They show counts and senders, and nobody by name. An operator has no patient data to judge by: in a production store they act for a
data officer whom they name, and who did not send the extract (docs/adr/0032).
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.clock import ENGLAND, now
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.extracts.held import Released, Waiting, confirm_surge, read_waiting, refuse, release, take_back_surge
from safeguarding.time_words import span

held = typer.Typer(no_args_is_help=True, help="Endings and surges of openings that wait for a second person.")

OneId = Annotated[UUID, typer.Argument(metavar="EXTRACT", help="As the list shows it.", show_default=False)]
Authority = Annotated[str, typer.Option("--authority", metavar="CODE", help="Whose extract it is.", show_default=False)]
Named = Annotated[
    str,
    typer.Option(
        "--for", metavar="NAME", show_default=False,
        help="The data officer who decides, and did not send it: needed in a production store, and written down with your name.",
    ),
]  # fmt: skip
Reason = Annotated[str, typer.Option(help="Why; do not name a child.", show_default=False)]


@held.command("list")
def held_list(authority: Authority, data: DataFolder = None) -> None:
    """List what waits of an authority: how many plans, since when, sent by whom. Nobody is named but the senders."""

    async def work(database: Database, _: Settings) -> Waiting:
        async with database.transaction() as transaction:
            return await read_waiting(transaction, authority)

    waiting, at = on_store(data, work), now()
    for each in waiting.held:
        share = f"{each.share:.0%} of {each.open_plans} open plans"
        out.print(
            f"{each.extract_id}  held: {each.endings} ended, {each.deletions} deleted, {each.others} others ({share})", markup=False
        )
        out.print(_since(each.extracted_at, each.sender.name, span(at - each.waiting_since)), markup=False)
    for surge in waiting.surges:
        out.print(f"{surge.extract_id}  shown: {surge.openings} opened, beside {surge.open_plans} that were open", markup=False)
        out.print(_since(surge.extracted_at, surge.sender.name, span(at - surge.noted_at)), markup=False)
    if not waiting.held and not waiting.surges:
        out.print("Nothing waits.")


def _since(extracted_at: datetime, sender: str, waited: str) -> str:
    return f"    taken {extracted_at.astimezone(ENGLAND):%d %b %Y %H:%M}, sent by {sender}, waiting {waited}"


@held.command("release")
def held_release(extract_id: OneId, authority: Authority, named: Named = "", data: DataFolder = None) -> None:
    """Apply the endings and deletions that are held of an extract. Exit status 2: some did not fit what is held any more."""

    async def work(database: Database, _: Settings) -> Released:
        return await release(database, operator(), authority, extract_id, named=named)

    came = on_store(data, work)
    out.print(f"{came.applied} applied, {came.rejected} rejected.")
    raise typer.Exit(2 if came.rejected else 0)


@held.command("refuse")
def held_refuse(extract_id: OneId, authority: Authority, reason: Reason, named: Named = "", data: DataFolder = None) -> None:
    """Apply nothing that is held of an extract: every plan stays as it is."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await refuse(transaction, operator(), authority, extract_id, reason, named=named)

    on_store(data, work)
    out.print("Refused: every plan stays as it is.")


@held.command("confirm")
def held_confirm(extract_id: OneId, authority: Authority, named: Named = "", data: DataFolder = None) -> None:
    """Confirm that the many plans that an extract opened are right."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await confirm_surge(transaction, operator(), authority, extract_id, named=named)

    on_store(data, work)
    out.print("Confirmed: the new plans stand.")


@held.command("take-back")
def held_take_back(extract_id: OneId, authority: Authority, reason: Reason, named: Named = "", data: DataFolder = None) -> None:
    """Mark the many plans that an extract opened as recorded in error."""

    async def work(database: Database, _: Settings) -> int:
        return await take_back_surge(database, operator(), authority, extract_id, reason, named=named)

    out.print(f"{on_store(data, work)} plans were taken back.")
