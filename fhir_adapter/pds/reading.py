"""What PDS answered, read into what it means here. Pure: a status and a JSON body in, a result of the trace out.

`fhir_adapter.pds.client` calls it. Nothing of the patient but the number goes on: names and dates are compared and forgotten.
Source: PDS FHIR API, "Get patient details" and "Search for a patient" (UK Core Patient, Spine error codes).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from domain.errors import InvalidNhsNumber
from domain.nhs_number import NhsNumber, parse_nhs_number
from domain.trace import (
    Confidentiality,
    Demographics,
    DetailsDiffer,
    Held,
    Invalidated,
    NotFound,
    NotUnique,
    NotVerified,
    NotVerifiedReason,
    Superseded,
    Traced,
    Verified,
    differing,
    is_spelled_alike,
)

_REDACTED = "REDACTED"
_VERIFIED = "01"
_STATUS_OF_NUMBER = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
_NOBODY: dict[str, Traced] = {
    "RESOURCE_NOT_FOUND": NotFound(),
    "INVALID_RESOURCE_ID": NotFound(),
    "INVALIDATED_RESOURCE": Invalidated(),
}
"""What a code of `Spine-ErrorOrWarningCode` says of the number that was asked for."""

_DETAILS_NOT_TAKEN = frozenset({"INVALID_SEARCH_DATA", "INVALID_VALUE"})
"""Codes of a search that say of one patient's details that they are none: no fault of ours, and no reason to ask again."""

_REFUSED = NotVerified(NotVerifiedReason.REFUSED)


class Unclear(Exception):
    """The answer is none that PDS gives: nobody can say what it means."""


def read_patient(status: int, body: Any, asked: NhsNumber, told: Demographics | None) -> Traced:
    """What the answer to `GET /Patient/{id}` says of the number. Raises Unclear."""
    if status == 200:
        return _read(_resource(body, "Patient"), asked, told)
    code = _code(body)
    if status in {400, 404} and code in _NOBODY:
        return _NOBODY[code]
    return _refused(status)


def read_search(status: int, body: Any, told: Demographics) -> Traced:
    """What the answer to `GET /Patient?…` says: one patient, or why there is none. Raises Unclear."""
    if status == 400 and _code(body) in _DETAILS_NOT_TAKEN:
        return NotVerified(NotVerifiedReason.TOO_LITTLE)
    if status != 200:
        return _refused(status)
    if _code(body) == "TOO_MANY_MATCHES":
        return NotUnique()
    bundle = _resource(body, "Bundle")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or bundle.get("type") != "searchset":
        raise Unclear
    if not entries and bundle.get("total") == 0:
        return NotFound()
    if len(entries) != 1 or bundle.get("total") != 1:
        return NotUnique()
    return _read(_resource(_object(entries[0]).get("resource"), "Patient"), None, told)


def _refused(status: int) -> Traced:
    """400, 401 and 403 without a word about the patient are about us; 404 then means that the address is wrong."""
    if status in {400, 401, 403}:
        return _REFUSED
    raise Unclear


def _read(patient: Mapping[str, Any], asked: NhsNumber | None, told: Demographics | None) -> Traced:
    confidentiality = _confidentiality(patient)
    if confidentiality is None:
        return Invalidated()
    number = _number(patient)
    if not _is_verified(patient):
        return NotVerified(NotVerifiedReason.UNVERIFIED)
    held = _held(patient)
    differs = differing(told, held) if told else ()
    if differs is None:
        return NotVerified(NotVerifiedReason.TOO_LITTLE)
    if differs:
        return DetailsDiffer(differs, confidentiality)
    deceased = bool(patient.get("deceasedDateTime")) or patient.get("deceasedBoolean") is True
    otherwise = told is not None and not is_spelled_alike(told, held)
    if asked is not None and asked != number:
        return Superseded(number, told is not None, confidentiality, deceased, otherwise)
    return Verified(number, told is not None, confidentiality, deceased, otherwise)


def _number(patient: Mapping[str, Any]) -> NhsNumber:
    try:
        return parse_nhs_number(str(patient.get("id", "")))
    except InvalidNhsNumber:
        raise Unclear from None


def _confidentiality(patient: Mapping[str, Any]) -> Confidentiality | None:
    """None where the record is invalid. A code that nobody knows is taken for the strictest."""
    codes = {str(label.get("code")) for label in _objects(_object(patient.get("meta", {})).get("security"))}
    if _REDACTED in codes:
        return None
    if not codes or codes == {Confidentiality.UNRESTRICTED}:
        return Confidentiality.UNRESTRICTED
    return Confidentiality.RESTRICTED if codes == {Confidentiality.RESTRICTED} else Confidentiality.VERY_RESTRICTED


def _is_verified(patient: Mapping[str, Any]) -> bool:
    """Whether every status that is given of the number (UK Core NHSNumberVerificationStatus) is 01."""
    codes = [
        coding.get("code")
        for identifier in _objects(patient.get("identifier"))
        for extension in _objects(identifier.get("extension"))
        if extension.get("url") == _STATUS_OF_NUMBER
        for coding in _objects(_object(extension.get("valueCodeableConcept", {})).get("coding"))
    ]
    return all(code == _VERIFIED for code in codes)


def _held(patient: Mapping[str, Any]) -> Held:
    names = tuple(_names(patient))
    try:
        return Held(names, date.fromisoformat(str(patient.get("birthDate"))))
    except ValueError:  # none, or a year alone
        return Held(names)


def _names(patient: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name in _objects(patient.get("name")):
        given = name.get("given", [])
        if name.get("use") != "old" and isinstance(name.get("family"), str) and isinstance(given, list):
            yield name["family"], tuple(str(part) for part in given)


def _code(body: Any) -> str:
    """The first Spine code of an OperationOutcome, or nothing."""
    if not isinstance(body, dict) or body.get("resourceType") != "OperationOutcome":
        return ""
    codes = (
        coding.get("code")
        for issue in _objects(body.get("issue"))
        for coding in _objects(_object(issue.get("details", {})).get("coding"))
    )
    return str(next(codes, ""))


def _resource(body: Any, kind: str) -> Mapping[str, Any]:
    resource = _object(body)
    if resource.get("resourceType") != kind:
        raise Unclear
    return resource


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Unclear
    return value


def _objects(value: Any) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unclear
    return [_object(each) for each in value]
