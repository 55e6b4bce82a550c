"""An upload came: its bytes are kept before anybody is told so, and loaded afterwards by a process of its own.

The upload page, the authorities' POST door and the MESH poller keep what came; `safeguarding.extracts.upload_loading` loads it.
Source: docs/facts.md, sections 4 and 7; docs/adr/0036.
"""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from typing import BinaryIO, cast

import psycopg

from domain.actor import Actor
from domain.errors import InvalidInput, Temporary
from domain.extract import CameBy, Declaration, FileFormat
from flags_store.extract_formats.opening import format_of
from flags_store.extract_formats.reading import UnreadableExtract
from flags_store.extract_formats.ssd_slim import write_slim
from flags_store.extracts.in_thread import in_thread
from flags_store.extracts.responses import read_response
from flags_store.extracts.upload_queue import refuse_at_once
from flags_store.extracts.uploads import (
    Came,
    TooManyWaiting,
    Upload,
    UploadState,
    add_part,
    begin_upload,
    list_uploads,
    oldest_waiting,
    read_upload,
)
from runtime.database import Connection, Database
from runtime.logs import get_logger

__all__ = [
    "NotKept", "TooManyWaiting", "Upload", "UploadState", "UploadTooLarge", "keep_file", "keep_upload", "list_uploads",
    "oldest_waiting", "read_response", "read_upload",
]  # fmt: skip

PART_BYTES = 1_000_000
_BEGINNING = 256
_KEEPING = "SET LOCAL transaction_timeout = 0; SET LOCAL transaction_timeout = '120s'; SET LOCAL lock_timeout = '60s'"

log = get_logger()


class UploadTooLarge(InvalidInput):
    """More was sent than is taken."""

    def __init__(self, largest: int) -> None:
        super().__init__(f"the file is larger than {largest // 1_000_000} MB")
        self.largest = largest


class NotKept(Temporary):
    """The store did not take the upload; nothing of it was kept."""


async def keep_upload(
    database: Database,
    actor: Actor,
    authority_code: str,
    chunks: AsyncIterator[bytes],
    declaration: Declaration,
    came_by: CameBy,
    *,
    largest: int,
    mesh_message_id: str = "",
) -> Upload:
    """Keep an upload, whole or not at all; when this returns, it is on disk. Of what came before, the earlier one is returned.

    `largest`: bytes (settings.upload_max_bytes). The chunks are gathered in a private temporary file first: no connection to the
    store waits for a slow sender. Raises UploadTooLarge, NotFound (authority), TooManyWaiting, and Temporary where the store could
    not take it.
    """
    with tempfile.TemporaryFile(prefix="nightlight-upload-") as gathered:
        size = 0
        async for chunk in chunks:
            size += len(chunk)
            if size > largest:
                raise UploadTooLarge(largest)
            await asyncio.to_thread(gathered.write, chunk)
        return await keep_file(
            database, actor, authority_code, cast(BinaryIO, gathered), declaration, came_by, mesh_message_id=mesh_message_id
        )


async def keep_file(
    database: Database,
    actor: Actor,
    authority_code: str,
    stream: BinaryIO,
    declaration: Declaration,
    came_by: CameBy,
    *,
    mesh_message_id: str = "",
) -> Upload:
    """Keep what stands in a file already, from its beginning. Raises as `keep_upload` does, but measures nothing.

    Of a dataset only what is read is kept, and half of each postcode. One that nobody can read is refused at once: the upload that
    is returned says why, and no byte of it was kept.
    """
    with tempfile.TemporaryFile(prefix="nightlight-slim-") as slim:
        try:
            kept, refusal = await in_thread(_what_is_kept, stream, cast(BinaryIO, slim)), None
        except UnreadableExtract as unreadable:
            kept, refusal = stream, unreadable
        content_hash, size = await in_thread(_measure, kept)
        came = Came(authority_code, actor, came_by, declaration, content_hash, size, mesh_message_id)
        return await _keep(database, came, kept, refusal)


def _what_is_kept(stream: BinaryIO, slim: BinaryIO) -> BinaryIO:
    """The stream itself, or, where it is a dataset, `slim` with all of it that may be stored. Raises UnreadableExtract."""
    stream.seek(0)
    first = stream.read(_BEGINNING)
    stream.seek(0)
    if format_of(first) is not FileFormat.SSD:
        return stream
    write_slim(stream, slim)
    return slim


async def _keep(database: Database, came: Came, kept: BinaryIO, refusal: UnreadableExtract | None) -> Upload:
    authority_code, came_by = came.authority_code, came.came_by
    try:
        async with database.transaction() as transaction:
            await transaction.execute(_KEEPING)
            upload = await begin_upload(transaction, came)
            if refusal and not upload.known:
                upload = await refuse_at_once(transaction, upload, refusal.code, str(refusal))
            elif not upload.known:
                await _add_parts(transaction, upload, kept)
    except psycopg.Error as error:
        log.error("upload not kept", sqlstate=error.sqlstate, error=type(error).__name__)
        raise NotKept("the store did not take the upload; nothing of it was kept") from None
    log.info("upload known already" if upload.known else "upload kept", authority=authority_code, kind=came_by.value)
    return upload


def _measure(stream: BinaryIO) -> tuple[bytes, int]:
    digest, size = hashlib.sha256(), 0
    stream.seek(0)
    while content := stream.read(PART_BYTES):
        digest.update(content)
        size += len(content)
    return digest.digest(), size


async def _add_parts(transaction: Connection, upload: Upload, stream: BinaryIO) -> None:
    stream.seek(0)
    number = 0
    while content := await asyncio.to_thread(stream.read, PART_BYTES):
        await add_part(transaction, upload.id, number, content)
        number += 1
