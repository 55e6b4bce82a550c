"""An alert as a Communication: the resource to which the id in a notification leads. Pure.

Neutral: how it stands and since when. No patient, no plan, no answer; whoever may know more signs in.
Source: FHIR R4 Communication (value set event-status); docs/integration/subscriptions.md, "What an id leads to".
"""

from domain.alert import AlertState
from domain.subscription import AlertForSystem
from fhir_adapter.codes import TEST_DATA, Json

STATUSES = {
    AlertState.RAISED: "in-progress",
    AlertState.ACKNOWLEDGED: "completed",
    AlertState.RETRACTED: "entered-in-error",
    AlertState.CLOSED: "entered-in-error",
}
"""Retracted: the arrival was cancelled, or it was another patient."""

_TO_AUTHORITY = "There is an alert for you. Sign in to Nightlight to read it."
_TO_HOSPITAL = "There is an answer about this encounter. Sign in to Nightlight to read it."


def to_communication(alert: AlertForSystem) -> Json:
    """The resource for an authority, or for the hospital that recorded the encounter."""
    resource: Json = {
        "resourceType": "Communication",
        "id": str(alert.id),
        "meta": {"lastUpdated": alert.changed_at, **({} if alert.is_production else {"security": [TEST_DATA]})},
        "status": STATUSES[AlertState(alert.state)],
        "priority": "urgent",
        "sent": alert.raised_at,
        "payload": [{"contentString": _TO_AUTHORITY if alert.authority else _TO_HOSPITAL}],
    }
    if alert.acknowledged_at:
        resource["received"] = alert.acknowledged_at
    if alert.authority:
        resource["recipient"] = [{"type": "Organization", "display": alert.authority}]
    if alert.encounter_id:
        resource["encounter"] = {
            "reference": f"Encounter/{alert.encounter_id}",
            "type": "Encounter",
            **({"identifier": {"value": alert.visit_number}} if alert.visit_number else {}),
        }
    return resource
