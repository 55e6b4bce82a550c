"""Writes of several tables in one statement, which fails where one of them does not write what it must.

Rooms describe what they write, with a `Write` each; the use case does them together, and need not wait for what comes of it.
Source: PostgreSQL, "Data-Modifying Statements in WITH".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from runtime.database import Transaction


@dataclass(frozen=True, slots=True)
class Write:
    """An INSERT or UPDATE without RETURNING, its parameters, and how many rows it must touch."""

    statement: str
    parameters: Sequence[Any]
    rows: int


async def write_together(transaction: Transaction, writes: Sequence[Write]) -> None:
    """Do them all. None of them sees what another one writes, except through foreign keys.

    Raises psycopg's SerializationFailure where one touches other than as many rows as it must: somebody else was there first.
    """
    if writes:
        statement = _joined(tuple(write.statement for write in writes))
        parameters = [each for write in writes for each in write.parameters]
        await transaction.execute(statement, [*parameters, [write.rows for write in writes]])


@lru_cache(maxsize=64)
def _joined(statements: tuple[str, ...]) -> bytes:
    parts = ", ".join(f"write{number} AS ({statement} RETURNING true)" for number, statement in enumerate(statements))
    counts = ", ".join(f"(SELECT count(*) FROM write{number})" for number in range(len(statements)))  # noqa: S608
    return f"WITH {parts} SELECT CASE WHEN ARRAY[{counts}] = %s::bigint[] THEN true ELSE came_too_late() END".encode()
