"""Whether a resource is valid: fhir.resources (R4B) for the structure, and our own list for what it lets through.

fhir.resources accepts `status: "bogus"`; the required bindings below are typed by hand from FHIR R4 (4.0.1).
"""

from collections.abc import Iterator
from typing import Any

from fhir.resources.R4B import get_fhir_model_class

Json = dict[str, Any]

REQUIRED_BINDINGS = {
    "Bundle.type": {"searchset"},
    "Bundle.entry.search.mode": {"match", "include", "outcome"},
    "Flag.status": {"active", "inactive", "entered-in-error"},
    "CarePlan.status": {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"},
    "CarePlan.intent": {"proposal", "plan", "order", "option"},
    "CareTeam.status": {"proposed", "active", "suspended", "inactive", "entered-in-error"},
    "CareTeam.telecom.system": {"phone", "fax", "email", "pager", "url", "sms", "other"},
    "CareTeam.telecom.use": {"home", "work", "temp", "old", "mobile"},
    "OperationOutcome.issue.severity": {"fatal", "error", "warning", "information"},
    "OperationOutcome.issue.code": {
        "invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired", "forbidden",
        "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found", "deleted", "too-long",
        "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient", "lock-error", "no-store",
        "exception", "timeout", "incomplete", "throttled", "informational",
    },
    "CapabilityStatement.status": {"draft", "active", "retired", "unknown"},
    "CapabilityStatement.kind": {"instance", "capability", "requirements"},
    "CapabilityStatement.fhirVersion": {"4.0.1"},
    "CapabilityStatement.rest.mode": {"client", "server"},
    "CapabilityStatement.rest.resource.interaction.code": {
        "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
    },
    "CapabilityStatement.rest.resource.searchParam.type": {
        "number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special",
    },
    "SearchParameter.status": {"draft", "active", "retired", "unknown"},
    "SearchParameter.type": {
        "number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special",
    },
    "SearchParameter.xpathUsage": {"normal", "phonetic", "nearby", "distance", "other"},
}  # fmt: skip


def check_valid(resource: Json) -> None:
    """Fails with what is wrong. Every element must be there with a value: no null, nothing empty."""
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    for path, value in walk(resource, resource["resourceType"]):
        assert value not in (None, "", [], {}), f"{path} is empty"
        if path in REQUIRED_BINDINGS:
            assert value in REQUIRED_BINDINGS[path], f"{path} is {value}"
    if resource["resourceType"] == "Bundle":
        _check_bundle(resource)


def walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every element with its path; a resource inside another begins a path of its own."""
    yield path, value
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from walk(inner, _path_of(inner, f"{path}.{name}"))
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner, _path_of(inner, path))


def _path_of(value: Any, path: str) -> str:
    return str(value["resourceType"]) if isinstance(value, dict) and "resourceType" in value else path


def _check_bundle(bundle: Json) -> None:
    """bdl-1 to bdl-8 as far as a searchset goes, and that every reference inside leads to an entry."""
    entries = bundle["entry"]
    addresses = [entry["fullUrl"] for entry in entries]
    assert len(set(addresses)) == len(addresses), "bdl-7: fullUrl is unique"
    assert bundle.get("total") in _totals(entries)
    assert [link["relation"] for link in bundle["link"]] in (["self"], ["self", "next"])
    for entry in entries:
        resource = entry["resource"]
        if entry["search"]["mode"] != "outcome":
            assert entry["fullUrl"].endswith(f"/{resource['resourceType']}/{resource['id']}")
        for path, value in walk(resource, resource["resourceType"]):
            if path.endswith(".reference") and value != "#":
                assert any(address.endswith(f"/{value}") for address in addresses), f"{value} leads nowhere"


def _totals(entries: list[Json]) -> set[int | None]:
    """What `total` may be: of a page of the trail, and of a history that is withheld, it is never said."""
    matches = [entry["resource"]["resourceType"] for entry in entries if entry["search"]["mode"] == "match"]
    issues = [issue["code"] for entry in entries for issue in entry["resource"].get("issue", ())]
    is_never_said = set(matches) == {"AuditEvent"} or (not matches and "suppressed" in issues)
    return {len(matches), None} if is_never_said else {len(matches)}
