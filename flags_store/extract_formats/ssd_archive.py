"""A zip or a folder of CSV files: which tables are in it, each to be opened as a stream, and nothing ever unpacked to disk.

`ssd_reader` opens it. A file counts by its name alone (`dbo.SSD_Person.csv`); a file that is no table of the dataset is not opened.
Limits are checked before and while reading, so that a small file cannot become a big one.
"""

import errno
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, BinaryIO

from flags_store.extract_formats.reading import UnreadableExtract
from flags_store.extract_formats.ssd_tables import TABLES
from flags_store.extracts.codes import FileCode

MOST_FILES = 1_000
MOST_DIRECTORY = 4 << 20
MOST_UNPACKED = 2 << 30
MOST_RATIO = 200
RATIO_FROM = 64 << 20
"""A file smaller than this when unpacked may be packed as tightly as it likes."""

OpenTable = Callable[[], BinaryIO]
_NAME = re.compile(r"(?:\[?[a-z0-9_]+\]?\.)*\[?(ssd_[a-z_]+)\]?\.csv")
_END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
_END_MARK = b"PK\x05\x06"
_LONG_END = struct.Struct("<4sQ2H2L4Q")
_LONG_END_MARK, _LOCATOR_MARK, _LOCATOR_SIZE = b"PK\x06\x06", b"PK\x06\x07", 20
"""A second end of the directory (ZIP64), which counts instead of the first one wherever it is there."""
_PLAIN_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_ENCRYPTED = 0x1
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, ValueError, OverflowError,
    IndexError,
)  # fmt: skip


@contextmanager
def open_tables(source: Path | BinaryIO) -> Iterator[dict[str, OpenTable]]:
    """The tables by name, each to be opened more than once. Raises UnreadableExtract."""
    if isinstance(source, Path) and source.is_dir():
        yield _of_folder(source)
        return
    _check_directory(source)
    try:
        archive = zipfile.ZipFile(source)
    except (*_BROKEN, OSError) as error:
        raise _damaged(error) from None
    with archive:
        yield _of_zip(archive)


def table_name(path: str) -> str | None:
    """Which table a file is by its name, or None. What leads out of the archive, or is a Mac's shadow, is none."""
    parts = path.replace("\\", "/").split("/")
    if ".." in parts or parts[0] in {"", "__MACOSX"} or ":" in parts[0]:
        return None
    found = _NAME.fullmatch(parts[-1].casefold())
    return found[1] if found and found[1] in TABLES else None


def _of_folder(folder: Path) -> dict[str, OpenTable]:
    files = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.is_symlink()]
    named = [(name, path) for path in files if (name := table_name(path.name))]
    _check_size(sum(path.stat().st_size for _, path in named))
    return _each_once([(name, partial(_open_file, path)) for name, path in named])


def _of_zip(archive: zipfile.ZipFile) -> dict[str, OpenTable]:
    named = [(name, info) for info in archive.infolist() if not info.is_dir() and (name := table_name(info.filename))]
    for _, info in named:
        _check_entry(info)
    _check_size(sum(info.file_size for _, info in named))
    return _each_once([(name, partial(_open_entry, archive, info)) for name, info in named])


def _open_file(path: Path) -> BinaryIO:
    return path.open("rb")


def _each_once(named: list[tuple[str, OpenTable]]) -> dict[str, OpenTable]:
    tables: dict[str, OpenTable] = {}
    for name, opens in named:
        if name in tables:
            raise UnreadableExtract(FileCode.TABLE_TWICE, table=name)
        tables[name] = opens
    return tables


def _check_directory(source: Path | BinaryIO) -> None:
    """The list of files is read into memory as a whole: how long it is, is asked before. Raises UnreadableExtract."""
    if isinstance(source, Path):
        with source.open("rb") as stream:
            _check_directory(stream)
        return
    size = source.seek(0, io.SEEK_END)
    source.seek(max(0, size - _LONG_END.size - _LOCATOR_SIZE - _END_OF_DIRECTORY.size - 0xFFFF))
    tail = source.read()
    source.seek(0)
    at = tail.rfind(_END_MARK)
    if at < 0 or len(tail) - at < _END_OF_DIRECTORY.size:
        raise UnreadableExtract(FileCode.ZIP_DAMAGED)
    _, _, _, _, files, directory, _, _ = _END_OF_DIRECTORY.unpack_from(tail, at)
    locator = at - _LOCATOR_SIZE
    if locator >= 0 and tail.startswith(_LOCATOR_MARK, locator):
        files, directory = _long_end(tail, locator)
    if files > MOST_FILES or directory > MOST_DIRECTORY:
        raise UnreadableExtract(FileCode.ZIP_TOO_BIG, limit=f"{MOST_FILES:,} files")


def _long_end(tail: bytes, locator: int) -> tuple[int, int]:
    """How many files there are, and how long their list is. Raises UnreadableExtract where it does not stand where it must."""
    at = locator - _LONG_END.size
    if at < 0 or not tail.startswith(_LONG_END_MARK, at):
        raise UnreadableExtract(FileCode.ZIP_METHOD)
    *_, files, directory, _ = _LONG_END.unpack_from(tail, at)
    return files, directory


def _check_entry(info: zipfile.ZipInfo) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise UnreadableExtract(FileCode.ZIP_ENCRYPTED)
    if info.compress_type not in _PLAIN_METHODS:
        raise UnreadableExtract(FileCode.ZIP_METHOD)
    if info.file_size > RATIO_FROM and info.file_size > MOST_RATIO * max(1, info.compress_size):
        raise UnreadableExtract(FileCode.ZIP_TOO_BIG, limit=f"{MOST_RATIO} times its packed size")


def _check_size(size: int) -> None:
    if size > MOST_UNPACKED:
        raise UnreadableExtract(FileCode.ZIP_TOO_BIG, limit=f"{MOST_UNPACKED >> 30} GiB")


def _open_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    try:
        return io.BufferedReader(_Entry(archive.open(info)))
    except (*_BROKEN, OSError) as error:
        raise _damaged(error) from None


class _Entry(io.RawIOBase):
    """One file of a zip; that it is damaged, whichever way, shows as one error."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        try:
            piece = self._stream.read(len(buffer))
        except (*_BROKEN, OSError) as error:
            raise _damaged(error) from None
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._stream.close()
        super().close()


def _damaged(error: Exception) -> Exception:
    """A disk that fails is no damaged zip; a place before the beginning of the file (EINVAL) is one."""
    if isinstance(error, OSError) and error.errno not in {None, errno.EINVAL}:
        return error
    return UnreadableExtract(FileCode.ZIP_DAMAGED)
