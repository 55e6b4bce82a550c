"""The shapes of what this server answers, as JSON Schema: what a caller may rely on, no less and no more. Pure.

`operations` refers to them by name. FHIR's own definitions stay the law; tests hold every real answer against both.
Sources: FHIR R4 (4.0.1) resource definitions; docs/integration/fhir.md; JSON Schema 2020-12.
"""

from fhir_adapter.codes import FHIR_JSON, FHIR_VERSION, FLAG_DETAIL, NHS_NUMBER, SPINE_CODES, Json
from fhir_adapter.errors import KINDS

_TEXT: Json = {"type": "string", "minLength": 1}
_ID: Json = {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}
_DATE: Json = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
_INSTANT: Json = {"type": "string", "format": "date-time"}


def reference(name: str) -> Json:
    """A Reference Object to a schema of `SCHEMAS`."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: dict[str, Json], **optional: Json) -> Json:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


def _resource(resource_type: str, required: dict[str, Json], **optional: Json) -> Json:
    return _object({"resourceType": {"const": resource_type}, **required}, **optional)


def _list(of: Json) -> Json:
    return {"type": "array", "minItems": 1, "items": of}


_CODING = _object({"system": _TEXT, "code": _TEXT, "display": _TEXT})
_CONCEPT = _object({"coding": _list(_CODING)})
_SUBJECT = _object({
    "type": {"const": "Patient"},
    "identifier": _object({"system": {"const": NHS_NUMBER}, "value": {"type": "string", "pattern": r"^\d{10}$"}}),
})  # fmt: skip
_PERIOD = {"anyOf": [_object({"start": _DATE}, end=_DATE), _object({"extension": _list({"type": "object"})})]}
_PLAN = {"id": _ID, "meta": {"type": "object"}, "category": _list(_CONCEPT), "subject": _SUBJECT, "period": _PERIOD}
_DETAILS = _object({"url": {"const": FLAG_DETAIL}, "valueReference": _object({"reference": _TEXT}, display=_TEXT)})
_SEVERITIES = {"enum": ["error", "warning", "information"]}
_SPINE = _object(
    {"system": {"const": SPINE_CODES}, "code": {"enum": sorted({kind.spine_code for kind in KINDS})}, "display": _TEXT}
)

_KNOWN: dict[str, Json] = {
    "Flag": _resource(
        "Flag",
        {
            "id": _ID,
            "meta": {"type": "object"},
            "extension": _list(_DETAILS),
            "status": {"enum": ["active", "inactive"]},
            "code": _CONCEPT,
            "subject": _SUBJECT,
            "period": _PERIOD,
        },
        contained=_list(reference("Resource")),
    ),
    "CarePlan": _resource(
        "CarePlan",
        {
            **_PLAN,
            "status": {"enum": ["active", "completed"]},
            "intent": {"const": "plan"},
            "careTeam": _list(_object({"reference": _TEXT, "display": _TEXT})),
        },
    ),
    "CareTeam": _resource(
        "CareTeam",
        {**_PLAN, "status": {"enum": ["active", "inactive"]}, "name": _TEXT, "telecom": _list({"type": "object"})},
        note=_list(_object({"text": _TEXT})),
    ),
    "OperationOutcome": _resource("OperationOutcome", {"issue": _list(_object({"severity": _SEVERITIES, "code": _TEXT}))}),
    "CapabilityStatement": _resource(
        "CapabilityStatement",
        {
            "status": {"const": "active"},
            "date": _DATE,
            "kind": {"const": "instance"},
            "fhirVersion": {"const": FHIR_VERSION},
            "format": {"type": "array", "contains": {"const": FHIR_JSON}},
            "rest": _list(_object({"mode": {"const": "server"}, "resource": _list(_object({"type": _TEXT}))})),
        },
    ),
    "SearchParameter": _resource(
        "SearchParameter", {"url": _TEXT, "name": _TEXT, "status": _TEXT, "code": _TEXT, "base": _list(_TEXT), "type": _TEXT}
    ),
}
_ENTRY: Json = {"anyOf": [*(reference(name) for name in _KNOWN), reference("Resource")]}
_LINKED = _object({"fullUrl": _TEXT, "request": {"type": "object"}, "response": {"type": "object"}})
"""What a notification by id alone leads to."""

SCHEMAS: dict[str, Json] = {
    **_KNOWN,
    "Error": {
        "allOf": [
            reference("OperationOutcome"),
            _object({"issue": _list(_object({"details": _object({"coding": _list(_SPINE)}), "diagnostics": _TEXT}))}),
        ]
    },
    "Recorded": {"anyOf": [reference(name) for name in ("Bundle", "OperationOutcome", "Resource")]},
    "Resource": {
        **_object({"resourceType": {"type": "string", "minLength": 1, "not": {"enum": list(_KNOWN)}}}),
        "description": "A resource of any type that has no schema of its own here; FHIR R4 defines it.",
    },
    "Bundle": _resource(
        "Bundle",
        {"type": {"enum": ["searchset", "history"]}},
        entry=_list({"anyOf": [_object({"resource": _ENTRY}, fullUrl=_TEXT), _LINKED]}),
        id=_ID,
        timestamp=_INSTANT,
        total={"type": "integer", "minimum": 0},
        link=_list(_object({"relation": _TEXT, "url": _TEXT})),
    ),
}
"""By the name of the resource type; `Error` is an OperationOutcome that comes instead of an answer."""
