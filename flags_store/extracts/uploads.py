"""Uploads: what came in from an authority, byte for byte, from the moment it is acknowledged until it is loaded or refused.

`safeguarding.extracts.uploads` keeps them and takes the next one off `upload_queue`; the pages and doors read how far each is.
Source: docs/facts.md, sections 4 and 7 (raw bytes are gone when they were processed).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from psycopg.rows import kwargs_row

from domain.actor import Actor, ActorKind
from domain.errors import Conflict, NotFound, Temporary
from domain.extract import CameBy, Declaration, Scope
from domain.flag import FlagKind
from runtime.audit import record_audit
from runtime.database import Connection
from runtime.ids import uuid7

MOST_WAITING = 50
"""Uploads of one authority that may wait; each can be as large as is taken."""


class NotSettled(Temporary):
    """What was sent was known a moment ago, and has just been refused: nothing was kept now."""


class TooManyWaiting(Conflict):
    """So many uploads of this authority wait to be loaded that no more is taken for now."""


class UploadState(StrEnum):
    """How far an upload has come. `WAITING` is also what failed for a reason that will pass, until it is due again."""

    WAITING = "waiting"
    LOADING = "loading"
    LOADED = "loaded"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload. `done` of `total` records are behind its `step`; nobody knows the total while the file is still being read.

    `extract_id`: what it was loaded as. `refusal_code`, `refusal`: why nothing of it was loaded, for people; never who is in it.
    """

    id: UUID
    authority_code: str
    content_hash: bytes
    size: int
    came_by: CameBy
    mesh_message_id: str
    actor: Actor
    declaration: Declaration
    received_at: datetime
    state: UploadState
    attempts: int
    due_at: datetime
    step: str
    done: int
    total: int | None
    extract_id: UUID | None
    refusal_code: str
    refusal: str
    ended_at: datetime | None
    known: bool = field(default=False, compare=False)
    """It had been kept before: what came now is a repeat, and was not kept again."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state in {UploadState.LOADED, UploadState.REFUSED}


@dataclass(frozen=True, slots=True)
class Came:
    """What is to be kept: whose, by which way, what its sender says of it, and what it is known by."""

    authority_code: str
    actor: Actor
    came_by: CameBy
    declaration: Declaration
    content_hash: bytes
    size: int
    mesh_message_id: str = ""


async def begin_upload(transaction: Connection, came: Came) -> Upload:
    """The row of an upload, to which `add_part` adds the bytes in the same transaction; where `known`, nothing is to be added.

    The same MESH message, or the same content declared the same, is the earlier upload; content that was refused is tried again.
    Waits for another transaction that is keeping the same just now. Raises NotFound (authority), TooManyWaiting.
    """
    known = await _find_message(transaction, came.mesh_message_id)
    if known is not None:
        return replace(known, known=True)
    if (await transaction.execute("SELECT FROM authorities WHERE code = %s", (came.authority_code,))).rowcount == 0:
        raise NotFound("there is no such authority")
    actor, declaration = came.actor, came.declaration
    values = {
        "id": uuid7(), "authority": came.authority_code, "hash": came.content_hash, "size": came.size, "came_by": came.came_by,
        "message": came.mesh_message_id, "kind": actor.kind, "actor": actor.id, "name": actor.name, "role": actor.role,
        "organisation": actor.organisation, "at": declaration.extracted_at, "scope": declaration.scope,
        "sensitive": declaration.sensitive, "declared": _declared(declaration),
    }  # fmt: skip
    added = await transaction.execute(_BEGIN, values)
    if added.rowcount == 0:
        return replace(await _find_same(transaction, came, values), known=True)
    await _check_waiting(transaction, came.authority_code)
    await record_audit(
        transaction, actor, "upload.keep", "upload", str(values["id"]), authority=came.authority_code, came_by=came.came_by,
        bytes=came.size,
    )  # fmt: skip
    return await read_upload(transaction, came.authority_code, UUID(str(values["id"])))


_BEGIN = """
    INSERT INTO uploads (id, authority_code, content_hash, size, came_by, mesh_message_id, actor_kind, actor_id, actor_name,
                         actor_role, actor_organisation, extracted_at, scope, sensitive, declared)
    VALUES (%(id)s, %(authority)s, %(hash)s, %(size)s, %(came_by)s, %(message)s, %(kind)s, %(actor)s, %(name)s,
            %(role)s, %(organisation)s, %(at)s, %(scope)s, %(sensitive)s, %(declared)s::jsonb)
    ON CONFLICT DO NOTHING
