"""What this server says that it does: the CapabilityStatement and the SearchParameter that R4 lacks. Pure.

Made once at start from the tables that route and parse, and served without a token: it holds nothing about anybody.
Source: FHIR R4 CapabilityStatement (cpb-1 to cpb-16) and SearchParameter; England-FlagCode of NHS England.
"""

from fhir_adapter.codes import (
    CARE_TEAM_PROFILE,
    FHIR_JSON,
    FHIR_VERSION,
    FLAG_CODE_PARAMETER,
    FLAG_PROFILE,
    RESTFUL_SECURITY,
    Json,
    coding,
)
from fhir_adapter.interactions import FLAG_CODE_PARAMETER_ID, INTERACTIONS
from fhir_adapter.search import PARAMETERS

_DATE = "2026-11-22"
_VERSION = "0.1.0"
_PROFILES = {"Flag": FLAG_PROFILE, "CareTeam": CARE_TEAM_PROFILE}
_SECURITY = (
    "Searches need a bearer token of a registered client, with the scope system/Flag.rs or system/CareTeam.rs. "
    "IsUnscheduledAccessEvent chooses only within the care that the client is registered for."
)
_DOCUMENTATION = {
    "Flag": "One Flag for each person, with a CarePlan and a CareTeam for each plan, and an OperationOutcome that says "
    "how far the answer reaches. Also served as PatientFlag. Search by POST keeps the NHS number out of addresses.",
    "CareTeam": "One CareTeam for each plan, with its kind, period and phones, and an OperationOutcome that says how far "
    "the answer reaches.",
}


def capability_statement(base_url: str) -> Json:
    """The CapabilityStatement of the server at an address."""
    resources = dict.fromkeys(each.resource for each in INTERACTIONS if each.resource)
    return {
        "resourceType": "CapabilityStatement",
        "id": "nightlight",
        "url": f"{base_url}/metadata",
        "version": _VERSION,
        "name": "Nightlight",
        "title": "Nightlight: child protection information for hospitals",
        "status": "active",
        "date": _DATE,
        "description": "Is this child known to social care? The answer states how far it reaches; it is not national.",
        "kind": "instance",
        "software": {"name": "Nightlight", "version": _VERSION},
        "implementation": {"description": "Nightlight FHIR API", "url": base_url},
        "fhirVersion": FHIR_VERSION,
        "format": [FHIR_JSON, "json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "cors": False,
                    "service": [{"coding": [coding(RESTFUL_SECURITY, "OAuth", "OAuth")]}],
                    "description": _SECURITY,
                },
                "resource": [_resource(name) for name in resources],
            }
        ],
    }


def _resource(name: str) -> Json:
    codes = dict.fromkeys(each.code for each in INTERACTIONS if each.resource == name)
    resource: Json = {"type": name, "interaction": [{"code": code} for code in codes]}
    if name in _PROFILES:
        resource |= {"supportedProfile": [_PROFILES[name]], "documentation": _DOCUMENTATION[name]}
    if name in PARAMETERS:
        resource["searchParam"] = [
            {
                "name": parameter.name,
                "definition": parameter.definition,
                "type": parameter.type,
                "documentation": parameter.documentation,
            }
            for parameter in PARAMETERS[name]
        ]
    return resource


def flag_code_parameter() -> Json:
    """The search parameter `code` of Flag, which R4 does not have; NHS England defines it."""
    return {
        "resourceType": "SearchParameter",
        "id": FLAG_CODE_PARAMETER_ID,
        "url": FLAG_CODE_PARAMETER,
        "name": "EnglandFlagCode",
        "status": "draft",
        "publisher": "NHS England",
        "description": "Search by code in the Flag resource",
        "code": "code",
        "base": ["Flag"],
        "type": "token",
        "expression": "Flag.code",
        "xpathUsage": "normal",
        "multipleOr": False,
        "multipleAnd": False,
    }
