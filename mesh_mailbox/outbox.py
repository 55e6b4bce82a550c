"""What waits to go to authorities is sent, one message after another; what cannot be sent waits, and is tried without end.

`nightlight.processes.mesh` calls `send_next`. At least once: the `local_id` stays, so that a receiver makes repeats one.
Source: docs/adr/0034; docs/authority/hl7-v3-and-mesh.md.
"""

import tempfile
from datetime import timedelta
from typing import BinaryIO, cast

from domain.errors import NotFound
from mesh_mailbox.access import MeshAccess
from mesh_mailbox.client import MeshAway, MeshRefused, Sent, open_mailbox
from mesh_mailbox.events import MeshEvent, event_of
from mesh_mailbox.notices import render_empty, render_inactive
from runtime.database import Database
from runtime.logs import get_logger
from safeguarding.mesh import (
    NoticeKind,
    Outgoing,
    claim_message,
    note_failed,
    note_sent,
    read_response_parts,
    refused_response,
    summary_response,
)  # fmt: skip

LEASE = timedelta(minutes=10)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=15)

log = get_logger()


async def send_next(database: Database, access: MeshAccess) -> bool:
    """Send the message that has been due for longest, and say whether there was one. Raises CouldNotReachStore."""
    async with database.transaction() as transaction:
        outgoing = await claim_message(transaction, LEASE)
    if outgoing is None:
        return False
    try:
        message_id = await _send(database, access, outgoing)
    except (MeshAway, MeshRefused) as error:
        await _note_failed(database, outgoing, error.code if isinstance(error, MeshRefused) else "mesh-away")
    except _NoMailboxError:
        await _note_failed(database, outgoing, "no-mailbox")
    else:
        async with database.transaction() as transaction:
            await note_sent(transaction, outgoing, message_id)
        log.info("sent by MESH", authority=outgoing.authority_code, kind=event_of(outgoing).value)
    return True


class _NoMailboxError(Exception):
    pass


async def _send(database: Database, access: MeshAccess, outgoing: Outgoing) -> str:
    if outgoing.mailbox is None:
        raise _NoMailboxError
    event = event_of(outgoing)
    sent = Sent(_workflow(access, outgoing.kind), outgoing.local_id, event.value, f"{event.value}.xml")
    with tempfile.TemporaryFile(prefix="nightlight-mesh-") as temporary:
        file = cast(BinaryIO, temporary)
        await _write(database, outgoing, file)
        file.flush()
        file.seek(0)
        async with open_mailbox(access) as mailbox:
            return await mailbox.send(outgoing.mailbox, file, sent)


def _workflow(access: MeshAccess, kind: NoticeKind) -> str:
    return {
        NoticeKind.UPLOAD_RESPONSE: access.workflows.response,
        NoticeKind.INACTIVE_NHS_NUMBER: access.workflows.inactive,
        NoticeKind.EMPTY_NOTIFICATION: access.workflows.notification,
    }[kind]


async def _write(database: Database, outgoing: Outgoing, file: BinaryIO) -> None:
    detail = outgoing.detail
    if outgoing.kind is NoticeKind.INACTIVE_NHS_NUMBER:
        number, local_id, reason = detail["nhs_number"], detail["local_id"], detail["reason"]
        file.write(render_inactive(outgoing.authority_code, outgoing.id, outgoing.created_at, number, local_id, reason))
    elif outgoing.kind is NoticeKind.EMPTY_NOTIFICATION:
        file.write(render_empty(outgoing.authority_code, outgoing.id, outgoing.created_at, detail["day"]))
    elif event_of(outgoing) is not MeshEvent.UPLOAD_RESPONSE or outgoing.extract_id is None:
        file.write(refused_response(None, outgoing.refusal_code, outgoing.refusal))
    else:
        async with database.transaction() as transaction:
            try:
                async for part in read_response_parts(transaction, outgoing.authority_code, outgoing.extract_id):
                    file.write(part)
            except NotFound:
                file.write(await summary_response(transaction, outgoing.authority_code, outgoing.extract_id))


async def _note_failed(database: Database, outgoing: Outgoing, problem: str) -> None:
    pause = min(FIRST_PAUSE * (1 << min(outgoing.attempts - 1, 20)), LONGEST_PAUSE)
    async with database.transaction() as transaction:
        await note_failed(transaction, outgoing, problem, pause)
    log.warning("not sent by MESH", authority=outgoing.authority_code, code=problem, attempt=outgoing.attempts)
