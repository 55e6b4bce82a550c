"""Subscriptions: a client's system asks to be told, at an address that an operator registered for it.

`fhir_adapter.subscriptions` reads and renders them, `safeguarding.subscriptions` keeps them.
Sources: Subscriptions R5 Backport IG 1.1; FHIR R4 Subscription.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Topic(StrEnum):
    """What a client can be told of."""

    CHILD_SEEN = "flagged-child-seen"
    """An authority's: a child with a plan of its own was seen, or something became of that alert."""
    ALERT_ACKNOWLEDGED = "alert-acknowledged"
    """A hospital's: social care has answered about an encounter at one of its sites."""


class SubscriptionStatus(StrEnum):
    """FHIR R4 value set subscription-status."""

    REQUESTED = "requested"
    ACTIVE = "active"
    ERROR = "error"
    OFF = "off"


class Content(StrEnum):
    """How much a notification says. Whole resources are never sent."""

    EMPTY = "empty"
    ID_ONLY = "id-only"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client asks for. `sites` and `care_settings` are what `filters` come to; None is every one.

    `headers` are lines such as "Authorization: Bearer …": secrets that nobody is shown again.
    """

    topic: Topic
    reason: str
    endpoint: str
    media_type: str
    content: Content = Content.ID_ONLY
    filters: tuple[str, ...] = ()
    sites: tuple[str, ...] | None = None
    care_settings: tuple[str, ...] | None = None
    headers: tuple[str, ...] = ()
    heartbeat_seconds: int | None = None
    timeout_seconds: int | None = None
    max_count: int | None = None
    ends_at: datetime | None = None
    is_off: bool = False


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as it stands. `last_event` is the number of its newest event, `problem` the code of what went wrong last.

    `verified`: the endpoint has taken the handshake since it was asked for.
    """

    id: UUID
    client_id: str
    wanted: Wanted
    status: SubscriptionStatus
    version: int
    changed_at: datetime
    verified: bool
    last_event: int
    problem: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that a subscription is told: its number, the alert it is about, and when it happened."""

    number: int
    alert_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class AlertForSystem:
    """An alert as a subscribed system may read it. `visit_number` and `encounter_id` are for the hospital that sent them."""

    id: UUID
    state: str
    raised_at: datetime
    acknowledged_at: datetime | None
    changed_at: datetime
    is_production: bool
    authority: str | None
    encounter_id: UUID | None
    visit_number: str
