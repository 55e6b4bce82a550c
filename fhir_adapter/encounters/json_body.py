"""The bytes of a resource to a JSON object; whatever two readers could understand differently is refused.

`recording` calls it with what `app` has read, which is bounded. Pure.
Sources: RFC 8259 (JSON); FHIR R4, "JSON representation": no null, nothing empty, no name twice.
"""

import json
import re
from collections import deque
from collections.abc import Collection, Iterator
from typing import Any, NoReturn

from fhir_adapter.codes import Json
from fhir_adapter.encounters.problems import bad

DEEPEST = 40
"""Levels of objects and arrays; an Encounter with contained resources and extensions needs about fifteen."""

MOST_VALUES = 1000
"""Objects, arrays and values in all; an Encounter has some hundred, and each takes time that others wait for."""

_NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def read_object(raw: bytes, resource_type: str, elements: Collection[str]) -> Json:
    """The resource of that type. Raises BadResource for anything else; only names in `elements` appear in its expressions."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise bad("structure", resource_type, "The body is not UTF-8.") from None
    except _NameTwice:
        raise bad("structure", resource_type, "An object has the same name twice.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise bad("structure", resource_type, f"The body is not JSON: {where}.") from None
    except (ValueError, RecursionError):
        raise bad("structure", resource_type, "The body is not JSON that can be read.") from None
    if not isinstance(value, dict) or value.get("resourceType") != resource_type:
        raise bad("structure", resource_type, f"The body must be one resource of type {resource_type}.")
    if _is_long(value):
        raise bad("too-costly", resource_type, f"The body has more than {MOST_VALUES} objects, arrays and values.")
    for name, inner in value.items():
        expression = f"{resource_type}.{name}" if name in elements else resource_type
        for problem in _problems(inner, depth=2):
            raise bad("structure", expression, problem)
        if _NOT_TEXT.search(name):
            raise bad("structure", resource_type, _TEXT)
    return value


class _NameTwice(Exception):
    """Two readers would take different values."""


def _object(pairs: list[tuple[str, Any]]) -> Json:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise _NameTwice
    return read


def _no_number(_: str) -> NoReturn:
    raise ValueError


def _is_long(value: Json) -> bool:
    waiting, seen = deque[object]([value]), 0
    while waiting and seen <= MOST_VALUES:
        each = waiting.popleft()
        seen += 1
        waiting.extend(each.values() if isinstance(each, dict) else each if isinstance(each, list) else ())
    return seen > MOST_VALUES


_TEXT = "A text holds a character that no text has, such as NUL."


def _problems(value: object, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"The body is nested deeper than {DEEPEST} levels."
        return
    match value:
        case dict() | list() if not value:
            yield "An object or array is empty: leave it out."
        case dict():
            for name, inner in value.items():
                yield from _problems(name, depth)
                yield from _problems(inner, depth + 1)
        case list():
            for inner in value:
                yield from _problems(inner, depth + 1)
        case None | "":
            yield "A value is null or empty: leave it out."
        case str() if _NOT_TEXT.search(value):
            yield _TEXT
