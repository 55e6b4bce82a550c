"""A service's request, bytes to a `Call`: what is missing or no JSON of that shape is refused. Pure.

`door` reads; `patients` then says who the patient is. What is not needed is passed over.
Source: CDS Hooks 2.0, "Calling a CDS Service", "FHIR Resource Access"; hooks patient-view 1.0 and encounter-start 1.0.
"""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from fhir_adapter.cds_hooks.errors import BAD_REQUEST, NOT_ALLOWED, Refused
from fhir_adapter.cds_hooks.services import PREFETCH_KEY, Service
from fhir_adapter.codes import Json

_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_INSTANCE = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_USER = re.compile(r"(Practitioner|PractitionerRole|Patient|RelatedPerson)/[A-Za-z0-9.-]{1,64}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,8192}")
_STAFF = frozenset({"Practitioner", "PractitionerRole"})


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a service. `patient` is the prefetched resource as it came, or None where there is none.

    `fhir_server` and `token` are where the EHR says that the patient can be asked for, and by which right; empty where it does not.
    """

    instance: str
    user: str
    patient_id: str
    encounter_id: str
    patient: Json | None
    fhir_server: str
    token: str


def read_call(service: Service, body: bytes) -> Call:
    """The call. Raises Refused (400) for what is no request of this service, (403) where a patient is the user."""
    said = read_object(body)
    if said.get("hook") != service.hook:
        raise Refused(BAD_REQUEST, f"This service is for the hook {service.hook}.")
    context = _object(said, "context")
    user = _matching(context, "userId", _USER, "such as Practitioner/123")
    if user.partition("/")[0] not in _STAFF:
        # Whoever is the patient, or stands for one, may be the person whom a child is protected from.
        raise Refused(NOT_ALLOWED, "Cards are for staff. Do not call this service where a patient or relative is the user.")
    return Call(
        _matching(said, "hookInstance", _INSTANCE, "a UUID"),
        user,
        _matching(context, "patientId", _FHIR_ID, "the id of a FHIR Patient"),
        _matching(context, "encounterId", _FHIR_ID, "the id of a FHIR Encounter", needed=service.records),
        _patient(said),
        _text(said, "fhirServer"),
        _fhir_token(said),
    )


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises Refused."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(BAD_REQUEST, "The body is not JSON.") from None
    if not isinstance(said, dict):
        raise Refused(BAD_REQUEST, "The body is not a JSON object.")
    return said


def _patient(said: dict[str, Any]) -> Json | None:
    prefetch = said.get("prefetch")
    patient = prefetch.get(PREFETCH_KEY) if isinstance(prefetch, dict) else None
    if patient is None:
        return None
    if not isinstance(patient, dict) or patient.get("resourceType") not in ("Patient", "OperationOutcome"):
        raise Refused(BAD_REQUEST, "prefetch.patient is a Patient, or an OperationOutcome where the EHR could not give one.")
    return patient


def _fhir_token(said: dict[str, Any]) -> str:
    authorization = said.get("fhirAuthorization")
    if authorization is None:
        return ""
    if not isinstance(authorization, dict) or str(authorization.get("token_type", "")).lower() != "bearer":
        raise Refused(BAD_REQUEST, "fhirAuthorization has a token_type of Bearer.")
    return _matching(authorization, "access_token", _TOKEN, "a bearer token")


def _object(said: dict[str, Any], name: str) -> dict[str, Any]:
    value = said.get(name)
    if not isinstance(value, dict):
        raise Refused(BAD_REQUEST, f"{name} is missing, or no object.")
    return value


def _text(said: dict[str, Any], name: str) -> str:
    value = said.get(name)
    if value is not None and not isinstance(value, str):
        raise Refused(BAD_REQUEST, f"{name} is no string.")
    return value or ""


def _matching(said: dict[str, Any], name: str, shape: re.Pattern[str], what: str, *, needed: bool = True) -> str:
    value = _text(said, name)
    if not value and not needed:
        return ""
    if not shape.fullmatch(value):
        raise Refused(BAD_REQUEST, f"{name} is missing, or not {what}.")
    return value
