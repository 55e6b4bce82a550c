"""Which function answers which interaction of the table: `app` looks here once a call is admitted and read."""

from fhir_adapter.audit_events.handler import search_audit_events
from fhir_adapter.encounters.recording import create_encounter, update_encounter
from fhir_adapter.exchange import Handler
from fhir_adapter.lookup import search_flags
from fhir_adapter.reads import read_resource
from fhir_adapter.subscriptions import handlers as subscriptions
from fhir_adapter.subscriptions import operations

HANDLERS: dict[tuple[str, str], Handler] = {
    ("Flag", "search-type"): search_flags,
    ("CareTeam", "search-type"): search_flags,
    ("Flag", "read"): read_resource,
    ("CarePlan", "read"): read_resource,
    ("CareTeam", "read"): read_resource,
    ("AuditEvent", "search-type"): search_audit_events,
    ("Encounter", "create"): create_encounter,
    ("Encounter", "update"): update_encounter,
    ("Subscription", "create"): subscriptions.create,
    ("Subscription", "read"): subscriptions.read,
    ("Subscription", "update"): subscriptions.update,
    ("Subscription", "delete"): subscriptions.delete,
    ("Subscription", "search-type"): subscriptions.search,
    ("Subscription", "$status"): operations.status,
    ("Subscription", "$events"): operations.events,
    ("Communication", "read"): subscriptions.read_alert,
    ("Basic", "read"): subscriptions.read_topic,
    ("Basic", "search-type"): subscriptions.search_topics,
}
"""By resource and code of the interaction."""
