"""Whether an object is an Encounter of FHIR R4: fhir.resources for the structure, and the required codes that it lets through.

`recording` asks before anything of it is read. The one place of the service that uses fhir.resources (R4B; its Encounter is R4's).
Sources: FHIR R4 (4.0.1) Encounter and its value sets of required binding; "Extensibility" (modifierExtension, implicitRules).
"""

from collections.abc import Iterator
from typing import Any

from fhir.resources.R4B.encounter import Encounter
from pydantic import ValidationError

from fhir_adapter.codes import Json
from fhir_adapter.encounters.problems import BadResource, Problem, bad

ELEMENTS = frozenset(Encounter.elements_sequence())
STATUSES = frozenset(
    {"planned", "arrived", "triaged", "in-progress", "onleave", "finished", "cancelled", "entered-in-error", "unknown"}
)
_IDENTIFIER_USES = frozenset({"usual", "official", "temp", "secondary", "old"})
REQUIRED_CODES = {
    "Encounter.status": STATUSES,
    "Encounter.statusHistory.status": STATUSES,
    "Encounter.identifier.use": _IDENTIFIER_USES,
    "Encounter.subject.identifier.use": _IDENTIFIER_USES,
    "Encounter.serviceProvider.identifier.use": _IDENTIFIER_USES,
    "Encounter.location.status": frozenset({"planned", "active", "reserved", "completed"}),
    "Encounter.contained.identifier.use": _IDENTIFIER_USES,
    "Encounter.contained.gender": frozenset({"male", "female", "other", "unknown"}),
    "Encounter.contained.name.use": frozenset({"usual", "official", "temp", "nickname", "anonymous", "old", "maiden"}),
}
_WORDS = {
    "required": "This element is required.",
    "structure": "There is an element here that FHIR R4 does not have.",
    "value": "The value is not of the type that FHIR R4 has here.",
}


def check_encounter(resource: Json) -> None:
    """Raises BadResource with all that is wrong, by element; no value that was sent is in it."""
    problems = [*_not_understood(resource, "Encounter"), *_structure(resource), *_codes(resource, "Encounter")]
    if problems:
        raise BadResource(problems)


def _not_understood(value: Any, expression: str) -> Iterator[Problem]:
    """What changes the meaning of the rest and is not understood here may not be passed over."""
    if isinstance(value, list):
        for inner in value:
            yield from _not_understood(inner, expression)
    elif isinstance(value, dict):
        for name in value.keys() & {"modifierExtension", "implicitRules"}:
            yield Problem("extension", expression, f"{name} is not understood here.")
        for inner in value.values():
            yield from _not_understood(inner, expression)


def _structure(resource: Json) -> Iterator[Problem]:
    try:
        Encounter.model_validate(_without_narrative(resource))
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            code = _code(each["type"])
            place = each["loc"][:-1] if code == "structure" else each["loc"]
            yield Problem(code, _expression(place), _WORDS[code])
    except Exception:  # the library raises what it likes at a type that there is not
        raise bad("structure", "Encounter", "The body is not an Encounter of FHIR R4.") from None


def _without_narrative(resource: Json) -> Json:
    """Nobody reads it here, so that no XHTML need be parsed."""
    bare = {name: value for name, value in resource.items() if name != "text"}
    if isinstance(bare.get("contained"), list):
        bare["contained"] = [_without_narrative(each) if isinstance(each, dict) else each for each in bare["contained"]]
    return bare


def _code(kind: str) -> str:
    if kind == "extra_forbidden":
        return "structure"
    return "required" if kind.endswith("missing") else "value"


def _expression(place: tuple[int | str, ...]) -> str:
    return "Encounter" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)


def _codes(value: Any, path: str, expression: str = "Encounter") -> Iterator[Problem]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _codes(inner, f"{path}.{name}", f"{expression}.{name}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _codes(inner, path, f"{expression}[{place}]")
    elif path in REQUIRED_CODES and value not in REQUIRED_CODES[path]:
        yield Problem("code-invalid", expression, "The code is not one of those that FHIR R4 has here.")
