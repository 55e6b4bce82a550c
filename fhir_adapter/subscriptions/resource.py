"""A subscription as a FHIR R4 resource after the backport's profile; its headers are masked. Pure.

`handlers` renders with it what was made, read and found. Source: Subscriptions R5 Backport IG 1.1, backport-subscription.
"""

from domain.subscription import Subscription, SubscriptionStatus, Wanted
from fhir_adapter.codes import Json
from fhir_adapter.subscriptions.codes import (
    FILTER_CRITERIA,
    HEARTBEAT_PERIOD,
    MAX_COUNT,
    PAYLOAD_CONTENT,
    SUBSCRIPTION_PROFILE,
    TIMEOUT,
    TOPIC_URLS,
)
from fhir_adapter.subscriptions.headers import masked


def to_subscription_resource(subscription: Subscription) -> Json:
    """The whole resource."""
    wanted = subscription.wanted
    resource: Json = {
        "resourceType": "Subscription",
        "id": str(subscription.id),
        "meta": {
            "versionId": str(subscription.version),
            "lastUpdated": subscription.changed_at,
            "profile": [SUBSCRIPTION_PROFILE],
        },
        "status": subscription.status.value,
        "reason": wanted.reason,
        "criteria": TOPIC_URLS[wanted.topic],
        "channel": _channel(wanted),
    }
    if wanted.filters:
        resource["_criteria"] = {"extension": [{"url": FILTER_CRITERIA, "valueString": each} for each in wanted.filters]}
    if wanted.ends_at:
        resource["end"] = wanted.ends_at
    if subscription.status is SubscriptionStatus.ERROR:
        resource["error"] = problem_words(subscription.problem)
    return resource


def _channel(wanted: Wanted) -> Json:
    channel: Json = {
        "type": "rest-hook",
        "endpoint": wanted.endpoint,
        "payload": wanted.media_type,
        "_payload": {"extension": [{"url": PAYLOAD_CONTENT, "valueCode": wanted.content.value}]},
    }
    extensions: list[Json] = []
    if wanted.heartbeat_seconds:
        extensions.append({"url": HEARTBEAT_PERIOD, "valueUnsignedInt": wanted.heartbeat_seconds})
    if wanted.timeout_seconds:
        extensions.append({"url": TIMEOUT, "valueUnsignedInt": wanted.timeout_seconds})
    if wanted.max_count:
        extensions.append({"url": MAX_COUNT, "valuePositiveInt": wanted.max_count})
    if extensions:
        channel["extension"] = extensions
    if wanted.headers:
        channel["header"] = masked(wanted.headers)
    return channel


def problem_words(problem: str) -> str:
    """What went wrong, for the subscriber's own staff: a short code, never what a server said."""
    return f"The endpoint could not be told: {problem}."
