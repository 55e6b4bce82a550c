"""How much of each resource a caller wants to see: `_summary` and `_elements`. Pure.

`search` and `reads` parse a Shape, `searchset` applies it. It never touches the outcome entry, which holds what to mind.
Source: FHIR R4, "Search", sections Summary and Elements; the definitions of Flag, CarePlan and CareTeam.
"""

import re
from dataclasses import dataclass, replace

from fhir_adapter.codes import SUBSETTED, Json
from fhir_adapter.errors import INVALID_SEARCH, Refused

SUMMARY = "_summary"
ELEMENTS = "_elements"
_COUNT = "count"
_SUMMARIES = frozenset({"true", "false", "text", "data", _COUNT})
_NAMES = re.compile(r"[A-Za-z]{1,64}(\.[A-Za-z]{1,64})?(,[A-Za-z]{1,64}(\.[A-Za-z]{1,64})?)*")

_ALWAYS = frozenset({"resourceType", "id", "meta"})
MANDATORY = {
    "Flag": frozenset({"status", "code", "subject"}),
    "CarePlan": frozenset({"status", "intent", "subject"}),
    "CareTeam": frozenset({"status"}),
}
"""What must be there, and what changes the meaning of all the rest."""

IN_SUMMARY = {
    "Flag": frozenset({"identifier", "status", "category", "code", "subject", "period"}),
    "CarePlan": frozenset({"identifier", "status", "intent", "category", "subject", "period"}),
    "CareTeam": frozenset({"identifier", "status", "category", "name", "subject", "period"}),
}
"""Those of a summary that are ever rendered here."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is shown. `summary` is a value of `_summary`; `elements` are names, alone or after a type and a dot."""

    summary: str = "false"
    elements: frozenset[str] = frozenset()

    @property
    def counts_only(self) -> bool:
        """Whether the resources themselves are not wanted."""
        return self.summary == _COUNT

    def apply(self, resource: Json, *, asked_for: bool = True) -> Json:
        """The resource as far as it is wanted, marked where anything was left out.

        An element named alone is one of the type that was `asked_for`: what comes with it stays whole.
        """
        kept = self._kept(resource["resourceType"], asked_for=asked_for)
        if kept is None or kept >= resource.keys():
            return resource
        meta = {**resource["meta"], "tag": [SUBSETTED]}
        return {**{name: value for name, value in resource.items() if name in kept}, "meta": meta}

    def _kept(self, resource_type: str, *, asked_for: bool) -> frozenset[str] | None:
        if self.summary == "true":
            return _ALWAYS | IN_SUMMARY[resource_type]
        if self.summary == "text":
            return _ALWAYS | MANDATORY[resource_type] | {"text"}
        typed = {name.partition(".")[2] for name in self.elements if name.startswith(f"{resource_type}.")}
        named = typed | ({name for name in self.elements if "." not in name} if asked_for else set())
        return _ALWAYS | MANDATORY[resource_type] | named if named else None


WHOLE = Shape()
COUNTED = Shape(_COUNT)


def take(shape: Shape, name: str, value: str) -> Shape:
    """The shape with one more parameter. Raises Refused for a value that is none, and where both are asked for."""
    if name == SUMMARY:
        if value not in _SUMMARIES:
            raise Refused(INVALID_SEARCH, f"{SUMMARY} is one of {', '.join(sorted(_SUMMARIES))}.")
        shape = replace(shape, summary=value)
    else:
        if not _NAMES.fullmatch(value):
            raise Refused(INVALID_SEARCH, f"{ELEMENTS} holds names of elements, with commas between.")
        shape = replace(shape, elements=shape.elements | frozenset(value.split(",")))
    if shape.elements and shape.summary != "false":
        raise Refused(INVALID_SEARCH, f"{SUMMARY} and {ELEMENTS} do not go together.")
    return shape
