"""Subscriptions over HTTP: create, read, update, delete, search; the topics, and the alert to which a notification's id leads.

`app` calls these for an admitted client with the scope system/Subscription.cruds. A client sees its own alone.
Sources: FHIR R4, "RESTful API"; Subscriptions R5 Backport IG 1.1.
"""

from collections.abc import Collection

from domain.subscription import Subscription, Topic
from fhir_adapter.encounters.problems import bad
from fhir_adapter.errors import INVALID_SEARCH, NOT_FOUND, Refused
from fhir_adapter.exchange import Answered, Call, Parts
from fhir_adapter.subscriptions.codes import FHIR_TYPES
from fhir_adapter.subscriptions.communication import to_communication
from fhir_adapter.subscriptions.reader import read_subscription
from fhir_adapter.subscriptions.requests import (
    actor_of,
    http_date,
    id_of,
    parameters_asked,
    refusing,
    to_answered,
    to_searchset,
    version_asked,
)
from fhir_adapter.subscriptions.resource import to_subscription_resource
from fhir_adapter.subscriptions.topics import to_topic, topic_ids
from runtime.clock import now
from safeguarding.subscribed_alerts import read_alert_for
from safeguarding.subscriptions import (
    create_subscription,
    delete_subscription,
    find_subscription,
    replace_subscription,
    subscriptions_of,
)

SEARCHED_BY = ("_id", "status", "url")


async def create(parts: Parts, call: Call) -> Answered:
    """POST: 201, requested; the handshake follows within seconds. Raises Refused."""
    _, wanted = read_subscription(call.body, await _sites(parts, call))
    with refusing(conflict_is_version=False):
        async with parts.database.transaction() as transaction:
            created = await create_subscription(transaction, actor_of(call), call.client, wanted)
    return to_answered(created, parts, 201)


async def read(parts: Parts, call: Call) -> Answered:
    """GET one. Raises Refused (404) for another client's."""
    with refusing():
        async with parts.database.transaction() as transaction:
            found = await find_subscription(transaction, call.client, id_of(call))
    return to_answered(found, parts)


async def update(parts: Parts, call: Call) -> Answered:
    """PUT: it is requested again and its endpoint asked for a handshake, or it is off. Raises Refused (404, 412)."""
    subscription_id, version = id_of(call), version_asked(call)
    sites = await _sites(parts, call)
    with refusing():
        async with parts.database.transaction() as transaction:
            held = await find_subscription(transaction, call.client, subscription_id)
            id, wanted = read_subscription(call.body, sites, held.wanted)
            if id != call.id:
                raise bad("value", "Subscription.id", "The id in the body must be the one in the address.")
            replaced = await replace_subscription(transaction, actor_of(call), call.client, subscription_id, wanted, version)
    return to_answered(replaced, parts)


async def delete(parts: Parts, call: Call) -> Answered:
    """DELETE: 204, and nothing is sent any more. Raises Refused (404, 412)."""
    with refusing():
        async with parts.database.transaction() as transaction:
            await delete_subscription(transaction, actor_of(call), call.client, id_of(call), version_asked(call))
    return Answered(None, 204)


async def search(parts: Parts, call: Call) -> Answered:
    """The client's own, by id, status and endpoint. Raises Refused."""
    used = parameters_asked(call)
    async with parts.database.transaction() as transaction:
        held = await subscriptions_of(transaction, call.client)
    fitting = [each for each in held if all(_fits(each, name, value) for name, value in used)]
    entries = [(f"{parts.base_url}/Subscription/{each.id}", to_subscription_resource(each)) for each in fitting]
    return Answered(to_searchset("Subscription", used, entries, parts, now()))


def _fits(subscription: Subscription, name: str, value: str) -> bool:
    held = {"_id": str(subscription.id), "status": subscription.status.value, "url": subscription.wanted.endpoint}[name]
    wanted = [value] if name == "url" else [each.rpartition("|")[2] for each in value.split(",")]
    return held in wanted


async def read_topic(parts: Parts, call: Call) -> Answered:
    """One topic. Raises Refused (404)."""
    if call.id not in topic_ids():
        raise Refused(NOT_FOUND, "There is no such resource.")
    return Answered(to_topic(Topic(call.id)))


async def search_topics(parts: Parts, call: Call) -> Answered:
    """Every topic; `code` can only ask for them. Raises Refused."""
    used = parameters_asked(call)
    if any(value not in {"SubscriptionTopic", f"{FHIR_TYPES}|SubscriptionTopic"} for _, value in used):
        raise Refused(INVALID_SEARCH, "The Basic resources here are of code SubscriptionTopic only.")
    entries = [(f"{parts.base_url}/Basic/{topic.value}", to_topic(topic)) for topic in Topic]
    return Answered(to_searchset("Basic", used, entries, parts, now()))


async def read_alert(parts: Parts, call: Call) -> Answered:
    """The alert to which a notification's id leads. Raises Refused (404) unless a subscription of the client's was told of it."""
    with refusing():
        async with parts.database.transaction() as transaction:
            alert = await read_alert_for(transaction, actor_of(call), call.client, id_of(call))
    return Answered(to_communication(alert), headers={"last-modified": http_date(alert.changed_at)})


async def _sites(parts: Parts, call: Call) -> Collection[str]:
    """The sites that the client may name in a filter: a hospital its own, an authority all."""
    directory = await parts.directory.current()
    if call.client.authority_code:
        return directory.sites
    return [site.ods_code for site in directory.sites_of(call.client.organisation_code)]
