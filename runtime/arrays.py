"""Lists as PostgreSQL array literals: how groups of rows reach `unnest(%s::text[], …)`.

`runtime.database` gives every connection this dumper in the place of psycopg's own, which asks anew what each element is: at the
desk that was a third of all the work. `runtime.pipelined`, which the desk speaks through, writes the literals without asking the
driver at all. Source: PostgreSQL, "Array Input and Output Syntax".
"""

from collections.abc import Callable
from datetime import date, datetime
from types import NoneType
from typing import Any
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper


class ArrayDumper(Dumper):
    """A flat list, of a type that the statement names."""

    def dump(self, obj: list[Any]) -> bytes:
        """As `array_literal`."""
        return array_literal(obj)


def array_literal(values: list[Any]) -> bytes:
    """The literal of a flat list, of a type that the statement names.

    Raises DataError for a NUL in a text, as psycopg does, and ProgrammingError for an element that has no place in an array here.
    """
    literal = _of_texts(values) if values and type(values[0]) is str else ""
    literal = literal or "{" + ",".join(map(_element, values)) + "}"
    if "\0" in literal:
        raise psycopg.DataError("PostgreSQL text cannot hold NUL")
    return literal.encode()


def _of_texts(values: list[Any]) -> str:
    """The literal of a list of texts that are written as they are, which most lists are; empty for any other."""
    try:
        joined = '","'.join(values)
    except TypeError:
        return ""
    return f'{{"{joined}"}}' if "\\" not in joined and joined.count('"') == 2 * len(values) - 2 else ""


def _element(value: object) -> str:
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, str):
        return _quoted(value)
    raise psycopg.ProgrammingError(f"an array holds no {type(value).__name__}")


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"' if "\\" in text or '"' in text else f'"{text}"'


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


# But for texts and bytes none needs quotes: there is no blank, comma, brace or backslash in what they write.
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: _quoted,
    NoneType: lambda _: "NULL",
    bool: str,
    int: str,
    float: repr,
    UUID: str,
    date: date.isoformat,
    datetime: datetime.isoformat,
    bytes: lambda value: f'"\\\\x{value.hex()}"',
}
