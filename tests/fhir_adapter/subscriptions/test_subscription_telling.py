"""Subscribers are told: handshakes, events in their order, repeats, dead endpoints, and what becomes of what waits."""

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trustme

from alerts.claims import claim_due
from alerts.waiting import read_waiting
from domain.alert import ChannelName
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from runtime.endpoints import Endpoints
from runtime.nudge import Nudges
from safeguarding.client_endpoints import remove_endpoint
from safeguarding.subscription_calls import FAILURES_TO_ERROR
from tests.alerts.conftest import eventually
from tests.alerts.store import let_time_pass
from tests.fhir_adapter.doorway import BASE_URL
from tests.fhir_adapter.subscriptions.receiving import Receiver, receiving
from tests.fhir_adapter.subscriptions.subscribing import ACKNOWLEDGED, BACKPORT, Subscribing, content, filtered, telling
from tests.fhir_adapter.subscriptions.validity import check_notification
from tests.safeguarding.house import CHILD, OPERATOR, OTHER_CHILD

SUBSCRIPTION = ChannelName.SUBSCRIPTION


async def until_status(door: Subscribing, id: str, status: str, client: str = "amber-council") -> None:
    async def holds() -> bool:
        return await door.status(id, client) == status

    await eventually(holds, f"the subscription is {status}")


async def until_told(door: Subscribing, receiver: Receiver, count: int) -> None:
    """Until it was told of so many events and that is written down, whatever failed being tried again at once."""

    async def holds() -> bool:
        await let_time_pass(door.database)
        taken = [line for line in await door.deliveries() if line[1] == "delivered"]
        return len(set(receiver.numbers)) >= count and len(taken) >= count

    await eventually(holds, "the subscriber was told")


# Who is told of nothing


