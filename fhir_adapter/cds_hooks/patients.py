"""Who the patient is, from the Patient that an EHR gave: NHS number, names and date of birth, or why nobody can tell. Pure.

`answering` asks the desk with it. Whatever is doubtful becomes "could not check", never another patient.
Sources: FHIR R4 Patient; UK Core Patient (NHS number, its verification status).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.answer import CouldNotCheckReason
from domain.encounter import Identity
from domain.errors import InvalidNhsNumber
from domain.nhs_number import NhsNumber, parse_nhs_number
from fhir_adapter.codes import NHS_NUMBER, Json

VERIFICATION_STATUS = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
_VERIFIED = ("01", "number-present-and-verified")
NOT_GIVEN = "We could not check: the hospital's own system could not give us the patient."
ANOTHER = "We could not check: the hospital's own system sent us another patient than the one that is open."


@dataclass(frozen=True, slots=True)
class Given:
    """Who it is. `problem` is why nobody can tell, where the identity's own reason does not say it."""

    identity: Identity
    problem: str = ""


def read_patient(resource: Json, patient_id: str, today: date) -> Given:
    """The identity of a Patient; without a number where there is none, more than one, or the resource is another's."""
    if resource.get("resourceType") != "Patient":
        return Given(Identity(None, CouldNotCheckReason.NO_NUMBER), NOT_GIVEN)
    if resource.get("id") not in (None, patient_id):
        return Given(Identity(None, CouldNotCheckReason.NO_NUMBER), ANOTHER)
    identifiers = [each for each in _objects(resource, "identifier") if _is_current_number(each, today)]
    numbers, are_valid = _numbers(identifiers)
    if len(numbers) > 1 or (numbers and not are_valid):
        return Given(Identity(None, CouldNotCheckReason.AMBIGUOUS_NUMBER))
    family, given = _name(resource)
    birth_date = _day(resource.get("birthDate"))
    if not numbers:
        why_not = CouldNotCheckReason.NO_NUMBER if are_valid else CouldNotCheckReason.INVALID_NUMBER
        return Given(Identity(None, why_not, family_name=family, given_name=given, birth_date=birth_date))
    [number] = numbers
    unverified = not all(_is_verified(each) for each in identifiers)
    return Given(Identity(number, family_name=family, given_name=given, birth_date=birth_date, unverified=unverified))


def _numbers(identifiers: list[Json]) -> tuple[set[NhsNumber], bool]:
    """The numbers that can be read, and whether every one could."""
    numbers, are_valid = set(), True
    for each in identifiers:
        value = each.get("value")
        if value is None:  # an identifier that only says that there is none
            continue
        try:
            numbers.add(parse_nhs_number(str(value)))
        except InvalidNhsNumber:
            are_valid = False
    return numbers, are_valid


def _is_current_number(identifier: Json, today: date) -> bool:
    """Whether it is an NHS number, and nobody says that it is not the patient's any more."""
    period = identifier.get("period")
    end = period.get("end") if isinstance(period, dict) else None
    is_over = identifier.get("use") == "old" or (isinstance(end, str) and end[:10] < today.isoformat()[: len(end)])
    return identifier.get("system") == NHS_NUMBER and not is_over


def _is_verified(identifier: Json) -> bool:
    """What the extension says; where it is not there, the EHR says nothing against its number."""
    for extension in _objects(identifier, "extension"):
        if extension.get("url") == VERIFICATION_STATUS:
            concept = extension.get("valueCodeableConcept")
            codings = _objects(concept, "coding") if isinstance(concept, dict) else []
            return any(coding.get("code") in _VERIFIED for coding in codings)
    return True


def _name(resource: Json) -> tuple[str, str]:
    """Family and given names of the name in use, the official one before others."""
    names = sorted(_objects(resource, "name"), key=_rank)
    for name in names:
        family, given = name.get("family"), name.get("given")
        if isinstance(family, str) and family and name.get("use") not in ("old", "maiden"):
            return family, " ".join(_texts(given))
    return "", ""


def _rank(name: Json) -> int:
    return {"official": 0, "usual": 1}.get(str(name.get("use")), 2)


def _texts(values: Any) -> Iterator[str]:
    return (value for value in values if isinstance(value, str)) if isinstance(values, list) else iter(())


def _objects(resource: Json, name: str) -> list[Json]:
    values = resource.get(name)
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _day(value: Any) -> date | None:
    """A whole date; a year or a month alone compares with nothing."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None
