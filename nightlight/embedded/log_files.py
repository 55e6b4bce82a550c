"""PostgreSQL's log files (WAL) laid out ahead of their use, so that no commit waits while one is made.

`nightlight serve` asks for it once its servers run. A new file is zeroed and forced to disk by whoever writes into it first, for
some ten milliseconds; while an extract is applied that is often the desk. What was used is used again (`min_wal_size`), but a new
cluster has none to use. Source: PostgreSQL 18, "WAL Configuration"; docs/adr/0046.
"""

import psycopg
from psycopg.rows import TupleRow


def lay_out(superuser: psycopg.Connection[TupleRow], files: int) -> None:
    """See to it that so many files, of 16 MB each, lie ready. Does nothing where they do."""
    missing = files - count_spare(superuser)
    if missing <= 0:
        return
    for _ in range(missing):
        superuser.execute("SELECT pg_logical_emit_message(false, 'nightlight', '')")  # an empty file is not switched
        superuser.execute("SELECT pg_switch_wal()")
    superuser.execute("CHECKPOINT")  # gives the files that were passed a name ahead


def count_spare(superuser: psycopg.Connection[TupleRow]) -> int:
    """How many files lie ahead of the one that is written."""
    row = superuser.execute(
        """
        SELECT count(*) FROM pg_ls_waldir()
        WHERE name ~ '^[0-9A-F]{24}$' AND name > pg_walfile_name(pg_current_wal_insert_lsn())
        """
    ).fetchone()
    return int(row[0]) if row else 0
