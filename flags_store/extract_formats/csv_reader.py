"""Reading the CSV extract: bytes in, line by line; records and row errors out, or one error of the whole file.

`extract_stage` pulls. A line stands alone: whatever is wrong with it costs no other line, and no file is ever in memory.
Source: the project's own format, `docs/authority-extract.md`; RFC 4180, without line breaks inside a field.
"""

import codecs
import csv
from collections.abc import Iterator
from itertools import count
from typing import Protocol

from domain.extract import FileFormat
from flags_store.extract_formats.reading import Envelope, Terms, UnreadableExtract
from flags_store.extracts.codes import FileCode, RecordCode
from flags_store.extracts.record import COLUMNS, WHOLE_LINE, ExtractRecord, RowError, row_error, to_record

LONGEST_LINE = 8_192
MOST_LINES = 5_000_000
_NOTHING = ' \t\r\n,"'


class Lines(Protocol):
    """What is read from: any binary stream, or something that looks like one."""

    def readline(self, limit: int, /) -> bytes: ...


class CsvReader:
    """A file of the project's own format."""

    def __init__(self, stream: Lines, terms: Terms) -> None:
        self.envelope = Envelope(FileFormat.CSV)
        self._stream, self._terms = stream, terms

    def records(self) -> Iterator[ExtractRecord | RowError]:
        """Every record of the file in turn. Raises UnreadableExtract."""
        return read_records(self._stream, is_production=self._terms.is_production)


def read_records(stream: Lines, *, is_production: bool) -> Iterator[ExtractRecord | RowError]:
    """Every record of the file in turn, or what is wrong with it. Lines without any value are passed over.

    Raises UnreadableExtract, at whichever line it shows: load nothing before the last record has been read.
    """
    lines = _lines(stream)
    _check_header(next(lines, None))
    is_empty = True
    for line, text, is_cut in lines:
        if text.strip(_NOTHING):
            is_empty = False
            yield _read_line(line, text, is_cut=is_cut, is_production=is_production)
    if is_empty:
        raise UnreadableExtract(FileCode.NO_RECORDS)


def _lines(stream: Lines) -> Iterator[tuple[int, str, bool]]:
    for line in count(1):
        raw = stream.readline(LONGEST_LINE)
        if not raw:
            return
        if line > MOST_LINES:
            raise UnreadableExtract(FileCode.TOO_MUCH, limit=f"{MOST_LINES:,} lines")
        is_cut = len(raw) == LONGEST_LINE and not raw.endswith(b"\n")
        text = _decode(line, raw, is_cut=is_cut)
        yield line, text, is_cut and _skip_rest(stream)


def _decode(line: int, raw: bytes, *, is_cut: bool) -> str:
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(raw, final=not is_cut)
    except UnicodeDecodeError:
        raise UnreadableExtract(FileCode.NOT_UTF8, line) from None


def _skip_rest(stream: Lines) -> bool:
    """Passes over what is left of a long line. False where nothing was left."""
    is_more = False
    while raw := stream.readline(LONGEST_LINE):
        is_more = is_more or bool(raw.strip())
        if raw.endswith(b"\n"):
            break
    return is_more


def _check_header(first: tuple[int, str, bool] | None) -> None:
    if first is None:
        raise UnreadableExtract(FileCode.EMPTY_FILE)
    text = first[1].removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").rstrip("\r\n")
    problem = _header_problem(text)
    if problem:
        raise UnreadableExtract(FileCode.WRONG_HEADER, 1, problem=problem)


def _header_problem(text: str) -> str | None:
    """In words. What stands there is named only if it is a column's name: a file without a header begins with a child."""
    if "\x00" in text:
        return "the file looks like UTF-16, and must be UTF-8"
    if "\r" in text:
        return "lines must end in LF or CR LF"
    try:
        found = tuple(split_line(text))
    except csv.Error:
        return "a quotation mark is not closed"
    if len(found) == 1 and found != COLUMNS[:1]:
        return f"{len(COLUMNS)} columns are needed, with commas between"
    for position, expected in enumerate(COLUMNS):
        there = found[position] if position < len(found) else None
        if there != expected:
            instead = "" if there is None else f", not {there}" if there in COLUMNS else ", and something else is there"
            return f"column {position + 1} must be {expected}{instead}"
    return f"there are {len(found)} columns instead of {len(COLUMNS)}" if len(found) > len(COLUMNS) else None


def _read_line(line: int, text: str, *, is_cut: bool, is_production: bool) -> ExtractRecord | RowError:
    if is_cut:
        return row_error(line, (text,), WHOLE_LINE, RecordCode.LINE_TOO_LONG, limit=LONGEST_LINE)
    try:
        fields = tuple(split_line(text.rstrip("\r\n")))
    except csv.Error:
        return row_error(line, (text.rstrip("\r\n"),), WHOLE_LINE, RecordCode.BAD_QUOTES)
    return to_record(line, fields, is_production=is_production)


def split_line(text: str) -> list[str]:
    """The fields of one line, unquoted. Raises csv.Error where quotation marks do not match."""
    return next(csv.reader((text,), strict=True), [])
