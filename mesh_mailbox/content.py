"""The content of a MESH message, piece by piece; what its sender compressed (gzip) is decompressed, a piece at a time.

`inbox` hands the pieces to the store. Whether content is compressed is seen by how it begins: the header Mex-Content-Compressed is
also set on what MESH compressed for the way alone, which the client has undone already.
"""

import zlib
from collections.abc import AsyncIterator
from typing import Any

from domain.errors import InvalidInput
from mesh_mailbox.client import read_piece

PIECE = 1_000_000
_GZIP, _GZIP_ONLY = b"\x1f\x8b", 31


class NotReadable(InvalidInput):
    """The compressed content is damaged, or not there to its end."""


async def read_content(message: Any) -> AsyncIterator[bytes]:
    """Every piece in turn. Raises NotReadable, MeshAway."""
    first = await read_piece(message, PIECE)
    if first.startswith(_GZIP):
        async for piece in _unpacked(message, first):
            yield piece
        return
    while first:
        yield first
        first = await read_piece(message, PIECE)


async def _unpacked(message: Any, piece: bytes) -> AsyncIterator[bytes]:
    unpacking = zlib.decompressobj(_GZIP_ONLY)
    while piece and not unpacking.eof:
        while piece and not unpacking.eof:
            yield _unpack(unpacking, piece)
            piece = unpacking.unconsumed_tail
        piece = await read_piece(message, PIECE)
    if piece or unpacking.unused_data or not unpacking.eof:
        raise NotReadable("the compressed content is cut off, or has more behind it")


def _unpack(unpacking: Any, piece: bytes) -> bytes:
    """No more than one piece at once, whatever it unpacks to."""
    try:
        unpacked: bytes = unpacking.decompress(piece, PIECE)
    except zlib.error:
        raise NotReadable("the compressed content is damaged") from None
    return unpacked
