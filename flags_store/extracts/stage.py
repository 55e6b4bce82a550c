"""Staging: a whole extract read, checked and sorted by person, and what is to become of it, before anything touches the store.

`safeguarding.extracts.loading` fills a stage, `safeguarding.extracts.matching` puts matches into it, `planning` a plan, and
`intake` applies that. It lies in a private temporary database on disk, which has no name and is gone with the process: memory
stays bounded, and PostgreSQL is not kept waiting for a file.
"""

import hashlib
import json
import sqlite3
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import groupby, islice
from typing import Self, TypeVar

from domain.nhs_number import NhsNumber
from flags_store.extract_formats.opening import open_extract
from flags_store.extract_formats.reading import Came, Envelope, PlacementRow, Reader, Terms, UnreadableExtract
from flags_store.extract_formats.rows_reader import Row, RowsReader
from flags_store.extracts.codes import FileCode, NoteCode, RecordCode
from flags_store.extracts.content import Source, content_hash, opened
from flags_store.extracts.matched import NOT_ASKED, Match
from flags_store.extracts.record import WHOLE_LINE, ExtractRecord, Note, RowError, to_row_error
from flags_store.extracts.stage_rows import (
    TABLES,
    error_row,
    match_text,
    note_row,
    placement_row,
    record_row,
    to_error,
    to_match,
    to_placement,
    to_staged,
)  # fmt: skip
from runtime.ids import uuid7

MOST_RECORDS_OF_A_PERSON = 100
MOST_RECORDS = 1_000_000
"""Good ones and rejected ones: several times what all authorities of England hold together."""
Chunk = list[list[ExtractRecord]]
T = TypeVar("T")


