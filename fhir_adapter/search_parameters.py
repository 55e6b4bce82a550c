"""The table of search parameters: by it `search` reads, and `capability` publishes what R4 lacks as SearchParameters.

Sources: Patient Flag and CP-IS FHIR guides (parameters); FHIR R4, "Search" and the search parameters of Flag and CareTeam.
"""

from dataclasses import dataclass

from fhir_adapter.codes import (
    AUDIT_AGENT_NAME_PARAMETER,
    AUDIT_AGENT_PARAMETER,
    AUDIT_DATE_PARAMETER,
    AUDIT_PATIENT_PARAMETER,
    CARE_TEAM_IDENTIFIER_PARAMETER,
    CARE_TEAM_STATUS_PARAMETER,
    CARE_TEAM_SUBJECT_PARAMETER,
    DATE_PARAMETER,
    FLAG_CODE,
    FLAG_CODE_PARAMETER,
    FLAG_DETAIL,
    FLAG_IDENTIFIER_PARAMETER,
    FLAG_SUBJECT_PARAMETER,
    ID_PARAMETER,
    NHS_NUMBER,
    PATIENT_PARAMETER,
    UPDATED_PARAMETER,
    URI,
)
from fhir_adapter.summary import ELEMENTS, SUMMARY

COUNT = "_count"
FORMAT = "_format"
INCLUDE = "_include"
_R4 = "http://hl7.org/fhir/SearchParameter/"
OWN = "/SearchParameter/"
"""How a definition begins that this server publishes itself: the base URL stands before it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter as it is published. Those that shape an answer have no `definition`: FHIR has none for them."""

    name: str
    type: str
    definition: str
    documentation: str


@dataclass(frozen=True, slots=True)
class Custom:
    """A search parameter that R4 lacks, as this server publishes it. `url` may begin with OWN."""

    id: str
    url: str
    name: str
    publisher: str
    description: str
    code: str
    type: str
    expression: str
    targets: tuple[str, ...] = ()


CUSTOM = (
    Custom(
        "England-FlagCode", FLAG_CODE_PARAMETER, "EnglandFlagCode", "NHS England", "Search by code in the Flag resource",
        "code", "token", "Flag.code",
    ),
    Custom(
        "Nightlight-FlagStatus", f"{OWN}Nightlight-FlagStatus", "NightlightFlagStatus", "Nightlight",
        "Whether any plan that the Flag is about stands open", "status", "token", "Flag.status",
    ),
    Custom(
        "Nightlight-FlagCategory", f"{OWN}Nightlight-FlagCategory", "NightlightFlagCategory", "Nightlight",
        "Search by category in the Flag resource", "category", "token", "Flag.category",
    ),
    Custom(
        "Nightlight-FlagDetail", f"{OWN}Nightlight-FlagDetail", "NightlightFlagDetail", "Nightlight",
        "The plans that the extension flag-detail points to; for _include", "detail", "reference",
        f"Flag.extension('{FLAG_DETAIL}').value", ("CarePlan",),
    ),
)  # fmt: skip
_DEFINED = {custom.code: custom.url for custom in CUSTOM}

INCLUDES = ("Flag:detail", "CarePlan:care-team", "*", "Flag:*", "Flag:flag-detail", "Flag:detail:CarePlan", "CarePlan:careTeam")
"""Values of `_include` that say what comes with a Flag in any case; the first two are published."""

_SPELLINGS = "An NHS number; also as {0}:identifier or {0}.identifier, alone or after " + NHS_NUMBER + "|"
_NEVER_EMPTIES = " It never leaves nothing of what is held: then all is shown, and the outcome entry says so."
_ONLY_OURS = f"Only {FLAG_CODE}, with or without its system."
_PATIENT = Parameter("patient", "reference", PATIENT_PARAMETER, _SPELLINGS.format("patient"))


def _subject(definition: str) -> Parameter:
    return Parameter("subject", "reference", definition, _SPELLINGS.format("subject"))


def _filters(identifier: str) -> tuple[Parameter, ...]:
    return (
        Parameter("_id", "token", ID_PARAMETER, f"Beside the patient.{_NEVER_EMPTIES}"),
        Parameter("identifier", "token", identifier, f"Its id as urn:uuid:… of system {URI}.{_NEVER_EMPTIES}"),
        Parameter("date", "date", DATE_PARAMETER, f"Its period. A period that is withheld always passes.{_NEVER_EMPTIES}"),
        Parameter("_lastUpdated", "date", UPDATED_PARAMETER, f"When what it says last changed.{_NEVER_EMPTIES}"),
    )


_SHAPING = (
    Parameter(COUNT, "number", "", "0 counts. Every answer is one page, however many matches it has."),
    Parameter(SUMMARY, "token", "", "true, text, data, count or false. The outcome entry is always there, and whole."),
    Parameter(ELEMENTS, "string", "", "Names of elements. What is mandatory, and the outcome entry, are always there."),
    Parameter(FORMAT, "token", "", "json."),
)

PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    "Flag": (
        _PATIENT,
        _subject(FLAG_SUBJECT_PARAMETER),
        Parameter("code", "token", _DEFINED["code"], _ONLY_OURS),
        Parameter("category", "token", _DEFINED["category"], _ONLY_OURS),
        Parameter("status", "token", _DEFINED["status"], f"active or inactive.{_NEVER_EMPTIES}"),
        *_filters(FLAG_IDENTIFIER_PARAMETER),
        *_SHAPING,
        Parameter(INCLUDE, "special", "", "Flag:detail and CarePlan:care-team, which come in any case."),
    ),
    "CareTeam": (
        _PATIENT,
        _subject(CARE_TEAM_SUBJECT_PARAMETER),
        Parameter("status", "token", CARE_TEAM_STATUS_PARAMETER, f"active or inactive.{_NEVER_EMPTIES}"),
        *_filters(CARE_TEAM_IDENTIFIER_PARAMETER),
        *_SHAPING,
    ),
    "AuditEvent": (
        Parameter("patient", "reference", AUDIT_PATIENT_PARAMETER, _SPELLINGS.format("patient")),
        Parameter("agent", "reference", AUDIT_AGENT_PARAMETER, "Auditors alone: an id of who acted, or an ODS code."),
        Parameter("agent-name", "string", AUDIT_AGENT_NAME_PARAMETER, "Auditors alone: a part of a name."),
        Parameter("date", "date", AUDIT_DATE_PARAMETER, "Auditors alone: when it was recorded; eq, ge, gt, le, lt."),
        Parameter("_lastUpdated", "date", UPDATED_PARAMETER, "Auditors alone: the same as date."),
        Parameter(COUNT, "number", "", "At most 25; for auditors at most 100 a page."),
        Parameter(INCLUDE, "special", "", "AuditEvent:entity-type: the PractitionerRole of each who looked."),
        Parameter(FORMAT, "token", "", "json."),
    ),
    "Subscription": (
        Parameter("_id", "token", ID_PARAMETER, "The client's own alone, as with every search of Subscription."),
        Parameter("status", "token", f"{_R4}Subscription-status", "requested, active, error or off."),
        Parameter("url", "uri", f"{_R4}Subscription-url", "The endpoint, as it was given."),
        Parameter(FORMAT, "token", "", "json."),
    ),
    "Basic": (
        Parameter("code", "token", f"{_R4}Basic-code", "SubscriptionTopic, with or without its system."),
        Parameter(FORMAT, "token", "", "json."),
    ),
}
