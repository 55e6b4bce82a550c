"""Notifications and statuses: Bundles whose first entry is the backport's status Parameters. Pure.

`channel` and `keeping` send them, `operations` answers with them. Nothing here says who a child is: an event is a number, an
instant and an opaque id.
Source: Subscriptions R5 Backport IG 1.1, profiles backport-subscription-notification-r4 and backport-subscription-status-r4.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.subscription import Content, Event, Subscription, SubscriptionStatus
from fhir_adapter.codes import Json
from fhir_adapter.subscriptions.codes import NOTIFICATION_PROFILE, STATUS_PROFILE, SUBSCRIPTION_ERROR, TOPIC_URLS

_ERRORS = {"no-such-name": "no-response", "unreachable": "no-response", "slow": "no-response", "broken": "no-response"}


class Notification(StrEnum):
    """FHIR value set subscription-notification-type."""

    HANDSHAKE = "handshake"
    HEARTBEAT = "heartbeat"
    EVENT = "event-notification"
    QUERY_STATUS = "query-status"
    QUERY_EVENT = "query-event"


def to_notification(
    id: UUID,
    subscription: Subscription,
    kind: Notification,
    base_url: str,
    at: datetime,
    events: Sequence[Event] = (),
    content: Content | None = None,
) -> Json:
    """The Bundle. `id` is the delivery's, so that a repeat is the same Bundle; `content` is the subscription's own unless said."""
    content = content or subscription.wanted.content
    entries = [_status_entry(id, to_status(id, subscription, kind, base_url, events, content), subscription, base_url)]
    if content is Content.ID_ONLY:
        entries += [_focus_entry(alert_id, base_url) for alert_id in dict.fromkeys(event.alert_id for event in events)]
    return {
        "resourceType": "Bundle",
        "id": str(id),
        "meta": {"profile": [NOTIFICATION_PROFILE]},
        "type": "history",
        "timestamp": at,
        "entry": entries,
    }


def to_status(
    id: UUID,
    subscription: Subscription,
    kind: Notification,
    base_url: str,
    events: Sequence[Event] = (),
    content: Content = Content.EMPTY,
) -> Json:
    """How the subscription stands, with the events of this notification. An empty payload does not name the topic."""
    parameters: list[Json] = [
        {"name": "subscription", "valueReference": {"reference": f"{base_url}/Subscription/{subscription.id}"}},
        {"name": "status", "valueCode": subscription.status.value},
        {"name": "type", "valueCode": kind.value},
        {"name": "events-since-subscription-start", "valueString": str(subscription.last_event)},
    ]
    if content is not Content.EMPTY:
        parameters.insert(1, {"name": "topic", "valueCanonical": TOPIC_URLS[subscription.wanted.topic]})
    parameters += [{"name": "notification-event", "part": _event(event, base_url, content)} for event in events]
    if subscription.status is SubscriptionStatus.ERROR:
        parameters.append({"name": "error", "valueCodeableConcept": _error(subscription.problem)})
    return {"resourceType": "Parameters", "id": str(id), "meta": {"profile": [STATUS_PROFILE]}, "parameter": parameters}


def _event(event: Event, base_url: str, content: Content) -> list[Json]:
    parts: list[Json] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": event.at},
    ]
    if content is Content.ID_ONLY:
        parts.append({"name": "focus", "valueReference": {"reference": f"{base_url}/Communication/{event.alert_id}"}})
    return parts


def _error(problem: str) -> Json:
    code = _ERRORS.get(problem)
    return {
        **({"coding": [{"system": SUBSCRIPTION_ERROR, "code": code}]} if code else {}),
        "text": problem,
    }


def _status_entry(id: UUID, status: Json, subscription: Subscription, base_url: str) -> Json:
    return {
        "fullUrl": f"urn:uuid:{id}",
        "resource": status,
        "request": {"method": "GET", "url": f"{base_url}/Subscription/{subscription.id}/$status"},
        "response": {"status": "200"},
    }


def _focus_entry(alert_id: UUID, base_url: str) -> Json:
    return {
        "fullUrl": f"{base_url}/Communication/{alert_id}",
        "request": {"method": "GET", "url": f"Communication/{alert_id}"},
        "response": {"status": "200"},
    }
