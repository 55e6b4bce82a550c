"""Which function answers which interaction of the table: `app` looks here once a call is admitted and read."""

from fhir_adapter.audit_events.handler import search_audit_events
from fhir_adapter.audit_events.handler import search_audit_events
from fhir_adapter.encounters.recording import create_encounter, update_encounter
from fhir_adapter.exchange import Handler
from fhir_adapter.lookup import search_flags
from fhir_adapter.reads import read_resource

HANDLERS: dict[tuple[str, str], Handler] = {
    ("Flag", "search-type"): search_flags,
    ("CareTeam", "search-type"): search_flags,
    ("Flag", "read"): read_resource,
    ("CarePlan", "read"): read_resource,
    ("CareTeam", "read"): read_resource,
    ("AuditEvent", "search-type"): search_audit_events,
    ("AuditEvent", "search-type"): search_audit_events,
    ("Encounter", "create"): create_encounter,
    ("Encounter", "update"): update_encounter,
}
"""By resource and code of the interaction."""
