"""One round through the inbox: what an authority sent is kept in the store, and only then acknowledged.

`nightlight.processes.mesh` polls. Whatever cannot be taken in stays in MESH, unacknowledged and in sight, and holds nothing up.
Source: docs/facts.md, section 4; docs/adr/0034; docs/authority/hl7-v3-and-mesh.md.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from domain.errors import CouldNotReachStore, Temporary
from domain.extract import CameBy, Declaration
from mesh_mailbox.access import MeshAccess
from mesh_mailbox.client import Mailbox, MeshAway, MeshRefused, open_mailbox
from mesh_mailbox.content import NotReadable, read_content
from mesh_mailbox.metrics import INBOX_MESSAGES, LAST_POLLED
from runtime.clock import now
from runtime.database import Database
from runtime.logs import get_logger
from safeguarding.extracts.uploads import UploadTooLarge, keep_upload
from safeguarding.mesh import (
    authority_of_mailbox,
    keep_due,
    mailbox_actor,
    note_gone,
    note_report,
    note_taken,
    note_undelivered,
    note_untaken,
    queue_response,
)  # fmt: skip

MOST_AT_ONCE = 5_000
_GONE = {"http-404", "http-410"}

log = get_logger()


class _UntakenError(Exception):
    """Why a message stays where it is: a short code of ours."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class _Seen:
    """What is known of a message so far."""

    id: str
    sender: str = ""
    workflow: str = ""


async def poll_inbox(database: Database, access: MeshAccess) -> int:
    """Take in what is due, and return how many messages were. Raises MeshAway, CouldNotReachStore: then the round is not over."""
    async with open_mailbox(access) as mailbox:
        waiting = await mailbox.list_messages(MOST_AT_ONCE)
        async with database.transaction() as transaction:
            due = await keep_due(transaction, waiting)
        taken = 0
        for message_id in due:
            taken += await _take_in(database, access, mailbox, message_id)
        if len(waiting) < MOST_AT_ONCE:
            async with database.transaction() as transaction:
                lost = await note_gone(transaction, waiting)
            if lost:
                log.error("MESH gave up messages that nobody had taken in", count=lost)
    LAST_POLLED.set(now().timestamp())
    return taken


async def _take_in(database: Database, access: MeshAccess, mailbox: Mailbox, message_id: str) -> bool:
    """Keep one message and acknowledge it, or leave it and write down why. Raises MeshAway, CouldNotReachStore."""
    seen = _Seen(message_id)
    try:
        await _take(database, access, mailbox, seen)
    except (MeshAway, CouldNotReachStore):
        raise
    except Exception as error:  # one message holds up no other
        code = _code_of(error)
        if code not in _GONE:  # else somebody has acknowledged it meanwhile
            await _leave(database, seen, code)
        return False
    INBOX_MESSAGES.labels("taken").inc()
    return True


async def _take(database: Database, access: MeshAccess, mailbox: Mailbox, seen: _Seen) -> None:
    message = await mailbox.retrieve(seen.id)
    try:
        seen.sender, seen.workflow = (message.sender or "").strip().upper(), (message.workflow_id or "").strip()
        if message.message_type == "REPORT":
            await _keep_report(database, seen, message)
        else:
            await _keep(database, access, seen, message)
    finally:
        await asyncio.to_thread(message.close)
    await mailbox.acknowledge(seen.id)


def _code_of(error: Exception) -> str:
    if isinstance(error, _UntakenError | MeshRefused):
        return error.code
    for kind, code in ((UploadTooLarge, "too-large"), (NotReadable, "not-readable"), (Temporary, "not-kept")):
        if isinstance(error, kind):
            return code
    log.error("MESH message not taken in", error=type(error).__name__)
    return "unexpected"


async def _keep(database: Database, access: MeshAccess, seen: _Seen, message: Any) -> None:
    async with database.transaction() as transaction:
        authority_code = await authority_of_mailbox(transaction, seen.sender)
    if authority_code is None:
        raise _UntakenError("unknown-sender")
    if seen.workflow not in access.workflows.upload:
        raise _UntakenError("unknown-workflow")
    upload = await keep_upload(
        database, mailbox_actor(seen.sender, authority_code), authority_code, read_content(message), Declaration(), CameBy.MESH,
        largest=access.largest, mesh_message_id=seen.id,
    )  # fmt: skip
    async with database.transaction() as transaction:
        await queue_response(transaction, authority_code, upload.id, seen.id)
        await note_taken(transaction, seen.id)


async def _keep_report(database: Database, seen: _Seen, message: Any) -> None:
    """MESH tells that something of ours was not delivered: that is work for a person, and loud."""
    linked = message.mex_header("linkedmsgid", "") or ""
    code = "".join(each for each in (message.mex_header("statuscode", "") or "") if each.isalnum())[:8].lower()
    reason = f"mesh-{code or 'report'}"
    async with database.transaction() as transaction:
        await note_report(transaction, seen.id, seen.workflow, reason)
        await note_undelivered(transaction, linked, reason)
    log.error("MESH did not deliver what was sent", code=reason)


async def _leave(database: Database, seen: _Seen, code: str) -> None:
    async with database.transaction() as transaction:
        is_new = await note_untaken(transaction, seen.id, seen.sender, seen.workflow, code)
    INBOX_MESSAGES.labels(code).inc()
    (log.error if is_new else log.warning)("MESH message left in the inbox", code=code)
