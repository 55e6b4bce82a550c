"""The content of an extract: what it is recognised by when it comes again.

`stage` and whoever keeps uploads hash with it. A folder is its names and contents; a file or a stream is its bytes.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

Source = Path | BinaryIO
"""A file, a folder (SSD), or a stream that can be wound back."""

_PIECE = 1 << 20


def content_hash(source: Source) -> bytes:
    """SHA-256, 32 bytes. A stream is read from its beginning, and wound back. Raises OSError."""
    if isinstance(source, Path) and source.is_dir():
        return _hash_of_folder(source)
    with opened(source) as stream:
        assert not isinstance(stream, Path)
        return _hash_of_stream(stream).digest()


@contextmanager
def opened(source: Source) -> Iterator[Source]:
    """A file opened for as long as it is needed; a stream wound back; a folder as it is."""
    if not isinstance(source, Path):
        source.seek(0)
        yield source
    elif source.is_dir():
        yield source
    else:
        with source.open("rb") as stream:
            yield stream


def _hash_of_stream(stream: BinaryIO) -> "hashlib._Hash":
    sha256 = hashlib.sha256()
    while piece := stream.read(_PIECE):
        sha256.update(piece)
    stream.seek(0)
    return sha256


def _hash_of_folder(folder: Path) -> bytes:
    sha256 = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = os.fsencode(path.relative_to(folder))  # any name, also one that is no text
        with path.open("rb") as stream:
            sha256.update(len(name).to_bytes(8) + name + _hash_of_stream(stream).digest())
    return sha256.digest()