async def test_an_endpoint_that_refuses_the_handshake_is_told_of_nothing_and_the_event_waits(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    receiver.status = 403
    await door.house.flag()
    id = await door.subscribe(receiver)
    async with telling(door.database, nudges):
        await until_status(door, id, "error")
        await door.see_child()

        async def has_tried() -> bool:
            return bool(await door.lasts())

        await eventually(has_tried, "the delivery was looked at")
    assert [each.kind for each in receiver.told] == ["handshake"]
    assert (await door.lasts())[0] == ("permanent-failure", "no-handshake")
    read = await door.call("GET", f"/Subscription/{id}")
    assert "status-403" in read.json["error"]


async def test_an_authority_is_told_of_its_own_children_alone(door: Subscribing, nudges: Nudges, receiver: Receiver) -> None:
    async with receiving("/birch") as other:
        await door.house.flag(CHILD, "301")
        await door.house.flag(OTHER_CHILD, "302")
        await door.subscribe(receiver)
        await door.subscribe(other, "birch-council")
        async with telling(door.database, nudges):
            theirs = await door.see_child("V2", number=OTHER_CHILD)
            ours = await door.see_child("V1")
            await until_told(door, receiver, 1)
            await until_told(door, other, 1)
    assert [each.focus for each in receiver.events] == [f"{BASE_URL}/Communication/{ours}"]
    assert [each.focus for each in other.events] == [f"{BASE_URL}/Communication/{theirs}"]


async def test_what_a_filter_leaves_out_is_not_told_and_has_no_number(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag()
    id = await door.subscribe(receiver, _criteria=filtered("site=R0B01"))
    async with telling(door.database, nudges):
        await until_status(door, id, "active")
        await door.see_child("V1", site="R0A01")
        told = await door.see_child("V2", site="R0B01")
        await until_told(door, receiver, 1)
    assert [each.focus.rpartition("/")[2] for each in receiver.events] == [str(told)]
    assert receiver.numbers == [1]


async def test_who_was_told_of_an_alert_is_told_what_becomes_of_it_wherever_the_child_is_by_then(door: Subscribing) -> None:
    """Otherwise a system would go on showing a child in the emergency department who was never there."""
    await door.house.flag()
    async with receiving() as receiver:
        await door.subscribe(receiver, _criteria=filtered("care-setting=emergency-department"))
    ward = CareSetting.PAEDIATRIC_WARD
    alert = await door.see_child("V1")
    await door.house.ask(visit_number="V1", trigger=TriggerEvent.TRANSFER, care_setting=ward, minutes=5)
    await door.house.ask(visit_number="V1", trigger=TriggerEvent.CANCEL_ADMIT, minutes=9)
    assert await door.house.rows("SELECT e.care_setting, a.state FROM encounters e JOIN alerts a ON a.encounter_id = e.id") == [
        (ward.value, "retracted")
    ]
    assert await door.house.rows("SELECT alert_id, notice FROM deliveries WHERE channel = 'subscription' ORDER BY id") == [
        (alert, "raised"),
        (alert, "transfer"),
        (alert, "cancel"),
    ]


async def test_nothing_is_told_of_what_was_seen_before_somebody_subscribed(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag()
    await door.see_child("V1")
    id = await door.subscribe(receiver)
    async with telling(door.database, nudges):
        await until_status(door, id, "active")
    assert await door.deliveries() == []


# The good walk


async def test_a_subscriber_shakes_hands_and_is_told_of_each_alert_in_order(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag()
    id = await door.subscribe(receiver, channel_header=["Authorization: Bearer for-nightlight"])
    async with telling(door.database, nudges):
        await until_status(door, id, "active")
        alerts = [await door.see_child(f"V{visit}") for visit in range(5)]
        await until_told(door, receiver, 5)
    handshake, *events = receiver.told
    assert (handshake.kind, handshake.value("status"), handshake.value("events-since-subscription-start")) == (
        "handshake", "requested", "0",
    )  # fmt: skip
    assert [each.numbers for each in events] == [[1], [2], [3], [4], [5]]
    assert [each.focus.rpartition("/")[2] for each in events] == [str(alert) for alert in alerts]
    for told in receiver.told:
        check_notification(told.body)
        assert told.headers["content-type"] == "application/fhir+json"
        assert told.headers["authorization"] == "Bearer for-nightlight"
    assert [state for _, state, _ in await door.deliveries()] == ["delivered"] * 5


async def test_a_notification_holds_nothing_by_which_a_child_could_be_known(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag(given_name="Zebedee", family_name="Quillfeather")
    await door.subscribe(receiver)
    async with telling(door.database, nudges):
        await door.see_child("V77123456", local="H5550123", given_name="Zebedee", family_name="Quillfeather")
        await until_told(door, receiver, 1)
    everything = json.dumps([[each.path, each.headers, each.body] for each in receiver.told])
    for secret in (CHILD, "Zebedee", "Quillfeather", "V77123456", "H5550123", "2018-05-06", "CPP", "R0A01", "Ambershire"):
        assert secret not in everything


async def test_an_empty_notification_has_no_id_and_no_topic(door: Subscribing, nudges: Nudges, receiver: Receiver) -> None:
    await door.house.flag()
    await door.subscribe(receiver, channel__payload=content("empty"))
    async with telling(door.database, nudges):
        alert = await door.see_child()
        await until_told(door, receiver, 1)
    [event] = receiver.events
    check_notification(event.body)
    assert event.value("topic") is None
    assert len(event.body["entry"]) == 1
    assert str(alert) not in json.dumps(event.body)


async def test_an_alert_that_is_taken_back_is_another_event_about_the_same_alert(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag()
    await door.subscribe(receiver)
    async with telling(door.database, nudges):
        alert = await door.see_child("V1")
        await door.house.ask(visit_number="V1", trigger=TriggerEvent.CANCEL_ADMIT, minutes=5)
        await until_told(door, receiver, 2)
    assert [each.focus.rpartition("/")[2] for each in receiver.events] == [str(alert)] * 2
    read = await door.call("GET", f"/Communication/{alert}")
    assert read.json["status"] == "entered-in-error"


async def test_over_tls_the_endpoints_certificate_is_checked(door: Subscribing, nudges: Nudges) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    believing = ssl.create_default_context()
    authority.configure_trust(believing)
    await door.house.flag()
    async with receiving(context=context) as receiver:
        id = await door.subscribe(receiver)
        async with telling(door.database, nudges, Endpoints({"localhost"})):
            await until_status(door, id, "error")
        assert receiver.told == []
        held = (await door.call("GET", f"/Subscription/{id}")).json
        assert (await door.call("PUT", f"/Subscription/{id}", {**held, "status": "requested"})).status == 200
        async with telling(door.database, nudges, Endpoints({"localhost"}, believing)):
            await until_status(door, id, "active")
            await door.see_child()
            await until_told(door, receiver, 1)


# Hospitals


async def test_a_hospital_is_told_of_answers_about_its_own_encounters_alone(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    async with receiving("/birch") as other:
        await door.house.flag()
        ours = await door.subscribe(receiver, "amber-hospital", topic=ACKNOWLEDGED)
        theirs = await door.subscribe(other, "birch-hospital", topic=ACKNOWLEDGED)
        async with telling(door.database, nudges):
            await until_status(door, ours, "active", "amber-hospital")
            await until_status(door, theirs, "active", "birch-hospital")
            alert = await door.see_child("V1", site="R0A01")
            assert await door.deliveries() == []
            await door.acknowledge(alert)
            await door.acknowledge(alert)
            await until_told(door, receiver, 2)
    assert other.events == []
    assert [each.focus for each in receiver.events] == [f"{BASE_URL}/Communication/{alert}"] * 2


# Repeats and failures


async def test_a_crash_between_telling_and_writing_it_down_repeats_the_same_event(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag()
    await door.subscribe(receiver)
    async with telling(door.database, nudges):
        await door.see_child()
        await until_told(door, receiver, 1)
    await door.change("UPDATE deliveries SET state = 'pending', sent_at = NULL, delivered_at = NULL WHERE channel = 'subscription'")
    async with telling(door.database, nudges):
        await eventually(lambda: _has(receiver, 2), "it was told again")
    first, second = receiver.events
    assert first.body == second.body
    assert first.headers["x-request-id"] == second.headers["x-request-id"] == first.body["id"]


async def _has(receiver: Receiver, count: int) -> bool:
    return len(receiver.events) >= count


async def test_one_that_fails_is_tried_again_and_none_overtakes_it(door: Subscribing, nudges: Nudges, receiver: Receiver) -> None:
    await door.house.flag()
    id = await door.subscribe(receiver)
    async with telling(door.database, nudges):
        await until_status(door, id, "active")
        receiver.status = 503
        for visit in range(3):
            await door.see_child(f"V{visit}")
        await eventually(lambda: _has(receiver, 1), "it was tried")
        assert set(receiver.numbers) == {1}
        receiver.status = 200
        await until_told(door, receiver, 3)
    numbers = receiver.numbers
    assert numbers == sorted(numbers)
    assert ("temporary-failure", "status-503") in await door.lasts()


async def test_a_dead_endpoint_keeps_nobody_else_waiting(door: Subscribing, nudges: Nudges, receiver: Receiver) -> None:
    async with receiving("/dead") as dead:
        await door.house.flag()
        first = await door.subscribe(dead)
        second = await door.subscribe(receiver, "amber-second")
        async with telling(door.database, nudges):
            await until_status(door, first, "active")
            await until_status(door, second, "active", "amber-second")
            dead.status = 0  # it takes the connection and says nothing
            await door.change("UPDATE subscriptions SET timeout_seconds = 1 WHERE id = %s", first)
            for visit in range(3):
                await door.see_child(f"V{visit}")
            await eventually(lambda: _has(receiver, 3), "the other one was told")
            assert set(dead.numbers) <= {1}


async def test_after_failures_it_says_error_goes_on_trying_and_recovers_without_a_gap(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag()
    id = await door.subscribe(receiver)
    async with telling(door.database, nudges):
        await until_status(door, id, "active")
        receiver.status = 500
        await door.see_child("V1")

        async def is_in_error() -> bool:
            await let_time_pass(door.database)
            return await door.status(id) == "error"

        await eventually(is_in_error, "it says that it is in error")
        assert len(receiver.events) >= FAILURES_TO_ERROR
        assert {each.value("status") for each in receiver.events[:FAILURES_TO_ERROR]} == {"active"}
        status = (await door.call("GET", f"/Subscription/{id}/$status")).json["entry"][0]["resource"]["parameter"]
        assert {"name": "status", "valueCode": "error"} in status
        assert any(each["name"] == "error" for each in status)
        await door.see_child("V2")
        receiver.status = 200
        await until_told(door, receiver, 2)
        assert receiver.events[-1].value("status") == "error"  # only its client can say that it has missed nothing
        assert await door.status(id) == "error"
        held = (await door.call("GET", f"/Subscription/{id}")).json
        assert "error" in held
        answered = await door.call("PUT", f"/Subscription/{id}", {**held, "status": "requested"})
        assert (answered.status, answered.json["status"]) == (200, "requested")
        await until_status(door, id, "active")
        await door.see_child("V3")
        await until_told(door, receiver, 3)
    assert list(dict.fromkeys(receiver.numbers)) == [1, 2, 3]
    assert len(receiver.of_kind("handshake")) == 2


async def test_what_waits_while_it_is_requested_is_told_at_once_when_it_is_active(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag()
    await door.subscribe(receiver)
    await door.see_child("V1")
    await door.see_child("V2")
    await door.change("UPDATE deliveries SET next_attempt_at = now() + interval '1 hour' WHERE channel = 'subscription'")
    async with telling(door.database, nudges):
        await eventually(lambda: _has(receiver, 2), "both were told")
    assert receiver.numbers == [1, 2]


async def test_two_dispatchers_tell_each_event_once_and_in_order(door: Subscribing, nudges: Nudges, receiver: Receiver) -> None:
    await door.house.flag()
    await door.subscribe(receiver)
    async with telling(door.database, nudges), telling(door.database, nudges):
        for visit in range(20):
            await door.see_child(f"V{visit}")
        await until_told(door, receiver, 20)
    assert receiver.numbers == list(range(1, 21))
    assert len(receiver.of_kind("handshake")) == 1


async def test_a_client_that_is_disabled_is_not_called_and_what_waits_needs_a_person(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag()
    id = await door.subscribe(receiver)
    async with telling(door.database, nudges):
        await until_status(door, id, "active")
        await door.change("UPDATE clients SET disabled_at = now() WHERE id = 'amber-council'")
        await door.see_child()

        async def has_tried() -> bool:
            return ("permanent-failure", "client-off") in await door.lasts()

        await eventually(has_tried, "it was looked at")
    async with door.database.transaction() as transaction:
        [waiting] = [each for each in await read_waiting(transaction) if each.channel is SUBSCRIPTION]
    assert (waiting.count, waiting.needing_a_person) == (1, 1)
    assert receiver.events == []


# The end


async def test_a_subscription_that_is_deleted_is_told_nothing_of_what_waits(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag()
    id = await door.subscribe(receiver)
    await door.see_child()
    assert (await door.call("DELETE", f"/Subscription/{id}")).status == 204
    assert [(state, attempts) for _, state, attempts in await door.deliveries()] == [("withdrawn", 0)]
    await door.see_child("V2")
    assert len(await door.deliveries()) == 1
    async with telling(door.database, nudges), receiving("/second") as other:
        await door.subscribe(other, "amber-second")
        await door.see_child("V3")
        await until_told(door, other, 1)
    assert receiver.told == []
    assert await door.house.value("SELECT headers = '{}' FROM subscriptions WHERE id = %s", id)


async def test_a_subscription_that_has_ended_is_off_and_its_events_can_still_be_read(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag()
    id = await door.subscribe(receiver, end=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    alert = await door.see_child()
    await door.change("UPDATE subscriptions SET ends_at = now(), called_until = now() + interval '1 hour'")
    await door.see_child("V2")
    async with telling(door.database, nudges):
        await until_status(door, id, "off")

        async def is_withdrawn() -> bool:
            return [state for _, state, _ in await door.deliveries()] == ["withdrawn"]

        await eventually(is_withdrawn, "nothing waits")
    assert receiver.told == []
    events = (await door.call("GET", f"/Subscription/{id}/$events")).json
    assert [entry["fullUrl"].rpartition("/")[2] for entry in events["entry"][1:]] == [str(alert)]


async def test_an_operator_who_takes_an_endpoint_away_ends_what_leads_there(
    door: Subscribing, nudges: Nudges, receiver: Receiver
) -> None:
    await door.house.flag()
    id = await door.subscribe(receiver)
    await door.see_child()
    async with door.database.transaction() as transaction:
        assert await remove_endpoint(transaction, OPERATOR, "amber-council", receiver.url) == 1
    assert await door.status(id) == "off"
    assert [state for _, state, _ in await door.deliveries()] == ["withdrawn"]
    held = (await door.call("GET", f"/Subscription/{id}")).json
    assert (await door.call("PUT", f"/Subscription/{id}", {**held, "status": "requested"})).status == 403


async def test_a_heartbeat_comes_when_it_is_due_and_counts_no_event(door: Subscribing, nudges: Nudges, receiver: Receiver) -> None:
    heartbeat = [{"url": f"{BACKPORT}/backport-heartbeat-period", "valueUnsignedInt": 60}]
    id = await door.subscribe(receiver, channel_extension=heartbeat)
    async with telling(door.database, nudges):
        await until_status(door, id, "active")
        assert receiver.of_kind("heartbeat") == []
        await door.change("UPDATE subscriptions SET next_heartbeat_at = now()")

        async def has_beaten() -> bool:
            return bool(receiver.of_kind("heartbeat"))

        await eventually(has_beaten, "a heartbeat came")

        async def is_due_again() -> Any:
            return await door.house.value("SELECT next_heartbeat_at > now() + interval '30 seconds' FROM subscriptions")

        await eventually(is_due_again, "the next is due in its time")
    [beat] = receiver.of_kind("heartbeat")
    check_notification(beat.body)
    assert beat.value("events-since-subscription-start") == "0"
    assert await door.deliveries() == []


# Numbers


async def test_a_claim_takes_the_lowest_number_of_each_subscription_alone(door: Subscribing, receiver: Receiver) -> None:
    await door.house.flag()
    await door.subscribe(receiver)
    await door.subscribe(receiver, "amber-second")
    for visit in range(3):
        await door.see_child(f"V{visit}")
    async with door.database.transaction() as transaction:
        claimed = (await claim_due(transaction, SUBSCRIPTION, "one", timedelta(seconds=60), 10)).deliveries
    async with door.database.single() as connection:
        assert (await claim_due(connection, SUBSCRIPTION, "two", timedelta(seconds=60), 10)).deliveries == []
    numbers = await door.house.rows("SELECT event_number FROM deliveries WHERE id = ANY(%s)", [each.id for each in claimed])
    assert numbers == [(1,), (1,)]
    assert len({each.recipient for each in claimed}) == 2


@pytest.mark.parametrize("visits", [7])
async def test_numbers_have_no_gap_whoever_gives_them_at_once(door: Subscribing, receiver: Receiver, visits: int) -> None:
    await door.house.flag()
    id = await door.subscribe(receiver)

    async def look() -> None:
        async with door.database.single() as connection:
            await claim_due(connection, SUBSCRIPTION, "one", timedelta(seconds=0), 1)
        await door.call("GET", f"/Subscription/{id}/$events")

    for visit in range(visits):
        await asyncio.gather(door.see_child(f"V{visit}"), look(), look(), look())
    await look()
    assert [number for number, _, _ in await door.deliveries()] == list(range(1, visits + 1))
    assert await door.house.value("SELECT last_event FROM subscriptions WHERE id = %s", id) == visits
