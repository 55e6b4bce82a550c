"""Opening an extract: which format it is, by how it begins, and the reader of that format.

`flags_store.extracts.stage` opens what came; nobody has to say which format it is.
"""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from domain.extract import FileFormat
from flags_store.extract_formats.csv_reader import CsvReader
from flags_store.extract_formats.reading import Reader, Terms
from flags_store.extract_formats.ssd_reader import SsdReader
from flags_store.extract_formats.v3_reader import V3Reader

_PEEK = 256
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def open_extract(source: Path | BinaryIO, terms: Terms) -> Reader:
    """The reader of a folder (SSD), or of a stream at its beginning that can be wound back. Raises UnreadableExtract."""
    return _reader_of(source)(source, terms)


def _reader_of(source: Path | BinaryIO) -> Callable[..., Reader]:
    if isinstance(source, Path):
        return _READERS[FileFormat.SSD]
    first = source.read(_PEEK)
    source.seek(0)
    return _READERS[format_of(first)]


_READERS: dict[FileFormat, Callable[..., Reader]] = {
    FileFormat.CSV: CsvReader,
    FileFormat.SSD: SsdReader,
    FileFormat.V3: V3Reader,
}


def format_of(first: bytes) -> FileFormat:
    """The format by how a file begins: a zip is the dataset, an angle bracket XML, anything else CSV."""
    if first.startswith(b"PK"):
        return FileFormat.SSD
    for mark in _BYTE_ORDER_MARKS:
        first = first.removeprefix(mark)
    return FileFormat.V3 if first.replace(b"\x00", b"").lstrip().startswith(b"<") else FileFormat.CSV
