"""One table as it was sent: its encoding, its header, and its rows, reduced to the columns that are read.

`ssd_disk` takes the rows. Any table may be UTF-8, UTF-16 or windows-1252, with LF, CR LF or CR at the ends of lines, and with line
breaks inside quotation marks. Source: RFC 4180; docs/facts.md, section 4.
"""

import codecs
import csv
import io
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass

from flags_store.extract_formats.reading import UnreadableExtract
from flags_store.extract_formats.ssd_archive import OpenTable
from flags_store.extract_formats.ssd_tables import Table
from flags_store.extract_formats.ssd_values import may_hold_postcode, to_outward, to_value, without_postcode
from flags_store.extracts.codes import FileCode

LONGEST_LINE = 1 << 16
LONGEST_ROW = 1 << 20
"""Characters of a row with all the line breaks inside its quotation marks."""
MOST_LINES = 5_000_000
_PIECE = 1 << 16
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ENOUGH_TO_TELL = 64


@dataclass(frozen=True, slots=True)
class Row:
    """One row: where its first line is, and the values of the table's columns in their order."""

    line: int
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row with another number of fields than the header: nobody can tell what is what, and nothing of it is kept."""

    line: int
    found: int
    expected: int


def read_rows(table: Table, opens: OpenTable) -> Iterator[Row | BadRow]:
    """Every row in turn; rows without any value are passed over. Raises UnreadableExtract."""
    rows = csv_rows(table, opens)
    header = _header(rows)
    places = _places(table, header)
    for line, fields in rows:
        if len(fields) == len(header):
            yield Row(line, tuple(read(fields) for read in places))
        elif any(field.strip() for field in fields):
            yield BadRow(line, len(fields), len(header))


def columns_of(table: Table, opens: OpenTable) -> frozenset[str]:
    """Which of the columns that are read the table has. Raises UnreadableExtract."""
    with closing(csv_rows(table, opens)) as rows:
        return frozenset(_header(rows)) & frozenset(table.columns)


def csv_rows(table: Table, opens: OpenTable) -> Generator[tuple[int, list[str]], None, None]:
    """Every row as it was sent, the header first, and the line on which it begins. Raises UnreadableExtract."""
    with opens() as stream, io.TextIOWrapper(stream, encoding_of(opens), newline="") as text:
        row = _OpenRow()
        lines = csv.reader(_lines(table, text, row), strict=True)
        while (fields := _next(table, lines, row.line)) is not None:
            yield row.line, fields
            row.line, row.size = lines.line_num + 1, 0


def to_name(field: str) -> str:
    """A column's name, out of the header."""
    return field.strip().casefold()


def encoding_of(opens: OpenTable) -> str:
    """How the bytes are to be read: as their mark says, else UTF-16 by its NULs, else UTF-8 if they are that throughout."""
    with opens() as stream:
        first = stream.read(_PIECE)
        for mark, encoding in _MARKS:
            if first.startswith(mark):
                return encoding
        beginning = first[:_ENOUGH_TO_TELL]
        if len(beginning) > 1 and not any(beginning[1::2]):
            return "utf-16-le"
        if len(beginning) > 1 and not any(beginning[0::2]):
            return "utf-16-be"
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while first:
                decoder.decode(first)
                first = stream.read(_PIECE)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _header(rows: Iterator[tuple[int, list[str]]]) -> list[str]:
    _, fields = next(rows, (1, []))
    return [to_name(field) for field in fields]


@dataclass(slots=True)
class _OpenRow:
    """The row that is being read: on which line it began, and how many characters it has so far."""

    line: int = 1
    size: int = 0


def _lines(table: Table, text: io.TextIOWrapper, row: _OpenRow) -> Iterator[str]:
    """Each line, however long a row of several lines would be, and however many lines are empty: both have an end."""
    number = 0
    while True:
        number += 1
        try:
            line = text.readline(LONGEST_LINE)
        except UnicodeDecodeError:
            raise UnreadableExtract(FileCode.TABLE_ENCODING, table=table.name) from None
        if len(line) == LONGEST_LINE and not line.endswith(("\n", "\r")):
            raise UnreadableExtract(FileCode.TABLE_LINE_TOO_LONG, number, table=table.name, limit=LONGEST_LINE)
        if not line:
            return
        row.size += len(line)
        if row.size > LONGEST_ROW:
            raise UnreadableExtract(FileCode.TABLE_LINE_TOO_LONG, row.line, table=table.name, limit=LONGEST_ROW)
        if number > MOST_LINES:
            raise UnreadableExtract(FileCode.TOO_MUCH, limit=f"{MOST_LINES:,} lines")
        yield line


def _next(table: Table, lines: Iterator[list[str]], line: int) -> list[str] | None:
    try:
        return next(lines, None)
    except csv.Error:
        raise UnreadableExtract(FileCode.TABLE_QUOTES, line, table=table.name) from None


def _places(table: Table, header: list[str]) -> list[Callable[[list[str]], str]]:
    """For each column how its value is taken out of a row. Raises UnreadableExtract."""
    if not any(header):
        raise UnreadableExtract(FileCode.TABLE_EMPTY, table=table.name)
    absent = [name for name in table.needed if name not in header]
    if absent:
        raise UnreadableExtract(FileCode.TABLE_COLUMNS, table=table.name, problem=f"there is no column {', '.join(absent)}")
    twice = [name for name in table.columns if header.count(name) > 1]
    if twice:
        raise UnreadableExtract(FileCode.TABLE_COLUMNS, table=table.name, problem=f"the column {', '.join(twice)} is there twice")
    return [_taker(name, header) for name in table.columns]


def _taker(name: str, header: list[str]) -> Callable[[list[str]], str]:
    if name not in header:
        return lambda _: ""
    place = header.index(name)
    if name.endswith("_postcode"):  # half of it is all that is ever kept
        return lambda fields: to_outward(fields[place])
    if may_hold_postcode(name):
        return lambda fields: to_value(without_postcode(fields[place]))
    return lambda fields: to_value(fields[place])
