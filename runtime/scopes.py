"""Scopes of systems: what one spells, what of it is granted, and whether what was granted is enough. Pure.

The token endpoint grants by it, and `fhir_adapter.access` asks it for each interaction. `system/Extract.cr` is spelled in the same
grammar, though an extract is no FHIR resource.
Source: SMART App Launch 2.2, "Scopes for requesting FHIR resources" (v2, and the v1 spellings that it maps to them).
"""

import re
from collections.abc import Collection, Iterable

_SYSTEM = re.compile(r"system/(?P<resource>[A-Z][A-Za-z]*|\*)\.(?P<may>c?r?u?d?s?|read|write|\*)")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_ORDER = "cruds"


def grant(asked: Iterable[str], registered: Collection[str]) -> list[str]:
    """What of the scopes that were asked for is registered, spelled after v2. `system/*.` asks for every resource.

    What is not understood, or not registered, is left out.
    """
    wanted = [parsed for scope in asked if (parsed := _parse(scope))]
    granted = []
    for scope in registered:
        resource, letters = _parse(scope) or ("", frozenset[str]())
        kept = letters & frozenset[str]().union(*(may for named, may in wanted if named in {resource, "*"}))
        if kept:
            granted.append(f"system/{resource}.{''.join(letter for letter in _ORDER if letter in kept)}")
    return granted


def permits(granted: Iterable[str], needed: str) -> bool:
    """Whether scopes reach as far as one that is needed, such as system/Flag.s, of which every letter must be granted."""
    parsed = _parse(needed)
    if parsed is None:
        return False
    resource, letters = parsed
    return letters <= frozenset[str]().union(*(may for named, may in map(_known, granted) if named == resource))


def _known(scope: str) -> tuple[str, frozenset[str]]:
    return _parse(scope) or ("", frozenset())


def _parse(scope: str) -> tuple[str, frozenset[str]] | None:
    found = _SYSTEM.fullmatch(scope)
    if found is None or not found["may"]:
        return None
    return found["resource"], frozenset(_V1.get(found["may"], found["may"]))
