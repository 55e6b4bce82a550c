"""A Subscription that was sent, to what its client wants; whatever would not be honoured is refused. Pure.

`handlers` calls it for create and update. Elements that say nothing here (meta, text, error) are left out.
Sources: FHIR R4 Subscription; Subscriptions R5 Backport IG 1.1, profile backport-subscription.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from domain.subscription import Content, Topic, Wanted
from fhir_adapter.codes import FHIR_JSON, Json
from fhir_adapter.encounters.json_body import read_object
from fhir_adapter.encounters.problems import bad
from fhir_adapter.encounters.times import parse_moment
from fhir_adapter.subscriptions.codes import (
    CHANNEL_TYPE,
    FILTER_CRITERIA,
    HEARTBEAT_PERIOD,
    MAX_COUNT,
    PAYLOAD_CONTENT,
    TIMEOUT,
    TOPICS,
)
from fhir_adapter.subscriptions.filters import read_filters
from fhir_adapter.subscriptions.headers import read_headers
from runtime.clock import now

HEARTBEAT_BOUNDS = (30, 86_400)
TIMEOUT_BOUNDS = (1, 10)
"""Seconds. What is asked for beyond is brought within, as the answer shows."""

MEDIA_TYPES = (FHIR_JSON, "application/json")
_LONGEST_REASON = 500
_LONGEST_ENDPOINT = 2048
_MOST_EVENTS = 1_000_000
_IGNORED = frozenset({"resourceType", "id", "meta", "text", "error"})
_ELEMENTS = frozenset({"status", "reason", "criteria", "_criteria", "channel", "end"})
_CHANNEL = frozenset({"type", "endpoint", "payload", "_payload", "header", "extension"})
_ROOT = "Subscription"


def read_subscription(raw: bytes, sites: Collection[str], held: Wanted | None = None) -> tuple[str, Wanted]:
    """The id, empty where there is none, and what is wanted. `sites` may be named by filters; `held` is what it replaces.

    Raises BadResource.
    """
    resource = read_object(raw, _ROOT, _IGNORED | _ELEMENTS)
    _only(resource, _IGNORED | _ELEMENTS, _ROOT)
    channel = _dict(resource.get("channel"), "Subscription.channel")
    _only(channel, _CHANNEL, "Subscription.channel")
    if channel.get("type") != "rest-hook":
        raise bad("not-supported", "Subscription.channel.type", "Only the channel rest-hook is supported.")
    filters = tuple(_filters(resource.get("_criteria")))
    sites_left, settings_left = read_filters(filters, sites)
    extensions = _channel_extensions(channel)
    return _text(resource.get("id", ""), "Subscription.id", 64), Wanted(
        topic=_topic(resource),
        reason=_needed(resource, "reason", _ROOT, _LONGEST_REASON),
        endpoint=_needed(channel, "endpoint", "Subscription.channel", _LONGEST_ENDPOINT),
        media_type=_media_type(channel),
        content=_content(channel.get("_payload")),
        filters=filters,
        sites=sites_left,
        care_settings=settings_left,
        headers=read_headers(_texts(channel.get("header", []), "Subscription.channel.header"), held.headers if held else ()),
        heartbeat_seconds=_within(extensions.get(HEARTBEAT_PERIOD), HEARTBEAT_BOUNDS),
        timeout_seconds=_within(extensions.get(TIMEOUT), TIMEOUT_BOUNDS),
        max_count=_within(extensions.get(MAX_COUNT), (1, _MOST_EVENTS)),
        ends_at=_end(resource),
        is_off=_is_off(resource, is_new=held is None),
    )


def _is_off(resource: Json, *, is_new: bool) -> bool:
    """Asked for, by whatever of the two words for it; or ended, where it was there."""
    status = resource.get("status")
    if status == "off" and not is_new:
        return True
    if status not in ("requested", "active"):
        more = "" if is_new else ", or off to end it"
        raise bad("value", "Subscription.status", f"A subscription is asked for with the status requested{more}.")
    return False


def _topic(resource: Json) -> Topic:
    topic = TOPICS.get(_needed(resource, "criteria", _ROOT, 500))
    if topic is None:
        raise bad("not-supported", "Subscription.criteria", f"The criteria is the canonical of a topic: {' or '.join(TOPICS)}.")
    return topic


def _filters(criteria: object) -> list[str]:
    if criteria is None:
        return []
    expression = "Subscription.criteria"
    extensions = _dict(criteria, expression)
    _only(extensions, {"extension"}, expression)
    for each in (listed := _dicts(extensions.get("extension", []), f"{expression}.extension")):
        if each.get("url") != FILTER_CRITERIA or not isinstance(each.get("valueString"), str):
            raise bad("extension", f"{expression}.extension", f"The one extension here is {FILTER_CRITERIA}, with a valueString.")
    return [each["valueString"] for each in listed]


def _media_type(channel: Json) -> str:
    media_type = channel.get("payload")
    if media_type not in MEDIA_TYPES:
        raise bad("not-supported", "Subscription.channel.payload", f"The payload is needed, and is {' or '.join(MEDIA_TYPES)}.")
    return str(media_type)


def _content(payload: object) -> Content:
    """The backport's own word, or the default: the smaller of what is usual."""
    expression = "Subscription.channel.payload.extension"
    if payload is None:
        return Content.ID_ONLY
    extensions = _dict(payload, expression)
    _only(extensions, {"extension"}, expression)
    contents = [
        each.get("valueCode") for each in _dicts(extensions.get("extension", []), expression) if each["url"] == PAYLOAD_CONTENT
    ]
    if len(contents) != len(extensions.get("extension", [])) or len(contents) > 1:
        raise bad("extension", expression, f"The one extension here is {PAYLOAD_CONTENT}.")
    if not contents:
        return Content.ID_ONLY
    content = next((each for each in Content if each.value == contents[0]), None)
    if content is None:
        raise bad("not-supported", expression, "The content is empty or id-only: what is known of a child is never pushed.")
    return content


