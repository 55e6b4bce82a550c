"""The tables of one dataset in a private temporary database, so that they can be joined without being held in memory.

`ssd_reader` fills it and passes it on; it has no name on disk and is gone with the process. What is not needed is not in it: other
columns, other people's identifiers, and the second half of postcodes.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Self

from flags_store.extract_formats.reading import UnreadableExtract
from flags_store.extract_formats.ssd_archive import OpenTable
from flags_store.extract_formats.ssd_rows import BadRow, Row, columns_of, read_rows
from flags_store.extract_formats.ssd_tables import (
    CLA_EPISODES,
    CP_PLANS,
    LINKED_IDENTIFIERS,
    NUMBER_COLUMNS,
    PERSON,
    TABLES,
    Table,
)
from flags_store.extract_formats.ssd_values import is_nhs_number_type, to_column
from flags_store.extracts.codes import FileCode

DiskRow = Mapping[str, Any]
_AT_ONCE = 250


class Disk:
    """The database. Use it as `with Disk() as disk`; one thread at a time may call it."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._connection.row_factory = _to_row
        self._connection.create_function("day", 1, to_column, deterministic=True)
        self._connection.executescript(_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def fill(self, tables: Mapping[str, OpenTable]) -> None:
        """Read every table that is there. Raises UnreadableExtract, also where one that is needed is not there."""
        _check_tables(tables)
        for name, opens in tables.items():
            self._fill_table(TABLES[name], opens)
        self._connection.executescript(_INDEXES)
        if not self.count(CP_PLANS.name) and not self.count(CLA_EPISODES.name) and not self.count("bad_row"):
            raise UnreadableExtract(FileCode.NO_RECORDS)

    def rows(self, statement: str, *parameters: object) -> Iterator[DiskRow]:
        """What a query finds, row by row."""
        return self._connection.execute(statement, parameters)

    def row(self, statement: str, *parameters: object) -> DiskRow | None:
        """The first row that a query finds."""
        found: DiskRow | None = self._connection.execute(statement, parameters).fetchone()
        return found

    def put(self, statement: str, *parameters: object) -> None:
        """Write one row."""
        self._connection.execute(statement, parameters)

    def count(self, table: str) -> int:
        """How many rows a table has."""
        found = self.row(f"SELECT count(*) AS rows FROM {table}")  # noqa: S608
        return int(found["rows"]) if found else 0

    def _fill_table(self, table: Table, opens: OpenTable) -> None:
        rows = read_rows(table, opens)
        statement = f"INSERT INTO {table.name} VALUES ({', '.join('?' * (len(table.columns) + 1))})"  # noqa: S608
        while came := list(islice(rows, _AT_ONCE)):
            good: list[tuple[Any, ...]] = [
                (row.line, *row.values) for row in came if isinstance(row, Row) and _is_wanted(table, row)
            ]
            bad = [(table.name, row.line, row.found, row.expected) for row in came if isinstance(row, BadRow)]
            self._connection.execute("BEGIN")
            self._connection.executemany(statement, good)
            self._connection.executemany("INSERT INTO bad_row VALUES (?, ?, ?, ?)", bad)
            self._connection.execute("COMMIT")


def _to_row(cursor: sqlite3.Cursor, values: tuple[Any, ...]) -> DiskRow:
    return {column[0]: value for column, value in zip(cursor.description, values, strict=True)}


def _check_tables(tables: Mapping[str, OpenTable]) -> None:
    if PERSON.name not in tables:
        raise UnreadableExtract(FileCode.TABLE_MISSING, table=PERSON.name)
    if CP_PLANS.name not in tables and CLA_EPISODES.name not in tables:
        raise UnreadableExtract(FileCode.TABLE_MISSING, table=f"{CP_PLANS.name} and no {CLA_EPISODES.name}")
    if LINKED_IDENTIFIERS.name not in tables and not columns_of(PERSON, tables[PERSON.name]) & set(NUMBER_COLUMNS):
        problem = f"there is no column {NUMBER_COLUMNS[0]}"
        raise UnreadableExtract(FileCode.TABLE_COLUMNS, table=PERSON.name, problem=problem)


def _is_wanted(table: Table, row: Row) -> bool:
    """Of the identifiers of a person, the NHS number is read, and no other one is kept."""
    return table is not LINKED_IDENTIFIERS or is_nhs_number_type(row.values[table.columns.index("link_identifier_type")])


def _definition(table: Table) -> str:
    columns = ", ".join(f"{name} TEXT NOT NULL" for name in table.columns)
    return f"CREATE TABLE {table.name} (line INTEGER NOT NULL, {columns});"


_TABLES = f"""
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    {" ".join(map(_definition, TABLES.values()))}
    CREATE TABLE bad_row (name TEXT, line INTEGER, found INTEGER, expected INTEGER);
    CREATE TABLE somebody (
        id TEXT PRIMARY KEY, number TEXT, forename TEXT, surname TEXT, dob TEXT, expected TEXT, death TEXT, is_mother TEXT,
        problem TEXT, first INTEGER, second INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE period (id TEXT PRIMARY KEY, person TEXT, counts INTEGER, ended_on TEXT) WITHOUT ROWID;
"""
_INDEXES = """
    CREATE INDEX person_by_id ON ssd_person (pers_person_id, line);
    CREATE INDEX plan_by_id ON ssd_cp_plans (cppl_cp_plan_id);
    CREATE INDEX episode_by_care ON ssd_cla_episodes (clae_cla_id);
    CREATE INDEX mother_by_child ON ssd_mother (moth_childs_person_id);
    CREATE INDEX status_by_person ON ssd_legal_status (lega_person_id);
    CREATE INDEX identifier_by_person ON ssd_linked_identifiers (link_person_id);
"""
