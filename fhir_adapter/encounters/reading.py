"""An Encounter that `validity` let through, read for what the desk needs: the visit, the site, the patient, the times, the codes.

`recording` calls it. What is not read is not kept. Pure.
Sources: UK Core Encounter; FHIR R4 Encounter; NHS Data Dictionary (admission method, treatment function code, discharge codes).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from domain.encounter import Identity, to_arrival_mode
from fhir_adapter.codes import ACT_REASON, Json
from fhir_adapter.encounters.classes import EncounterClass, read_class
from fhir_adapter.encounters.codes import ADMISSION_METHOD, ARRIVAL_CODE, MODE_OF_ARRIVAL, ODS
from fhir_adapter.encounters.problems import bad
from fhir_adapter.encounters.subject import read_subject
from fhir_adapter.encounters.times import parse_moment

LEFT_BEFORE_SEEN = frozenset({"12", "1066301000000103", "1066311000000101"})
"""Attendance disposal 12, and the SNOMED CT codes of the emergency care data set (docs/hl7.md has the same)."""

_LONGEST_VISIT = 128
_LONGEST_CODE = 64


@dataclass(frozen=True, slots=True)
class Sent:
    """An Encounter as it was sent. Times are UTC; `ods_code` is whom it names as provider; `id` is empty where it has none."""

    id: str
    status: str
    visit_number: str
    ods_code: str
    identity: Identity
    encounter_class: EncounterClass
    admission_method: str
    treatment_function: str
    location: str
    started_at: datetime | None
    ended_at: datetime | None
    last_updated: datetime | None
    left_before_seen: bool
    arrival_mode: str
    test: bool

    @property
    def codes(self) -> tuple[str, str, str, str]:
        """What the site's rules for care settings are held against (safeguarding/care_settings.py)."""
        return self.encounter_class.patient_class, self.admission_method, self.treatment_function, self.location


def read_encounter(resource: Json, *, strict: bool) -> Sent:
    """What the resource says. Raises BadResource for a missing visit number or provider, and for an end before the start."""
    ods_code = _provider(resource)
    hospitalization, meta, period = (resource.get(name, {}) for name in ("hospitalization", "meta", "period"))
    started_at = parse_moment(period.get("start"), "Encounter.period.start")
    ended_at = parse_moment(period.get("end"), "Encounter.period.end")
    if started_at and ended_at and ended_at < started_at:
        raise bad("invariant", "Encounter.period", "The end comes before the start.")
    return Sent(
        id=resource.get("id", ""),
        status=resource["status"],
        visit_number=_visit_number(resource.get("identifier", [])),
        ods_code=ods_code,
        identity=read_subject(resource, ods_code, strict=strict),
        encounter_class=read_class(resource["class"]),
        admission_method=_admission_method(hospitalization),
        treatment_function=_treatment_function(resource.get("serviceType", {})),
        location=_location(resource.get("location", [])),
        started_at=started_at,
        ended_at=ended_at,
        last_updated=parse_moment(meta.get("lastUpdated"), "Encounter.meta.lastUpdated"),
        left_before_seen=any(code in LEFT_BEFORE_SEEN for code in _codes(hospitalization.get("dischargeDisposition", {}))),
        arrival_mode=_arrival_mode(resource.get("extension", [])),
        test=any(each.get("code") == "HTEST" and each.get("system") == ACT_REASON for each in meta.get("security", [])),
    )


def _visit_number(identifiers: list[Json]) -> str:
    """The one of type VN, else the official one, else the only one that is not old."""
    current = [each for each in identifiers if each.get("use") != "old" and each.get("value", "").strip()]
    ways: tuple[list[Json], ...] = (
        [each for each in current if any(coding.get("code") == "VN" for coding in each.get("type", {}).get("coding", []))],
        [each for each in current if each.get("use") == "official"],
        current,
    )
    values = next((list(dict.fromkeys(each["value"].strip() for each in way)) for way in ways if way), [])
    if not values:
        raise bad("required", "Encounter.identifier", "An identifier with the visit number is needed.")
    if len(values) > 1:
        raise bad("multiple-matches", "Encounter.identifier", "Say which is the visit number: type VN, or use official.")
    if len(values[0]) > _LONGEST_VISIT:
        raise bad("too-long", "Encounter.identifier", f"A visit number has {_LONGEST_VISIT} characters at most.")
    return str(values[0])


def _provider(resource: Json) -> str:
    identifier = resource.get("serviceProvider", {}).get("identifier", {})
    code = identifier.get("value", "").strip().upper()
    if identifier.get("system") != ODS or not code:
        raise bad("required", "Encounter.serviceProvider.identifier", f"The site's ODS code is needed, of system {ODS}.")
    return str(code)


def _admission_method(hospitalization: Json) -> str:
    concepts = (
        each.get("valueCodeableConcept", {}) for each in hospitalization.get("extension", []) if each.get("url") == ADMISSION_METHOD
    )
    return _first(code for concept in concepts for code in _codes(concept))


def _arrival_mode(extensions: list[Json]) -> str:
    """From HL7's own table alone: FHIR binds the extension to no code system."""
    codings = (each.get("valueCoding", {}) for each in extensions if each.get("url") == MODE_OF_ARRIVAL)
    return next((to_arrival_mode(each.get("code", "")) for each in codings if each.get("system") == ARRIVAL_CODE), "")


def _treatment_function(service_type: Json) -> str:
    """From a code system that is named after it: UK Core binds serviceType to others."""
    return _first(
        coding.get("code", "")
        for coding in service_type.get("coding", [])
        if "treatmentfunction" in coding.get("system", "").lower().replace("-", "")
    )


def _location(locations: list[Json]) -> str:
    """The identifier of where the patient is now: active, or not said to be otherwise."""
    return _first(
        each["location"].get("identifier", {}).get("value", "")
        for each in locations
        if each.get("status", "active") == "active" and "location" in each
    )


def _codes(concept: Json) -> Iterator[str]:
    return (coding.get("code", "") for coding in concept.get("coding", []))


def _first(codes: Iterable[str]) -> str:
    return next((code.strip() for code in codes if code.strip() and len(code) <= _LONGEST_CODE), "")
