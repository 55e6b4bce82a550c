"""What this server says that it does: the CapabilityStatement and the SearchParameters that R4 lacks. Pure.

Made once at start from the tables that route and parse, and served without a token: it holds nothing about anybody.
Source: FHIR R4 CapabilityStatement (cpb-1 to cpb-16) and SearchParameter; England-FlagCode of NHS England.
"""

from collections.abc import Iterator

from fhir_adapter.codes import (
    CARE_PLAN_PROFILE,
    CARE_TEAM_PROFILE,
    FHIR_JSON,
    FHIR_VERSION,
    FLAG_PROFILE,
    Json,
)
from fhir_adapter.encounters.codes import ENCOUNTER_PROFILE
from fhir_adapter.interactions import INTERACTIONS
from fhir_adapter.search_parameters import CUSTOM, INCLUDES, OWN, PARAMETERS, Custom, Parameter
from fhir_adapter.smart.configuration import security
from fhir_adapter.subscriptions.codes import OPERATIONS, SERVER_CAPABILITIES, SUBSCRIPTION_PROFILE, TOPIC_CANONICAL, TOPIC_URLS

_DATE = "2026-11-22"
_VERSION = "0.1.0"
_PROFILES = {
    "Flag": FLAG_PROFILE,
    "CarePlan": CARE_PLAN_PROFILE,
    "CareTeam": CARE_TEAM_PROFILE,
    "Encounter": ENCOUNTER_PROFILE,
}
_RECORDING = {"versioning": "versioned-update", "updateCreate": False, "conditionalCreate": True}
_SUBSCRIPTION = {
    "supportedProfile": [SUBSCRIPTION_PROFILE],
    "documentation": "A client's own: rest-hook to an endpoint that an operator registered, content empty or id-only, after the "
    "Subscriptions R5 Backport guide.",
    "extension": [{"url": TOPIC_CANONICAL, "valueCanonical": url} for url in TOPIC_URLS.values()],
}
_CONDITIONAL_READ = {"Flag": "full-support", "CarePlan": "full-support", "CareTeam": "not-match"}
_SECURITY = (
    "Searches need a bearer token of a registered client, with the scope system/Flag.rs or system/CareTeam.rs. "
    "IsUnscheduledAccessEvent chooses only within the care that the client is registered for."
)
_DOCUMENTATION = {
    "Flag": "One Flag for each person, with a CarePlan and a CareTeam for each plan, and an OperationOutcome that says "
    "how far the answer reaches. Also served as PatientFlag. Search by POST keeps the NHS number out of addresses.",
    "CarePlan": "One plan, read by its id, which a search of Flag gives; with the scope system/Flag.rs.",
    "CareTeam": "One CareTeam for each plan, with its kind, period and phones, and an OperationOutcome that says how far "
    "the answer reaches.",
    "Encounter": "Recording an encounter checks the patient and tells the authorities, as an ADT message does. An identifier is "
    "recorded once at each site. Prefer: return=representation answers with what a search of Flag would.",
}
_OF_AUDIT_EVENTS = (
    "Of one patient, the newest 25 unscheduled accesses; for registered auditors the whole trail, page by page. Reading either is "
    "audited and tells nobody."
)


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
        "instantiates": [SERVER_CAPABILITIES],
        "software": {"name": "Nightlight", "version": _VERSION},
        "implementation": {"description": "Nightlight FHIR API", "url": base_url},
        "fhirVersion": FHIR_VERSION,
        "format": [FHIR_JSON, "json"],
        "rest": [
            {
                "mode": "server",
                "security": security(base_url, _SECURITY),
                "resource": [_resource(name, base_url) for name in resources],
            }
        ],
    }


def _resource(name: str, base_url: str) -> Json:
    mine = [each for each in INTERACTIONS if each.resource == name]
    codes = dict.fromkeys(each.code for each in mine if not each.is_operation)
    resource: Json = {"type": name, "interaction": [{"code": code} for code in codes]}
    if operations := dict.fromkeys(each.code for each in mine if each.is_operation):
        resource["operation"] = [{"name": code[1:], "definition": OPERATIONS[code]} for code in operations]
    if name in _PROFILES:
        resource |= {"supportedProfile": [_PROFILES[name]], "documentation": _DOCUMENTATION[name]}
    if name == "Subscription":
        resource |= _SUBSCRIPTION
    if name in _CONDITIONAL_READ:
        resource |= {"versioning": "versioned", "conditionalRead": _CONDITIONAL_READ[name]}
    if name == "Encounter":
        resource |= _RECORDING
    if name == "Flag":
        resource["searchInclude"] = list(INCLUDES[:2])
    if name == "AuditEvent":
        resource |= {"documentation": _OF_AUDIT_EVENTS, "searchInclude": ["AuditEvent:entity-type"]}
    if name in PARAMETERS:
        resource["searchParam"] = [_search_parameter(parameter, base_url) for parameter in PARAMETERS[name]]
    return resource


def _search_parameter(parameter: Parameter, base_url: str) -> Json:
    defined = {"definition": _defined(parameter.definition, base_url)} if parameter.definition else {}
    return {"name": parameter.name, **defined, "type": parameter.type, "documentation": parameter.documentation}


def search_parameters(base_url: str) -> Iterator[Json]:
    """The search parameters that R4 does not have, as resources of the server at an address."""
    return (_custom(each, base_url) for each in CUSTOM)


def _custom(custom: Custom, base_url: str) -> Json:
    return {
        "resourceType": "SearchParameter",
        "id": custom.id,
        "url": _defined(custom.url, base_url),
        "name": custom.name,
        "status": "draft",
        "publisher": custom.publisher,
        "description": custom.description,
        "code": custom.code,
        "base": ["Flag"],
        "type": custom.type,
        "expression": custom.expression,
        "xpathUsage": "normal",
        **({"target": list(custom.targets)} if custom.targets else {}),
        "multipleOr": False,
        "multipleAnd": False,
    }


def _defined(url: str, base_url: str) -> str:
    return f"{base_url}{url}" if url.startswith(OWN) else url
