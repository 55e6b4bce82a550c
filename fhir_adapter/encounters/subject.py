"""Who an Encounter says that the patient is: its subject's NHS number, and a contained Patient's numbers, name and birthday.

`reading` calls it. A number that cannot be checked is no reason to refuse an attendance, unless the caller wants it so. Pure.
Sources: UK Core Encounter and Patient (NHSNumberVerificationStatus); HL7 table 0203 (MR); docs/facts.md, section 3.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from domain.answer import CouldNotCheckReason
from domain.encounter import Identity, LocalNumber
from domain.errors import InvalidNhsNumber
from domain.nhs_number import NhsNumber, parse_nhs_number
from fhir_adapter.codes import NHS_NUMBER, Json
from fhir_adapter.encounters.codes import NUMBER_VERIFICATION
from fhir_adapter.encounters.problems import bad
from fhir_adapter.encounters.times import parse_day

SUBJECT = "Encounter.subject"
_VERIFIED = frozenset({"01", "number-present-and-verified"})
_LONGEST_NUMBER = 64
_NON_ZERO = frozenset("123456789")


def read_subject(resource: Json, site: str, *, strict: bool) -> Identity:
    """The patient, as far as it is said. Raises BadResource for a subject that is no person or points nowhere.

    Where `strict`, for NHS numbers that are wrong or differ, too; otherwise the answer will be "could not check".
    """
    subject = resource.get("subject", {})
    if subject.get("type", "Patient") != "Patient":
        raise bad("value", f"{SUBJECT}.type", "The subject must be a Patient.")
    patient = _contained_patient(resource, subject.get("reference", ""))
    identifiers = [each for each in [subject.get("identifier"), *patient.get("identifier", [])] if each]
    ours = [each for each in identifiers if each.get("system") == NHS_NUMBER]
    number, reason = _nhs_number(each.get("value", "") for each in ours)
    if strict and reason not in {None, CouldNotCheckReason.NO_NUMBER}:
        raise bad("value", f"{SUBJECT}.identifier", "The NHS number is wrong, or two are given that differ.")
    name = _name(patient.get("name", []))
    return Identity(
        number,
        reason,
        tuple(dict.fromkeys(LocalNumber(site, value) for value in _local_numbers(identifiers))),
        family_name=name.get("family", ""),
        given_name=next(iter(each for each in name.get("given", []) if each), ""),
        birth_date=parse_day(patient.get("birthDate")),
        unverified=any(code not in _VERIFIED for each in ours for code in _verification(each)),
    )


def _contained_patient(resource: Json, reference: str) -> Json:
    """The Patient that the reference points to within the resource; a reference to elsewhere is never followed."""
    if not reference.startswith("#"):
        return {}
    found = [each for each in resource.get("contained", []) if each.get("id") == reference[1:]]
    if len(found) != 1 or found[0].get("resourceType") != "Patient":
        raise bad("value", f"{SUBJECT}.reference", "There is no such Patient in the resource.")
    patient: Json = found[0]
    return patient


def _nhs_number(values: Iterable[str]) -> tuple[NhsNumber | None, CouldNotCheckReason | None]:
    numbers, wrong = set(), False
    for value in values:
        try:
            numbers.add(parse_nhs_number(value))
        except InvalidNhsNumber:
            wrong = True
    if len(numbers) > 1:
        return None, CouldNotCheckReason.AMBIGUOUS_NUMBER
    if wrong:
        return None, CouldNotCheckReason.INVALID_NUMBER
    return (numbers.pop(), None) if numbers else (None, CouldNotCheckReason.NO_NUMBER)


def _local_numbers(identifiers: Iterable[Json]) -> Iterator[str]:
    """Those that are marked as the hospital's own (MR): the same digits mean somebody else in another system."""
    for each in identifiers:
        value = each.get("value", "").strip()
        is_medical_record = any(coding.get("code") == "MR" for coding in each.get("type", {}).get("coding", []))
        if is_medical_record and value and len(value) <= _LONGEST_NUMBER and not _NON_ZERO.isdisjoint(value):
            yield value


def _name(names: list[Json]) -> Json:
    """The official one, else the usual one, else the first that is not old or made up."""
    ranks: dict[Any, int] = {"official": 0, "usual": 1, None: 2, "temp": 3}
    current = [each for each in names if each.get("use") in ranks]
    return min(current, key=lambda each: ranks[each.get("use")]) if current else {}


def _verification(identifier: Json) -> Iterator[str]:
    for extension in identifier.get("extension", []):
        if extension.get("url") == NUMBER_VERIFICATION:
            yield from (coding.get("code", "") for coding in extension.get("valueCodeableConcept", {}).get("coding", []))
