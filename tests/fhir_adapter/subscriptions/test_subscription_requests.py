"""Subscriptions over HTTP: who is refused what, then how one is made, read, changed, found and ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhir_adapter.subscriptions.communication import STATUSES
from fhir_adapter.subscriptions.headers import MASK
from fhir_adapter.subscriptions.operations import MOST_EVENTS
from safeguarding.subscriptions import MOST
from tests.fhir_adapter.doorway import BASE_URL
from tests.fhir_adapter.subscriptions.subscribing import ACKNOWLEDGED, BACKPORT, CHILD_SEEN, Subscribing, body, content, filtered
from tests.fhir_adapter.subscriptions.validity import check_notification, check_status, check_structure
from tests.safeguarding.house import CHILD, OTHER_CHILD

ENDPOINT = "https://subscriber.example/notify"
UNKNOWN = "01a202fe-8a70-74cc-a21d-eb8e4f3b0d70"


async def made(door: Subscribing, client: str = "amber-council", **changes: Any) -> dict[str, Any]:
    if not await door.house.rows("SELECT 1 FROM client_endpoints WHERE client_id = %s AND url = %s", client, ENDPOINT):
        await door.register(ENDPOINT, client)
    response = await door.call("POST", "/Subscription", body(**changes), client)
    assert response.status == 201, response.body
    resource: dict[str, Any] = response.json
    return resource


# Refusals


async def test_without_the_scope_nothing_is_there_to_see(door: Subscribing) -> None:
    for method, path in (("POST", "/Subscription"), ("GET", "/Subscription"), ("GET", "/Basic/flagged-child-seen")):
        assert (await door.call(method, path, body() if method == "POST" else None, "flags-only")).status == 403


async def test_nightlight_calls_only_what_an_operator_registered_for_this_client(door: Subscribing) -> None:
    await door.register(ENDPOINT, "birch-council")
    refused = await door.call("POST", "/Subscription", body())
    assert (refused.status, refused.spine_code) == (403, "ACCESS_DENIED")
    assert "not registered" in refused.diagnostics
    await door.register(ENDPOINT)
    assert (await door.call("POST", "/Subscription", body(f"{ENDPOINT}/"))).status == 403
    assert await door.house.rows("SELECT 1 FROM subscriptions") == []


@pytest.mark.parametrize("client, topic", [("amber-hospital", CHILD_SEEN), ("amber-council", ACKNOWLEDGED)])
async def test_a_topic_is_for_its_own_kind_of_client(door: Subscribing, client: str, topic: str) -> None:
    await door.register(ENDPOINT, client)
    assert (await door.call("POST", "/Subscription", body(topic=topic), client)).status == 403


@pytest.mark.parametrize(
    "changes, expression",
    [
        ({"channel__payload": content("full-resource")}, "Subscription.channel.payload.extension"),
        ({"channel_type": "websocket"}, "Subscription.channel.type"),
        ({"channel_payload": "application/fhir+xml"}, "Subscription.channel.payload"),
        ({"channel_payload": None}, "Subscription.channel.payload"),
        ({"criteria": "Encounter?status=in-progress"}, "Subscription.criteria"),
        ({"_criteria": filtered("patient=9990000018")}, "Subscription.criteria.extension"),
        ({"_criteria": filtered("site=NOWHERE")}, "Subscription.criteria.extension"),
        ({"_criteria": filtered("site=R0A01", "site=R0A02")}, "Subscription.criteria.extension"),
        ({"status": "off"}, "Subscription.status"),
        ({"status": "error"}, "Subscription.status"),
        ({"reason": None}, "Subscription.reason"),
        ({"channel_endpoint": None}, "Subscription.channel.endpoint"),
        ({"channel_header": ["Host: elsewhere.example"]}, "Subscription.channel.header"),
        ({"channel_header": [f"Authorization: {MASK}"]}, "Subscription.channel.header"),
        ({"channel_header": ["Authorization: Bearer one\r\nHost: two"]}, "Subscription.channel.header"),
        ({"end": "2020-01-01T00:00:00Z"}, "Subscription.end"),
        ({"end": "2999-01-01"}, "Subscription.end"),
        ({"contact": [{"system": "phone", "value": "01632 960000"}]}, "Subscription"),
    ],
)
async def test_what_would_not_be_honoured_is_refused_where_it_stands(
    door: Subscribing, changes: dict[str, Any], expression: str
) -> None:
    await door.register(ENDPOINT)
    refused = await door.call("POST", "/Subscription", body(**changes))
    assert (refused.status, refused.json["issue"][0]["expression"]) == (400, [expression])
    check_structure(refused.json)
    assert await door.house.rows("SELECT 1 FROM subscriptions") == []


async def test_a_hospital_filters_by_its_own_sites_alone(door: Subscribing) -> None:
    await door.register(ENDPOINT, "amber-hospital")
    for site, status in (("R0B01", 400), ("NOWHERE", 400), ("R0A02", 201)):
        asked = body(topic=ACKNOWLEDGED, _criteria=filtered(f"Communication?site={site}"))
        assert (await door.call("POST", "/Subscription", asked, "amber-hospital")).status == status


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/Subscription/{id}"),
        ("PUT", "/Subscription/{id}"),
        ("DELETE", "/Subscription/{id}"),
        ("GET", "/Subscription/{id}/$status"),
        ("GET", "/Subscription/{id}/$events"),
    ],
)
async def test_another_clients_subscription_looks_like_none_at_all(door: Subscribing, method: str, path: str) -> None:
    resource = await made(door)
    for client in ("amber-second", "birch-council", "amber-hospital"):
        answers = [
            await door.call(method, path.format(id=id), {**body(), "id": id} if method == "PUT" else None, client)
            for id in (resource["id"], UNKNOWN, "no-id-of-ours")
        ]
        assert [(each.status, each.body) for each in answers] == [(404, answers[0].body)] * 3
    assert (await door.call("GET", "/Subscription", client="amber-second")).json["total"] == 0
    assert (await door.call("GET", "/Subscription/$status", client="amber-second")).json["total"] == 0
    assert (await door.call("GET", f"/Subscription/{resource['id']}")).json == resource


async def test_a_change_that_builds_on_another_version_is_refused(door: Subscribing) -> None:
    resource = await made(door)
    path = f"/Subscription/{resource['id']}"
    for method in ("PUT", "DELETE"):
        sent = resource if method == "PUT" else None
        assert (await door.call(method, path, sent, if_match='W/"7"')).status == 412
        assert (await door.call(method, path, sent, if_match="yesterday")).status == 400
    assert (await door.call("PUT", path, resource, if_match='W/"1"')).headers["etag"] == 'W/"2"'
    assert (await door.call("DELETE", path, if_match='W/"2"')).status == 204


async def test_a_subscription_keeps_its_id_and_its_topic(door: Subscribing) -> None:
    resource = await made(door)
    path = f"/Subscription/{resource['id']}"
    assert (await door.call("PUT", path, {**resource, "id": UNKNOWN})).status == 400
    assert (await door.call("PUT", path, {**resource, "criteria": ACKNOWLEDGED})).status == 403


async def test_a_client_has_only_so_many(door: Subscribing) -> None:
    for _ in range(MOST):
        await made(door)
    assert (await door.call("POST", "/Subscription", body())).status == 409


async def test_an_alert_is_read_only_by_who_was_told_of_it(door: Subscribing) -> None:
    await door.house.flag(CHILD, "301")
    await door.house.flag(OTHER_CHILD, "302")
    await made(door)
    ours = await door.see_child("V1")
    theirs = await door.see_child("V2", number=OTHER_CHILD)
    assert (await door.call("GET", f"/Communication/{theirs}")).status == 404
    assert (await door.call("GET", f"/Communication/{UNKNOWN}")).status == 404
    for client in ("amber-second", "birch-council", "amber-hospital"):
        assert (await door.call("GET", f"/Communication/{ours}", client=client)).status == 404
    assert (await door.call("GET", f"/Communication/{ours}")).status == 200
    looks = await door.house.rows("SELECT actor_id, subject_id FROM audit_events WHERE action = 'alert.read'")
    assert looks == [("amber-council", str(ours))]


# The good walk


async def test_a_subscription_is_made_and_read_and_its_secrets_never_come_back(door: Subscribing) -> None:
    await door.register(ENDPOINT)
    asked = body(
        _criteria=filtered("site=R0A01,R0A02", "Communication?care-setting=emergency-department"),
        channel_header=["Authorization: Bearer secret-of-theirs", "X-Tenant: amber"],
        channel_extension=[
            {"url": f"{BACKPORT}/backport-heartbeat-period", "valueUnsignedInt": 5},
            {"url": f"{BACKPORT}/backport-timeout", "valueUnsignedInt": 3600},
            {"url": f"{BACKPORT}/backport-max-count", "valuePositiveInt": 10},
        ],
        end="2999-01-01T00:00:00+01:00",
    )
    created = await door.call("POST", "/Subscription", asked)
    resource = created.json
    check_structure(resource)
    assert created.headers["location"] == f"{BASE_URL}/Subscription/{resource['id']}"
    assert created.headers["etag"] == 'W/"1"'
    assert resource["status"] == "requested"
    assert resource["channel"]["header"] == [f"Authorization: {MASK}", f"X-Tenant: {MASK}"]
    assert [next(v for k, v in each.items() if k != "url") for each in resource["channel"]["extension"]] == [30, 10, 10]
    assert resource["_criteria"] == asked["_criteria"]
    read = await door.call("GET", f"/Subscription/{resource['id']}")
    found = await door.call("GET", "/Subscription")
    assert read.json == resource
    assert b"secret-of-theirs" not in created.body + read.body + found.body
    trail = await door.house.rows("SELECT detail::text FROM audit_events WHERE action LIKE 'subscription.%%'")
    assert trail
    assert "secret-of-theirs" not in str(trail)


async def test_a_mask_that_is_sent_back_keeps_the_secret_that_is_held(door: Subscribing) -> None:
    resource = await made(door, channel_header=["Authorization: Bearer secret", "X-Tenant: amber"])
    resource["channel"]["header"] = [f"authorization: {MASK}", "X-Tenant: birch"]
    resource["reason"] = "Another reason"
    changed = await door.call("PUT", f"/Subscription/{resource['id']}", resource)
    assert (changed.status, changed.json["reason"], changed.json["meta"]["versionId"]) == (200, "Another reason", "2")
    assert await door.house.value("SELECT headers FROM subscriptions") == ["authorization: Bearer secret", "X-Tenant: birch"]


async def test_without_a_word_about_content_it_is_id_only(door: Subscribing) -> None:
    resource = await made(door, channel__payload=None)
    assert resource["channel"]["_payload"] == content("id-only")


async def test_a_client_finds_its_own_by_id_status_and_endpoint(door: Subscribing) -> None:
    first, second = await made(door), await made(door)
    await door.call("PUT", f"/Subscription/{second['id']}", {**second, "status": "off"})
    for query, ids in (
        ("", [first["id"], second["id"]]),
        ("?status=off", [second["id"]]),
        ("?status=off,requested", [first["id"], second["id"]]),
        (f"?_id={first['id']}", [first["id"]]),
        (f"?url={ENDPOINT}&status=requested", [first["id"]]),
        ("?url=https://elsewhere.example", []),
    ):
        bundle = (await door.call("GET", f"/Subscription{query}")).json
        check_structure(bundle)
        assert [entry["resource"]["id"] for entry in bundle["entry"] if entry["search"]["mode"] == "match"] == ids
        assert bundle["total"] == len(ids)
    form = {"content_type": "application/x-www-form-urlencoded"}
    assert (await door.call("POST", "/Subscription/_search", client="amber-council", **form)).json["total"] == 2
    assert (await door.call("GET", "/Subscription?colour=red", prefer="handling=strict")).status == 400
    assert (await door.call("GET", "/Subscription?colour=red")).json["link"][0]["url"] == f"{BASE_URL}/Subscription"


async def test_status_is_asked_of_one_or_of_all_by_get_or_post(door: Subscribing) -> None:
    first, second = await made(door), await made(door)
    one = (await door.call("GET", f"/Subscription/{first['id']}/$status")).json
    assert (one["type"], one["total"]) == ("searchset", 1)
    check_structure(one)
    check_status(one["entry"][0]["resource"])
    everyone = (await door.call("GET", "/Subscription/$status")).json
    assert everyone["total"] == 2
    asked = {"resourceType": "Parameters", "parameter": [{"name": "id", "valueId": second["id"]}]}
    [entry] = (await door.call("POST", "/Subscription/$status", asked)).json["entry"]
    [reference] = [each["valueReference"]["reference"] for each in entry["resource"]["parameter"] if each["name"] == "subscription"]
    assert reference == f"{BASE_URL}/Subscription/{second['id']}"
    assert (await door.call("GET", "/Subscription/$status?status=active")).json["total"] == 0


async def test_events_are_given_again_by_their_numbers(door: Subscribing) -> None:
    await door.house.flag()
    id = (await made(door))["id"]
    alerts = [str(await door.see_child(f"V{visit}")) for visit in range(4)]
    whole = (await door.call("GET", f"/Subscription/{id}/$events")).json
    check_notification(whole)
    assert numbers(whole) == [1, 2, 3, 4]
    assert [entry["fullUrl"] for entry in whole["entry"][1:]] == [f"{BASE_URL}/Communication/{alert}" for alert in alerts]
    some = (await door.call("GET", f"/Subscription/{id}/$events?eventsSinceNumber=2&eventsUntilNumber=3&content=empty")).json
    check_notification(some)
    assert (numbers(some), len(some["entry"])) == ([2, 3], 1)
    asked = {"resourceType": "Parameters", "parameter": [{"name": "eventsSinceNumber", "valueString": "4"}]}
    assert numbers((await door.call("POST", f"/Subscription/{id}/$events", asked)).json) == [4]
    beyond = (await door.call("GET", f"/Subscription/{id}/$events?eventsSinceNumber=5")).json
    check_notification(beyond)
    assert numbers(beyond) == []
    for wrong in ("last", "-1", "1.5", ""):
        assert (await door.call("GET", f"/Subscription/{id}/$events?eventsSinceNumber={wrong}")).status == 400


async def test_one_answer_has_only_so_many_events_and_says_how_many_there_are(door: Subscribing) -> None:
    await door.house.flag()
    id = (await made(door))["id"]
    await door.see_child()
    await door.change(
        """
        INSERT INTO deliveries (alert_id, notice, channel, recipient)
        SELECT alert_id, 'left-before-seen ' || n, channel, recipient FROM deliveries, generate_series(1, %s) AS n
        WHERE channel = 'subscription'
        """,
        MOST_EVENTS,
    )
    first = (await door.call("GET", f"/Subscription/{id}/$events")).json
    check_notification(first)
    assert numbers(first) == list(range(1, MOST_EVENTS + 1))
    parameters = first["entry"][0]["resource"]["parameter"]
    assert {"name": "events-since-subscription-start", "valueString": str(MOST_EVENTS + 1)} in parameters
    rest = (await door.call("GET", f"/Subscription/{id}/$events?eventsSinceNumber={MOST_EVENTS + 1}")).json
    assert numbers(rest) == [MOST_EVENTS + 1]


def numbers(bundle: dict[str, Any]) -> list[int]:
    parameters = bundle["entry"][0]["resource"]["parameter"]
    events = [each["part"] for each in parameters if each["name"] == "notification-event"]
    return [int(part["valueString"]) for parts in events for part in parts if part["name"] == "event-number"]


async def test_an_alert_reads_neutral_to_an_authority_and_follows_what_becomes_of_it(door: Subscribing) -> None:
    await door.house.flag(given_name="Zebedee", family_name="Quillfeather")
    await made(door)
    alert = await door.see_child("V77123456", local="H5550123")
    read = await door.call("GET", f"/Communication/{alert}")
    check_structure(read.json)
    assert (read.json["status"], read.json["recipient"][0]["display"]) == ("in-progress", "301 - Ambershire")
    for secret in (CHILD, "Zebedee", "Quillfeather", "V77123456", "H5550123", "R0A01", "CPP"):
        assert secret.encode() not in read.body
    await door.acknowledge(alert)
    read = await door.call("GET", f"/Communication/{alert}")
    assert read.json["status"] == "completed"
    assert "received" in read.json


async def test_to_a_hospital_an_alert_names_its_own_visit_and_neither_authority_nor_answer(door: Subscribing) -> None:
    await door.house.flag(given_name="Zebedee", family_name="Quillfeather")
    await made(door, "amber-hospital", topic=ACKNOWLEDGED)
    alert = await door.see_child("V77123456")
    assert (await door.call("GET", f"/Communication/{alert}", client="amber-hospital")).status == 404
    await door.acknowledge(alert)
    read = await door.call("GET", f"/Communication/{alert}", client="amber-hospital")
    check_structure(read.json)
    encounter = await door.house.value("SELECT id FROM encounters")
    assert read.json["encounter"] == {
        "reference": f"Encounter/{encounter}", "type": "Encounter", "identifier": {"value": "V77123456"},
    }  # fmt: skip
    for secret in (CHILD, "Zebedee", "Quillfeather", "301 -", "Ambershire", "nine", "will-ring"):
        assert secret.encode() not in read.body


def test_every_state_of_an_alert_has_a_status_of_fhir() -> None:
    assert {state.value: status for state, status in STATUSES.items()} == {
        "raised": "in-progress", "acknowledged": "completed", "retracted": "entered-in-error", "closed": "entered-in-error",
    }  # fmt: skip


async def test_the_topics_can_be_read_and_say_what_they_are_filtered_by(door: Subscribing) -> None:
    bundle = (await door.call("GET", "/Basic?code=SubscriptionTopic")).json
    check_structure(bundle)
    topics = [entry["resource"] for entry in bundle["entry"]]
    urls = [each["valueUri"] for topic in topics for each in topic["extension"] if each["url"].endswith("SubscriptionTopic.url")]
    assert urls == [CHILD_SEEN, ACKNOWLEDGED]
    for topic in topics:
        check_structure(topic)
        assert (await door.call("GET", f"/Basic/{topic['id']}")).json == topic
        filters = [each["extension"] for each in topic["extension"] if each["url"].endswith("canFilterBy")]
        assert [part["valueString"] for each in filters for part in each if part["url"] == "filterParameter"] == [
            "site", "care-setting",
        ]  # fmt: skip
    assert (await door.call("GET", "/Basic/another")).status == 404


async def test_off_by_put_withdraws_what_waits_and_requested_again_goes_on_counting(door: Subscribing) -> None:
    await door.house.flag()
    resource = await made(door)
    await door.see_child("V1")
    path = f"/Subscription/{resource['id']}"
    assert (await door.call("PUT", path, {**resource, "status": "off"})).json["status"] == "off"
    await door.see_child("V2")
    assert [(number, state) for number, state, _ in await door.deliveries()] == [(1, "withdrawn")]
    soon = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    again = await door.call("PUT", path, {**resource, "end": soon})
    assert (again.status, again.json["status"]) == (200, "requested")
    await door.see_child("V3")
    assert numbers((await door.call("GET", f"{path}/$events")).json) == [1, 2]
