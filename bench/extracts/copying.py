"""PostgreSQL's own COPY of the same rows, the yardstick of a load: no transaction of ours could be quicker than that.

`measuring` calls it after a load, in the same database: of the persons and flags that the load has written, into tables with the
same columns, indexes and constraints; and of the CSV file's lines into one table that has neither.
"""

import io
import time
from pathlib import Path

import psycopg

from flags_store.extracts.record import COLUMNS

_CHUNK = 1 << 20


def copy_alike(owner_url: str, authority: str) -> float:
    """Seconds for the authority's persons and flags into tables like ours."""
    of_flags = f"SELECT * FROM flags WHERE authority_code = '{authority}'"  # noqa: S608 (a code of the bench)
    of_persons = f"SELECT p.* FROM persons p WHERE id IN (SELECT person_id FROM flags WHERE authority_code = '{authority}')"  # noqa: S608
    with psycopg.connect(owner_url, autocommit=True) as owner:
        spent = 0.0
        for table, query in (("persons", of_persons), ("flags", of_flags)):
            rows = _out(owner, query)
            owner.execute(f"DROP TABLE IF EXISTS bench_{table}".encode())
            owner.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)".encode())
            spent += _in(owner, f"COPY bench_{table} FROM STDIN (FORMAT binary)", rows)
            owner.execute(f"DROP TABLE bench_{table}".encode())
    return spent


def copy_bare(owner_url: str, file: Path) -> float:
    """Seconds for the lines of a CSV file into one table of text without any index."""
    columns = ", ".join(f"{name} text" for name in COLUMNS)
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute(b"DROP TABLE IF EXISTS bench_lines")
        owner.execute(f"CREATE TABLE bench_lines ({columns})".encode())
        with file.open("rb") as lines:
            spent = _in(owner, "COPY bench_lines FROM STDIN (FORMAT csv, HEADER)", io.BytesIO(lines.read()))
        owner.execute(b"DROP TABLE bench_lines")
    return spent


def _out(owner: psycopg.Connection[tuple[object, ...]], query: str) -> io.BytesIO:
    rows = io.BytesIO()
    with owner.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT binary)".encode()) as copy:
        for piece in copy:
            rows.write(piece)
    rows.seek(0)
    return rows


def _in(owner: psycopg.Connection[tuple[object, ...]], statement: str, rows: io.BytesIO) -> float:
    began = time.perf_counter()
    with owner.cursor().copy(statement.encode()) as copy:
        while piece := rows.read(_CHUNK):
            copy.write(piece)
    return time.perf_counter() - began
