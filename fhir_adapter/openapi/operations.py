"""One interaction of the table as an operation of OpenAPI: its parameters, its body, and every answer that it can give. Pure.

`document` calls it for each row. Sources: OpenAPI Specification 3.1.0, "Operation Object"; docs/integration/fhir.md.
"""

from collections.abc import Iterator

from fhir_adapter.codes import FHIR_JSON, FLAG_CODE, Json
from fhir_adapter.errors import KINDS
from fhir_adapter.interactions import Interaction
from fhir_adapter.openapi.schemas import SCHEMAS, reference
from fhir_adapter.search_parameters import FORMAT, PARAMETERS

SMART = "smart"
FORM = "application/x-www-form-urlencoded"
PLAIN = {"openapi": "This document", "smart-configuration": "Where and how tokens are had"}
"""Interactions that answer in JSON which is no resource, and what they are."""
_JSON = "application/json"
_FORMATS = ["json", _JSON, FHIR_JSON]
_EXAMPLES = {"patient": "9990000018", "code": FLAG_CODE}
_SPELLED = {"patient", "subject"}
"""Parameters that have the spellings `name:identifier` and `name.identifier` too."""

HEADERS: dict[str, Json] = {
    "X-Request-ID": {
        "description": "Comes back, and is written down with the look. Made where it is missing.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "X-Correlation-ID": {
        "description": "Comes back as it is.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:/-]{1,128}$"},
    },
    "NHSD-End-User-Organisation-ODS": {
        "description": "The site from which the user looks, one of the client's own organisation.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9]{3,10}$"},
    },
    "NHSD-Session-URID": {
        "description": "The user's role profile id; written down with the look.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "IsUnscheduledAccessEvent": {
        "description": "Chooses within the care that the client is registered for. Missing means unscheduled.",
        "schema": {"type": "string", "enum": ["true", "false"]},
    },
    "Prefer": {
        "description": "handling=strict turns an unknown parameter into an error. A preference that is not known is ignored.",
        "schema": {"type": "string"},
    },
}
"""Request headers by their names."""

_SUCCESSES = {"create": ("201", "200"), "delete": ("204",), "read": ("200", "304")}
_NO_BODY = {"204": "Done.", "304": "The caller has it as it is (If-None-Match)."}
_SUMMARY = {
    "capabilities": "What this server does",
    "read": "Read one {0}",
    "search-type": "Search for {0}",
    "create": "Create one {0}",
    "update": "Update one {0}",
    "delete": "Delete one {0}",
    **PLAIN,
}


def operation(interaction: Interaction) -> Json:
    """The Operation Object of one row."""
    described: Json = {
        "operationId": _operation_id(interaction),
        "summary": _SUMMARY.get(interaction.code, f"{{0}}, {interaction.code}").format(interaction.resource),
        "tags": [interaction.resource or "server"],
        "parameters": list(_parameters(interaction)),
        "responses": {**{status: _succeeds(interaction, status) for status in _statuses(interaction)}, **_ERRORS},
        "security": [{SMART: [interaction.scope]}] if interaction.scope else [],
    }
    if interaction.method in {"POST", "PUT"} and not interaction.is_operation:
        described["requestBody"] = {"required": True, "content": _body(interaction)}
    return described


def _operation_id(interaction: Interaction) -> str:
    words = [word for word in interaction.path.replace("{id}", "by-id").replace("$", "").split("/") if word]
    return "-".join([interaction.method.lower(), *words]).replace(".", "-").lower()


def _parameters(interaction: Interaction) -> Iterator[Json]:
    if "{id}" in interaction.path:
        yield {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}}
    if interaction.code == "search-type" and interaction.method == "GET":
        for name, described in _search(interaction.resource).items():
            yield {"name": name, "in": "query", **described}
    yield {"name": FORMAT, "in": "query", "description": "JSON is the only format.", "schema": {"type": "string", "enum": _FORMATS}}
    if interaction.scope:
        for name in HEADERS:
            yield {"$ref": f"#/components/parameters/{name}"}


def _search(resource: str) -> dict[str, Json]:
    """The search parameters of a resource by every name that they are asked by."""
    described = {}
    for parameter in PARAMETERS.get(resource, ()):
        if parameter.name == FORMAT:
            continue  # every address has it
        suffixes = ("", ":identifier", ".identifier") if parameter.name in _SPELLED else ("",)
        example = {"example": _EXAMPLES[parameter.name]} if parameter.name in _EXAMPLES else {}
        for suffix in suffixes:
            described[parameter.name + suffix] = {
                "description": parameter.documentation, "schema": {"type": "string"}, **(example if not suffix else {}),
            }  # fmt: skip
    return described


def _body(interaction: Interaction) -> Json:
    if interaction.code != "search-type":
        return {FHIR_JSON: {"schema": reference(_schema_name(interaction.resource))}}
    properties = {
        name: {**described["schema"], "description": described["description"]}
        for name, described in _search(interaction.resource).items()
    }
    example = {name: value for name, value in _EXAMPLES.items() if name in properties}
    return {FORM: {"schema": {"type": "object", "properties": properties}, "example": example}}


def _statuses(interaction: Interaction) -> tuple[str, ...]:
    return _SUCCESSES.get(interaction.code, ("200",)) if interaction.scope else ("200",)


def _succeeds(interaction: Interaction, status: str) -> Json:
    if status in _NO_BODY:
        return {"description": _NO_BODY[status], "headers": _MIRRORED}
    if interaction.code in PLAIN:
        return {
            "description": PLAIN[interaction.code],
            "headers": _MIRRORED,
            "content": {_JSON: {"schema": {"type": "object", "minProperties": 1}}},
        }
    name = _answered(interaction)
    content = {FHIR_JSON: {"schema": reference(name)}}
    return {"description": f"Answered by {name}.", "headers": _MIRRORED, "content": content}


def _answered(interaction: Interaction) -> str:
    """The schema of what comes back: a recorded encounter answers with what is known of the patient, where that is preferred."""
    if interaction.code == "search-type" or interaction.is_operation:
        return "Bundle"
    if interaction.resource == "Encounter":
        return "Recorded"
    return _schema_name(interaction.resource) if interaction.resource else "CapabilityStatement"


def _schema_name(resource: str) -> str:
    return resource if resource in SCHEMAS else "Resource"


_MIRRORED: Json = {"X-Request-ID": {"description": "That of the request.", "required": True, "schema": {"type": "string"}}}


def _errors() -> dict[str, Json]:
    by_status: dict[str, list[str]] = {}
    for kind in KINDS:
        by_status.setdefault(str(kind.status), []).append(kind.spine_code)
    return {
        status: {
            "description": f"{', '.join(dict.fromkeys(codes))}: an OperationOutcome says what to do about it.",
            "headers": _MIRRORED,
            "content": {FHIR_JSON: {"schema": reference("Error")}},
        }
        for status, codes in by_status.items()
    }


_ERRORS = _errors()
