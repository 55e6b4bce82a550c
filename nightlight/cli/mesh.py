"""`nightlight mesh`: what lies in our MESH mailbox and was not taken in, and what goes to authorities by MESH.

For operators, on the service's own machine; no patient is in it. Source: docs/authority/hl7-v3-and-mesh.md.
"""

from typing import Annotated

import typer

from nightlight.cli.console import DataFolder, on_store, out
from runtime.clock import ENGLAND
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.mesh import Queued, Untaken, read_outbox, read_untaken

REMEDIES = {
    "unknown-sender": "no authority has this mailbox: nightlight authority details CODE --mesh-mailbox",
    "unknown-workflow": "not a workflow of extracts: NIGHTLIGHT_MESH_WORKFLOW_UPLOAD",
    "too-large": "larger than NIGHTLIGHT_UPLOAD_MAX_BYTES",
    "not-readable": "its compressed content is damaged: ask the authority to send it again",
    "not-kept": "the store did not take it: see the log",
}
NOTHING = "Nothing waits, neither in the mailbox nor to be sent."


def mesh(
    all_sent: Annotated[bool, typer.Option("--all", help="Also what was sent.")] = False, data: DataFolder = None
) -> None:  # fmt: skip
    """Show what waits in our MESH mailbox, and what waits to be sent by MESH."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            untaken = await read_untaken(transaction)
            queued = [each for each in await read_outbox(transaction) if all_sent or each.state != "sent"]
        for line in [*map(_in_words, untaken), *map(_out_words, queued)] or [NOTHING]:
            out.print(line, markup=False, soft_wrap=True)

    on_store(data, work)


def _in_words(each: Untaken) -> str:
    since = f"{each.first_seen_at.astimezone(ENGLAND):%Y-%m-%d %H:%M}"
    lost = "LOST in MESH before it was taken in; " if each.state == "gone" else ""
    remedy = REMEDIES.get(each.reason, each.reason)
    sender, workflow = each.sender or "nobody known", each.workflow_id or "no workflow"
    return f"in   {since}  {each.message_id}  from {sender}, {workflow}: {lost}{remedy}"


def _out_words(each: Queued) -> str:
    since = f"{each.created_at.astimezone(ENGLAND):%Y-%m-%d %H:%M}"
    problem = f", {each.problem}" if each.problem else ""
    return f"out  {since}  {each.kind.value} to {each.authority_code}: {each.state}, {each.attempts} attempts{problem}"
