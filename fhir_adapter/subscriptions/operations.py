"""$status and $events: how subscriptions stand, and what they were told, by number, for a subscriber that has missed something.

`app` calls these for an admitted client; both take their parameters in the address or, by POST, in a Parameters resource.
Source: Subscriptions R5 Backport IG 1.1, operations backport-subscription-status and backport-subscription-events.
"""

import re

from domain.subscription import Content
from fhir_adapter.codes import Json
from fhir_adapter.encounters.json_body import read_object
from fhir_adapter.errors import INVALID_SEARCH, Refused
from fhir_adapter.exchange import Answered, Call, Parts
from fhir_adapter.parameters import Pairs
from fhir_adapter.subscriptions.notifications import Notification, to_notification, to_status
from fhir_adapter.subscriptions.requests import id_of, refusing, to_searchset
from runtime.clock import now
from runtime.ids import uuid7
from safeguarding.subscriptions import events_of, find_subscription, subscriptions_of

MOST_EVENTS = 100
"""Events in one answer; the next are asked for by the number after the last."""

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_HIGHEST = 10**18


async def status(parts: Parts, call: Call) -> Answered:
    """How one stands, or each of the client's own, by `id` and `status`. Raises Refused."""
    asked = _parameters(call, ("id", "status"))
    async with parts.database.transaction() as transaction:
        if call.id:
            with refusing():
                held = [await find_subscription(transaction, call.client, id_of(call))]
        else:
            held = await subscriptions_of(transaction, call.client)
    if not call.id:
        ids, statuses = ([each for name, value in asked if name == key for each in value.split(",")] for key in ("id", "status"))
        held = [each for each in held if (not ids or str(each.id) in ids) and (not statuses or each.status.value in statuses)]
    entries: list[tuple[str, Json]] = []
    for each in held:
        id = uuid7()
        resource = to_status(id, each, Notification.QUERY_STATUS, parts.base_url, content=Content.ID_ONLY)
        entries.append((f"urn:uuid:{id}", resource))
    path = f"Subscription/{call.id}/$status" if call.id else "Subscription/$status"
    return Answered(to_searchset(path, [] if call.id else asked, entries, parts, now()))


async def events(parts: Parts, call: Call) -> Answered:
    """The events from one number to another, both included, and `MOST_EVENTS` at most. Raises Refused."""
    asked = dict(_parameters(call, ("eventsSinceNumber", "eventsUntilNumber", "content")))
    since, until = _number(asked.get("eventsSinceNumber"), 1), _number(asked.get("eventsUntilNumber"), _HIGHEST)
    with refusing():
        async with parts.database.transaction() as transaction:
            subscription = await find_subscription(transaction, call.client, id_of(call))
            found = await events_of(transaction, subscription, since, until, MOST_EVENTS)
    content = Content.EMPTY if asked.get("content") == Content.EMPTY.value else subscription.wanted.content
    return Answered(to_notification(uuid7(), subscription, Notification.QUERY_EVENT, parts.base_url, now(), found, content))


def _number(text: str | None, otherwise: int) -> int:
    if text is None:
        return otherwise
    if not _NUMBER.fullmatch(text):
        raise Refused(INVALID_SEARCH, "The number of an event is written in digits.")
    return int(text)


def _parameters(call: Call, known: tuple[str, ...]) -> Pairs:
    """Those that are known, from the address and from the body. Raises Refused for a value that is no text."""
    pairs = list(call.pairs)
    if call.body:
        for each in _listed(read_object(call.body, "Parameters", ("parameter",))):
            values = [value for name, value in each.items() if name.startswith("value")]
            if len(values) != 1 or isinstance(values[0], dict | list | float | bool) or not isinstance(each.get("name"), str):
                raise Refused(INVALID_SEARCH, "Each parameter has a name and one simple value.")
            pairs.append((each["name"], str(values[0])))
    return [(name, value) for name, value in pairs if name in known]


def _listed(resource: Json) -> list[Json]:
    parameters = resource.get("parameter", [])
    if not isinstance(parameters, list) or not all(isinstance(each, dict) for each in parameters):
        raise Refused(INVALID_SEARCH, "Each parameter has a name and one simple value.")
    return parameters
