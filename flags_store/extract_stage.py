"""Staging: a whole extract read, checked and sorted by person, before anything of it touches the store.

`safeguarding.extracts` fills a stage and takes persons out of it. It lies in a private temporary database on disk, which has
no name and is gone with the process: memory stays bounded, and PostgreSQL is not kept waiting for a file.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from itertools import groupby, islice
from typing import Self, TypeVar

from flags_store.csv_reader import Lines, read_records
from flags_store.extract_codes import RecordCode
from flags_store.extract_record import WHOLE_LINE, ExtractRecord, RowError, row_error, to_record

MOST_RECORDS_OF_A_PERSON = 100
Chunk = list[list[ExtractRecord]]
T = TypeVar("T")


class Stage:
    """One extract on disk. Use it as `with Stage(...) as stage`; its methods block, and one thread at a time may call them."""

    def __init__(self, stream: Lines, *, is_production: bool) -> None:
        self._hashing = _HashingLines(stream)
        self._is_production = is_production
        self._came = read_records(self._hashing, is_production=is_production)
        self._disk = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._disk.executescript(_TABLES)
        self.records = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._disk.close()

    @property
    def content_hash(self) -> bytes:
        """SHA-256 of the bytes; of the whole file once all is read."""
        return self._hashing.sha256.digest()

    def read(self, most: int) -> int:
        """Read up to `most` records on; 0 at the end. Raises UnreadableExtract."""
        records, errors = [], []
        for came in islice(self._came, most):
            if isinstance(came, ExtractRecord):
                records.append((came.nhs_number, came.line, json.dumps(came.fields)))
            else:
                errors.append((came.line, came.field, came.code, came.reason, json.dumps(came.record)))
        self._disk.executemany("INSERT INTO record VALUES (?, ?, ?)", records)
        self._disk.executemany("INSERT INTO error VALUES (?, ?, ?, ?, ?)", errors)
        self.records += len(records) + len(errors)
        return len(records) + len(errors)

    def row_errors(self, most: int) -> Iterator[list[RowError]]:
        """The records that are no good by themselves, `most` at a time."""
        yield from _batches(self._errors(), most)

    def chunks(self, skip: int, most: int) -> Iterator[Chunk]:
        """Persons with all their records, in the order of their NHS numbers and without the first `skip` persons.

        A chunk is full with the person who brings it to `most` records.
        """
        chunk: Chunk = []
        for person in islice(self._persons(), skip, None):
            chunk.append([self._record(line, fields) for line, fields in person])
            if sum(map(len, chunk)) >= most:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def _persons(self) -> Iterator[Iterator[tuple[int, str]]]:
        rows = self._disk.execute(_RECORDS, (MOST_RECORDS_OF_A_PERSON,))
        for _, same in groupby(rows, key=lambda row: row[0]):
            yield ((line, fields) for _, line, fields in same)

    def _errors(self) -> Iterator[RowError]:
        for line, field, code, reason, record in self._disk.execute("SELECT * FROM error"):
            yield RowError(line, field, code, reason, json.loads(record))
        for line, fields in self._disk.execute(_TOO_MANY, (MOST_RECORDS_OF_A_PERSON,)):
            sent = tuple(json.loads(fields))
            yield row_error(line, sent, WHOLE_LINE, RecordCode.TOO_MANY, limit=MOST_RECORDS_OF_A_PERSON)

    def _record(self, line: int, fields: str) -> ExtractRecord:
        record = to_record(line, tuple(json.loads(fields)), is_production=self._is_production)
        assert isinstance(record, ExtractRecord), "a line always reads the same"
        return record


class _HashingLines:
    """Passes lines on and remembers the hash of all that has gone by."""

    def __init__(self, stream: Lines) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def readline(self, limit: int, /) -> bytes:
        line = self._stream.readline(limit)
        self.sha256.update(line)
        return line


def _batches(items: Iterator[T], most: int) -> Iterator[list[T]]:
    while batch := list(islice(items, most)):
        yield batch


_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    CREATE TABLE record (nhs_number TEXT NOT NULL, line INTEGER NOT NULL, fields TEXT NOT NULL);
    CREATE TABLE error (line INTEGER, field TEXT, code TEXT, reason TEXT, record TEXT);
"""
_RECORDS = """
    SELECT nhs_number, line, fields FROM record
    WHERE nhs_number NOT IN (SELECT nhs_number FROM record GROUP BY nhs_number HAVING count(*) > ?)
    ORDER BY nhs_number, line
"""
_TOO_MANY = """
    SELECT line, fields FROM record
    WHERE nhs_number IN (SELECT nhs_number FROM record GROUP BY nhs_number HAVING count(*) > ?) ORDER BY line
"""
