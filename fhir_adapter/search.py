"""What a search asks, from its parameters: which patient, and that it is our kind of flag. Pure.

One lookup has many spellings; all of them end here. `capability` publishes the same table, so that it cannot lie.
Sources: Patient Flag and CP-IS FHIR guides (parameters); FHIR R4, "Search".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from domain.errors import InvalidNhsNumber
from domain.nhs_number import NhsNumber, parse_nhs_number
from fhir_adapter.codes import (
    CARE_TEAM_SUBJECT_PARAMETER,
    FLAG_CATEGORY,
    FLAG_CODE,
    FLAG_CODE_PARAMETER,
    FLAG_SUBJECT_PARAMETER,
    NHS_NUMBER,
    PATIENT_PARAMETER,
)
from fhir_adapter.errors import INVALID_SEARCH, Refused


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter as it is published."""

    name: str
    type: str
    definition: str
    documentation: str


_SPELLINGS = "An NHS number; also as {0}:identifier or {0}.identifier, alone or after " + NHS_NUMBER + "|"
_PATIENT = Parameter("patient", "reference", PATIENT_PARAMETER, _SPELLINGS.format("patient"))
_CODE = Parameter("code", "token", FLAG_CODE_PARAMETER, f"Only {FLAG_CODE}, with or without its system.")


def _subject(definition: str) -> Parameter:
    return Parameter("subject", "reference", definition, _SPELLINGS.format("subject"))


PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    "Flag": (_PATIENT, _subject(FLAG_SUBJECT_PARAMETER), _CODE),
    "CareTeam": (_PATIENT, _subject(CARE_TEAM_SUBJECT_PARAMETER)),
}
FORMAT = "_format"
_OUR_CODES = frozenset({FLAG_CODE, f"{FLAG_CATEGORY}|{FLAG_CODE}"})
_PATIENT_SPELLINGS = frozenset(
    f"{name}{suffix}" for name in ("patient", "subject") for suffix in ("", ":identifier", ".identifier")
)


@dataclass(frozen=True, slots=True)
class Search:
    """A search that was understood. `used` holds the pairs that were really used, as they were given."""

    resource: str
    number: NhsNumber
    used: tuple[tuple[str, str], ...]

    def link(self, base_url: str, *, by_post: bool) -> str:
        """The address for `link.self`: what was used, and after a POST not the number, which was never in an address."""
        used = [pair for pair in self.used if not (by_post and pair[0] in _PATIENT_SPELLINGS)]
        address = f"{base_url}/{self.resource}{'/_search' if by_post else ''}"
        return f"{address}?{urlencode(used, safe=':/', quote_via=quote)}" if used else address


def parse_search(resource: str, pairs: Sequence[tuple[str, str]], *, strict: bool) -> Search:
    """The patient that is asked for. Raises Refused for whatever might be answered for the wrong patient or kind.

    Unknown parameters are left out, or refused where `strict`; an unknown spelling of a known one is always refused.
    """
    used: list[tuple[str, str]] = []
    patients: list[str] = []
    for name, value in pairs:
        if name in _PATIENT_SPELLINGS:
            patients.append(value)
        elif name == "code" and resource == "Flag":
            _check_code(value)
        elif name != FORMAT:
            _check_unknown(name, resource, strict=strict)
            continue
        used.append((name, value))
    if len(patients) != 1:
        raise Refused(INVALID_SEARCH, "Name the patient exactly once, by patient or patient:identifier.")
    return Search(resource, _parse_patient(patients[0]), tuple(used))


def _parse_patient(value: str) -> NhsNumber:
    system, bar, text = value.rpartition("|")
    if system not in {"", NHS_NUMBER}:
        raise Refused(INVALID_SEARCH, f"Invalid NHS number: the identifier's system must be {NHS_NUMBER}.")
    try:
        return parse_nhs_number(text if bar else text.removeprefix("Patient/"))
    except InvalidNhsNumber as error:
        raise Refused(INVALID_SEARCH, f"Invalid NHS number: {error}.") from None


def _check_code(value: str) -> None:
    """Another kind of flag is not held here, and 'none' would read as 'checked, none known'."""
    if value not in _OUR_CODES:
        raise Refused(INVALID_SEARCH, f"Nothing was checked: this server holds flags of code {FLAG_CODE} only.")


def _check_unknown(name: str, resource: str, *, strict: bool) -> None:
    base = name.replace(".", ":").partition(":")[0]
    if base in {parameter.name for parameter in PARAMETERS[resource]}:
        raise Refused(INVALID_SEARCH, f"This spelling of the parameter {base} is not supported.")
    if strict:
        names = ", ".join(parameter.name for parameter in PARAMETERS[resource])
        raise Refused(INVALID_SEARCH, f"The search has a parameter that is not supported here. Supported: {names}.")
