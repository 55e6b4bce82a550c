"""Rows as one parameter: how groups of rows reach `json_to_recordset(%s) AS asked (site text, at timestamptz, …)`.

`unnest` of a list for each column costs the server a table of its own in memory for each of them: for what the desk reads and
writes, half of the server's work for a message that comes alone ([decision 48](../docs/adr/0048-rows-go-as-one-parameter.md)).
Source: PostgreSQL, "JSON Functions and Operators".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from psycopg.adapt import Dumper


@dataclass(frozen=True, slots=True)
class Recordset:
    """Rows as the server reads them."""

    literal: bytes


class RecordsetDumper(Dumper):
    """`runtime.database` gives it to every connection."""

    def dump(self, obj: Recordset) -> bytes:
        """The rows as they are."""
        return obj.literal


class Columns:
    """What the rows hold, as SQL names it: `Columns("site text, at timestamptz")`. A type is one word.

    The planner expects a hundred rows of them. So it is for statements that seek by keys whatever it expects: the desk's.
    """

    def __init__(self, definition: str) -> None:
        self._definition = definition
        self._names = [column.split()[0] for column in definition.split(",")]

    def table(self, name: str) -> str:
        """The rows of one parameter as a table of that name, for a FROM."""
        return f"json_to_recordset(%s) AS {name} ({self._definition})"

    def rows(self, rows: Iterable[Sequence[Any]]) -> Recordset:
        """The parameter. Raises DataError for a text that is none, and for what has no place in a row here.

        A NUL in a text is refused by the server, as a DataError too.
        """
        try:
            return Recordset(orjson.dumps([dict(zip(self._names, row, strict=True)) for row in rows], default=_written))
        except orjson.JSONEncodeError as error:
            raise psycopg.DataError(f"no row for PostgreSQL: {type(error).__name__}") from None


def _written(value: object) -> str:
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    raise TypeError
