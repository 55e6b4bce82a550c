"""What a webhook is told: that something happened to an alert, and of the encounter what the agreements let leave. Never who.

`safeguarding.telling.webhook_notices` fills a Notice, `alerts.channels.webhook` renders it. What can be rendered is what a Notice
has, and it has no name, no NHS number and no birth date. Source: docs/integration/webhooks.md; docs/facts.md, section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson

from alerts.channels.templates import reference_of

CONTENT_TYPE = "application/json"
TEST = "webhook.test"
"""The type of a notice that tells of no alert: somebody tries whether the webhook works."""

FIELD_NAMES: Mapping[str, tuple[str, ...]] = {
    "arrival": ("arrived_at", "departed_at"),
    "site": ("site",),
    "care-setting": ("care_setting",),
    "mode-of-arrival": ("mode_of_arrival",),
    "visit-number": ("visit_number",),
    "local-number": ("local_number",),
}
"""By the code of a field of an agreement: what it is called in a notice."""


@dataclass(frozen=True, slots=True)
class Visit:
    """The encounter, as the hospital said it; None or empty where it has not said it."""

    arrived_at: datetime
    departed_at: datetime | None
    site: str
    care_setting: str
    mode_of_arrival: str | None
    visit_number: str
    local_number: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """All that a webhook may tell. `happened` is the delivery's notice, such as "raised" or "left-before-seen 2".

    `fields` are the codes of what may leave of the `visit`; without a visit nothing of it leaves.
    """

    alert_id: UUID
    thread_id: UUID
    authority_code: str
    happened: str
    at: datetime
    state: str
    is_test: bool
    visit: Visit | None
    fields: frozenset[str]


def type_of(happened: str) -> str:
    """The type of a notice, such as alert.raised: a repeat (left-before-seen 2) is of the same type."""
    return f"alert.{happened.partition(' ')[0]}"


def render(notice: Notice, link: str) -> bytes:
    """The body of a notice. `link` is where people sign in to read the alert."""
    return orjson.dumps(
        {
            "type": type_of(notice.happened),
            "timestamp": _instant(notice.at),
            "data": {
                "alert_id": str(notice.alert_id),
                "reference": reference_of(notice.alert_id),
                "thread_id": str(notice.thread_id),
                "thread_reference": reference_of(notice.thread_id),
                "authority": notice.authority_code,
                "state": notice.state,
                "link": link,
                "test": notice.is_test,
                "encounter": _encounter(notice),
            },
        }
    )


def render_test(authority_code: str, at: datetime, link: str, *, is_test: bool) -> bytes:
    """The body of a notice that tells of nothing."""
    data = {"authority": authority_code, "link": link, "test": is_test}
    return orjson.dumps({"type": TEST, "timestamp": _instant(at), "data": data})


def _encounter(notice: Notice) -> dict[str, str | None] | None:
    """What is agreed, null where the hospital has not said it; what is not agreed is not there."""
    visit = notice.visit
    if visit is None:
        return None
    said = {
        "arrived_at": _instant(visit.arrived_at),
        "departed_at": _instant(visit.departed_at) if visit.departed_at else None,
        "site": visit.site or None,
        "care_setting": visit.care_setting or None,
        "mode_of_arrival": visit.mode_of_arrival or None,
        "visit_number": visit.visit_number or None,
        "local_number": visit.local_number or None,
    }
    allowed = {name for field in notice.fields for name in FIELD_NAMES.get(field, ())}
    return {name: value for name, value in said.items() if name in allowed}


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