class Stage:
    """One extract on disk. Use it as `with Stage(...) as stage`; its methods block, and one thread at a time may call them."""

    def __init__(self, source: Source | Sequence[Row], terms: Terms) -> None:
        self._source, self._terms = source, terms
        self._open = ExitStack()
        self.disk = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._open.callback(self.disk.close)
        self.disk.executescript(TABLES)
        self._came = self._read_all()
        self.content_hash = b""
        self.envelope: Envelope | None = None
        self.records = 0
        self.has_matches = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._came.close()
        self._open.close()

    def read(self, most: int) -> int:
        """Read up to `most` records, notes and placements on; 0 at the end. Raises UnreadableExtract.

        With the first call, `content_hash` is there, and after the last one `envelope` and `records` are final.
        """
        came = list(islice(self._came, most))
        records = [record_row(each) for each in came if isinstance(each, ExtractRecord)]
        errors = [error_row(each) for each in came if isinstance(each, RowError)]
        self.disk.execute("BEGIN")
        self.disk.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?)", records)
        self.disk.executemany("INSERT INTO error VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", errors)
        self.disk.executemany("INSERT INTO note VALUES (?, ?, ?)", [note_row(each) for each in came if isinstance(each, Note)])
        placements = [placement_row(each) for each in came if isinstance(each, PlacementRow)]
        self.disk.executemany("INSERT INTO placement VALUES (?)", placements)
        self.disk.execute("COMMIT")
        self.records += len(records) + len(errors)
        if self.records > MOST_RECORDS:
            raise UnreadableExtract(FileCode.TOO_MUCH, limit=f"{MOST_RECORDS:,} records")
        if not came:
            self._sort()
        return len(came)

    def _read_all(self) -> Generator[Came, None, None]:
        reader = self._opened()
        self.envelope = reader.envelope
        yield from reader.records()
        self.envelope = reader.envelope

    def _opened(self) -> Reader:
        if isinstance(self._source, Sequence):
            self.content_hash = hashlib.sha256(uuid7().bytes).digest()  # what people do is never "already loaded"
            return RowsReader(self._source, self._terms)
        self.content_hash = content_hash(self._source)
        return open_extract(self._open.enter_context(opened(self._source)), self._terms)

    def _sort(self) -> None:
        """All is read: persons are found by their numbers, and far too many records of one number are no good."""
        self.disk.execute("CREATE INDEX record_by_person ON record (nhs_number, line)")
        many = [row[0] for row in self.disk.execute(_MANY, (MOST_RECORDS_OF_A_PERSON,))]
        for number in many:
            rows = self.disk.execute("SELECT line, read, sent, extras FROM record WHERE nhs_number = ?", (number,)).fetchall()
            errors = (_too_many(to_staged(*row)) for row in rows)
            self.disk.executemany("INSERT INTO error VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(error_row, errors))
            self.disk.execute("DELETE FROM record WHERE nhs_number = ?", (number,))

    def people(self) -> Iterator[ExtractRecord]:
        """For each person one record to be matched, the last one that stands for a plan, in the order of their numbers."""
        for records in self._persons():
            yield max(records, key=lambda each: (each.delete_date is None, each.line))

    def put_matches(self, matches: Mapping[NhsNumber, Match]) -> None:
        """Keep what asking the register about these persons came to."""
        rows = [(number, match_text(match)) for number, match in matches.items()]
        self.disk.executemany("INSERT OR REPLACE INTO match VALUES (?, ?)", rows)
        self.has_matches = self.has_matches or bool(rows)

    def match_of(self, number: NhsNumber) -> Match:
        """What asking about the person came to; NOT_ASKED where nobody was asked."""
        return self.matches_of((number,)).get(number, NOT_ASKED)

    def matches_of(self, numbers: Iterable[NhsNumber]) -> dict[NhsNumber, Match]:
        """Of those persons about whom somebody was asked."""
        found: dict[NhsNumber, Match] = {}
        for number in numbers if self.has_matches else ():
            row = self.disk.execute("SELECT match FROM match WHERE nhs_number = ?", (number,)).fetchone()
            if row:
                found[number] = to_match(row[0])
        return found

    def chunks(self, most: int) -> Iterator[Chunk]:
        """Persons with all their records, in the order of their NHS numbers.

        A chunk is full with the person who brings it to `most` records.
        """
        chunk: Chunk = []
        size = 0
        for records in self._persons():
            chunk.append(records)
            size += len(records)
            if size >= most:
                yield chunk
                chunk, size = [], 0
        if chunk:
            yield chunk

    def row_errors(self, most: int) -> Iterator[list[RowError]]:
        """The records that are no good by themselves, and those that the plan refuses, `most` at a time."""
        rows = self.disk.execute("SELECT * FROM error UNION ALL SELECT * FROM refused ORDER BY line")
        yield from _batches(map(to_error, rows), most)

    def notes(self) -> Iterator[Note]:
        """What the reader found worth saying, in the order of the file."""
        for code, place, detail in self.disk.execute("SELECT code, place, detail FROM note ORDER BY rowid"):
            yield Note(NoteCode(code), place, json.loads(detail))

    def placements(self) -> Iterator[PlacementRow]:
        """Where children in care live, in the order of the file."""
        for (text,) in self.disk.execute("SELECT placement FROM placement ORDER BY rowid"):
            yield to_placement(text)

    def _persons(self) -> Iterator[list[ExtractRecord]]:
        rows = self.disk.execute("SELECT nhs_number, line, read, sent, extras FROM record ORDER BY nhs_number, line")
        for _, same in groupby(rows, key=lambda row: row[0]):
            yield [to_staged(*row[1:]) for row in same]


def _too_many(record: ExtractRecord) -> RowError:
    return to_row_error(record, WHOLE_LINE, RecordCode.TOO_MANY, limit=MOST_RECORDS_OF_A_PERSON)


def _batches(items: Iterator[T], most: int) -> Iterator[list[T]]:
    while batch := list(islice(items, most)):
        yield batch


_MANY = "SELECT nhs_number FROM record GROUP BY nhs_number HAVING count(*) > ?"
