"""Writes of several tables in one statement: one exchange with the store, and one answer to whether each wrote what it must.

Rooms describe what they write, with a `Write` each; the use case does them together. Source: PostgreSQL, "Data-Modifying
Statements in WITH".
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


async def write_together(transaction: Transaction, writes: Sequence[Write]) -> bool:
    """Do them all. Returns whether each touched as many rows as it must: where one did not, somebody else was there first.

    None of them sees what another one writes, except through foreign keys.
    """
    if not writes:
        return True
    statement = _joined(tuple(write.statement for write in writes))
    cursor = await transaction.execute(statement, [each for write in writes for each in write.parameters])
    return await cursor.fetchone() == tuple(write.rows for write in writes)


@lru_cache(maxsize=64)
def _joined(statements: tuple[str, ...]) -> bytes:
    parts = ", ".join(f"write{number} AS ({statement} RETURNING true)" for number, statement in enumerate(statements))
    counts = ", ".join(f"(SELECT count(*) FROM write{number})" for number in range(len(statements)))  # noqa: S608
    return f"WITH {parts} SELECT {counts}".encode()
