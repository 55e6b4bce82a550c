"""Whether a notification, a status or a list of subscriptions is valid: fhir.resources, and by hand what the backport asks for."""

from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from tests.fhir_adapter.validity import walk

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
STATUSES = {"requested", "active", "error", "off", "entered-in-error"}
KINDS = {"handshake", "heartbeat", "event-notification", "query-status", "query-event"}


def check_structure(resource: dict[str, Any]) -> None:
    """Valid R4 as far as fhir.resources knows, with nothing empty in it."""
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    for path, value in walk(resource, resource["resourceType"]):
        assert value not in (None, "", [], {}), f"{path} is empty"


def check_status(resource: dict[str, Any]) -> None:
    """The profile backport-subscription-status-r4."""
    check_structure(resource)
    assert resource["resourceType"] == "Parameters"
    assert resource["meta"]["profile"] == [f"{BACKPORT}/backport-subscription-status-r4"]
    by_name = {each["name"]: each for each in resource["parameter"]}
    assert by_name.keys() <= {
        "subscription",
        "topic",
        "status",
        "type",
        "events-since-subscription-start",
        "notification-event",
        "error",
    }
    assert "/Subscription/" in by_name["subscription"]["valueReference"]["reference"]
    assert by_name["status"]["valueCode"] in STATUSES
    assert by_name["type"]["valueCode"] in KINDS
    assert by_name["events-since-subscription-start"]["valueString"].isdecimal()
    for each in resource["parameter"]:
        if each["name"] == "notification-event":
            parts = {part["name"]: part for part in each["part"]}
            assert parts.keys() <= {"event-number", "timestamp", "focus"}
            assert parts["event-number"]["valueString"].isdecimal()
            assert "valueInstant" in parts["timestamp"]


def check_notification(bundle: dict[str, Any]) -> None:
    """The profile backport-subscription-notification-r4, with bdl-1 to bdl-8 as far as a history goes."""
    check_structure(bundle)
    assert bundle["type"] == "history"
    assert "total" not in bundle or bundle["total"] == len(bundle["entry"])  # bdl-1
    check_status(bundle["entry"][0]["resource"])
    assert bundle["entry"][0]["request"]["url"].endswith("/$status")
    addresses = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(addresses)) == len(addresses)  # bdl-7
    for entry in bundle["entry"]:
        assert entry["request"]["method"] in {"GET", "POST", "PUT", "DELETE"}  # bdl-3
        assert entry["response"]["status"]  # bdl-4
        assert "search" not in entry  # bdl-2
    for entry in bundle["entry"][1:]:
        assert "resource" not in entry  # id-only