def _channel_extensions(channel: Json) -> dict[str, int]:
    expression = "Subscription.channel.extension"
    read: dict[str, int] = {}
    for each in _dicts(channel.get("extension", []), expression):
        url = each["url"]
        if url == CHANNEL_TYPE:
            raise bad("not-supported", "Subscription.channel.type", "Only the channel rest-hook is supported.")
        if url not in {HEARTBEAT_PERIOD, TIMEOUT, MAX_COUNT} or url in read:
            raise bad("extension", expression, "Extensions here are heartbeat period, timeout and max count, each once.")
        value = each.get("valuePositiveInt" if url == MAX_COUNT else "valueUnsignedInt")
        if not isinstance(value, int) or isinstance(value, bool) or value < (url == MAX_COUNT):
            raise bad("value", expression, "The value of an extension is no number, or not of its type.")
        read[url] = value
    return read


def _within(value: int | None, bounds: tuple[int, int]) -> int | None:
    """None where nothing was asked, or 0, which asks for none."""
    return min(max(value, bounds[0]), bounds[1]) if value else None


def _end(resource: Json) -> datetime | None:
    if "end" not in resource:
        return None
    end = parse_moment(resource["end"], "Subscription.end")
    if end is None or (end <= now() and resource.get("status") != "off"):
        raise bad("value", "Subscription.end", "The end is an instant that is still to come, with its offset.")
    return end.astimezone(UTC)


def _needed(part: Json, name: str, expression: str, longest: int) -> str:
    text = _text(part.get(name, ""), f"{expression}.{name}", longest)
    if not text.strip():
        raise bad("required", f"{expression}.{name}", "This element is needed.")
    return text


def _text(value: object, expression: str, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise bad("value", expression, f"This element is a text of {longest} characters at most.")
    return value


def _texts(value: object, expression: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise bad("structure", expression, "This element is a list of texts.")
    return value


def _dict(value: object, expression: str) -> Json:
    if not isinstance(value, dict):
        raise bad("structure", expression, "This element is needed, and is an object.")
    return value


def _dicts(value: object, expression: str) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(each, dict) and isinstance(each.get("url"), str) for each in value):
        raise bad("structure", expression, "This element is a list of extensions.")
    return value


def _only(part: Json, names: Collection[str], expression: str) -> None:
    """Raises BadResource for an element that would be dropped without a word. Its name is not repeated: it could be anything."""
    if not part.keys() <= set(names):
        raise bad(
            "not-supported", expression, f"Elements here are {', '.join(sorted(set(names) - {'resourceType'}))}, and no others."
        )