"""


async def _check_waiting(transaction: Connection, authority_code: str) -> None:
    cursor = await transaction.execute(
        "SELECT FROM uploads WHERE authority_code = %s AND state IN ('waiting', 'loading') LIMIT %s",
        (authority_code, MOST_WAITING + 1),
    )
    if cursor.rowcount > MOST_WAITING:
        raise TooManyWaiting("too many extracts of this authority wait to be loaded; send no more for now")


def _declared(declaration: Declaration) -> str:
    return json.dumps({kind.value: count for kind, count in declaration.counts.items()})


async def add_part(transaction: Connection, upload_id: UUID, number: int, content: bytes) -> None:
    """Keep one part of the bytes."""
    await transaction.execute(
        "INSERT INTO upload_parts (upload_id, number, content) VALUES (%s, %s, %b)", (upload_id, number, content)
    )


async def read_part(transaction: Connection, upload_id: UUID, number: int) -> bytes | None:
    """One part of the bytes, or None after the last."""
    cursor = transaction.cursor(binary=True)
    await cursor.execute("SELECT content FROM upload_parts WHERE upload_id = %s AND number = %s", (upload_id, number))
    row = await cursor.fetchone()
    return row[0] if row else None


async def read_upload(transaction: Connection, authority_code: str, upload_id: UUID) -> Upload:
    """One upload of the authority. Raises NotFound."""
    found = await _read(transaction, f"{_UPLOADS} WHERE authority_code = %s AND id = %s", (authority_code, upload_id))
    if not found:
        raise NotFound("there is no such upload")
    return found[0]


async def list_uploads(transaction: Connection, authority_code: str, *, limit: int = 20) -> list[Upload]:
    """What of the authority waits, is being loaded, or was refused of late, newest first; what was loaded has a report."""
    statement = f"{_UPLOADS} WHERE authority_code = %s AND state <> 'loaded' ORDER BY received_at DESC, id DESC LIMIT %s"
    return await _read(transaction, statement, (authority_code, limit))


async def oldest_waiting(transaction: Connection) -> datetime | None:
    """Since when the oldest upload that is not loaded yet has been here; None where none waits."""
    row = await (await transaction.execute("SELECT min(received_at) FROM uploads WHERE state IN ('waiting', 'loading')")).fetchone()
    return row[0] if row else None


async def _find_message(transaction: Connection, message_id: str) -> Upload | None:
    if not message_id:
        return None
    found = await _read(transaction, f"{_UPLOADS} WHERE mesh_message_id = %s", (message_id,))
    return found[0] if found else None


async def _find_same(transaction: Connection, came: Came, values: dict[str, Any]) -> Upload:
    known = await _find_message(transaction, came.mesh_message_id)
    if known is not None:
        return known
    statement = f"""{_UPLOADS}
        WHERE authority_code = %(authority)s AND content_hash = %(hash)s AND extracted_at IS NOT DISTINCT FROM %(at)s
          AND scope = %(scope)s AND sensitive = %(sensitive)s AND declared = %(declared)s::jsonb AND state <> 'refused'
    """
    found = await _read(transaction, statement, values)
    if not found:
        raise NotSettled("the same upload was being decided about at this moment; send it again")
    return found[0]


async def _read(transaction: Connection, statement: str, values: Iterable[Any] | dict[str, Any]) -> list[Upload]:
    cursor = transaction.cursor(row_factory=kwargs_row(to_upload))
    await cursor.execute(statement.encode(), values if isinstance(values, dict) else tuple(values))
    return await cursor.fetchall()


def to_upload(
    actor_kind: str, actor_id: str, actor_name: str, actor_role: str, actor_organisation: str,
    extracted_at: datetime | None, scope: str, sensitive: bool, declared: dict[str, int], came_by: str, state: str, **columns: Any,
) -> Upload:  # fmt: skip
    """An upload of the columns that `COLUMNS` names."""
    counts = {FlagKind(kind): count for kind, count in declared.items()}
    return Upload(
        actor=Actor(ActorKind(actor_kind), actor_id, actor_name, actor_organisation, actor_role),
        declaration=Declaration(extracted_at, Scope(scope), sensitive, counts),
        came_by=CameBy(came_by),
        state=UploadState(state),
        **columns,
    )


COLUMNS = """
    id, authority_code, content_hash, size, came_by, mesh_message_id, actor_kind, actor_id, actor_name, actor_role,
    actor_organisation, extracted_at, scope, sensitive, declared, received_at, state, attempts, due_at, step, done, total,
    extract_id, refusal_code, refusal, ended_at
"""
_UPLOADS = f"SELECT {COLUMNS} FROM uploads"  # noqa: S608 (columns of our own)
