"""An authority's own system is told of an access once, and of nothing that is not its business."""

import asyncio
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from defusedxml import ElementTree

from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.encounter import TriggerEvent
from domain.nhs_number import NhsNumber
from mesh_mailbox.channel import MeshChannel
from mesh_mailbox.events import MeshEvent
from mesh_mailbox.outbox import send_next
from runtime.nudge import Nudges
from safeguarding.mesh import Inactive, queue_empty_notification, queue_inactive_number_notice
from tests.alerts.running import dispatcher
from tests.mesh.sandbox import AMBERSHIRE, STRANGER, Sandbox, until
from tests.safeguarding.house import CHILD, House

V3 = {"v3": "urn:hl7-org:v3"}


def fromstring(content: bytes) -> Any:
    return ElementTree.fromstring(content)


async def delivery_of(house: House) -> Delivery:
    [row] = await house.rows(
        "SELECT d.id, alert_id, recipient, authority_code, attempts"
        " FROM deliveries d JOIN alerts a ON a.id = alert_id WHERE channel = 'mesh'"
    )
    delivery_id, alert_id, recipient, authority, attempts = row
    return Delivery(delivery_id, alert_id, ChannelName.MESH, recipient, authority, attempts)


async def test_an_authority_without_a_mailbox_gets_no_delivery_by_mesh(house: House) -> None:
    await house.flag(authority="302")
    await house.ask()
    assert await house.rows("SELECT DISTINCT channel FROM deliveries ORDER BY 1") == [("email",), ("screen",)]


async def test_without_a_mailbox_of_ours_the_notice_waits(house: House) -> None:
    await house.flag()
    await house.ask()
    attempted = await MeshChannel(house.database, None).deliver(await delivery_of(house))
    assert (attempted.outcome, attempted.detail) == (AttemptOutcome.TEMPORARY, "not-configured")


async def test_the_notice_of_an_access_arrives_once_with_who_and_when_and_no_reason(
    house: House, sandbox: Sandbox, redis_url: str
) -> None:
    await house.flag()
    await house.ask(control_id="M1")
    await house.ask(control_id="M2", trigger=TriggerEvent.UPDATE, minutes=5)
    await house.ask(control_id="M3", trigger=TriggerEvent.CANCEL_ADMIT, minutes=9)
    async with dispatcher(house.database, Nudges(redis_url), MeshChannel(house.database, sandbox.access())):
        await asyncio.to_thread(until, sandbox.inbox)
        while await house.value("SELECT count(*) FROM deliveries WHERE channel = 'mesh' AND state = 'pending'"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    [(headers, content)] = sandbox.fetch()
    delivery = await delivery_of(house)
    assert (headers["workflowid"], headers["localid"], headers["subject"]) == (
        "CPIS_NOTIFICATION", str(delivery.id), MeshEvent.SERVICE_NOTIFICATION.value,
    )  # fmt: skip
    notice = fromstring(content)
    assert notice.tag == "{urn:hl7-org:v3}CP-ISAccessToServiceNotification"
    assert notice.find("v3:subject/v3:id", V3).get("extension") == CHILD
    author = notice.find(".//v3:author", V3)
    assert [author.findtext(path, None, V3) for path in ("v3:name", "v3:organisation/v3:name")] == ["PAS of R0A01", "Site R0A01"]
    assert author.find("v3:organisation/v3:id", V3).get("extension") == "R0A01"
    assert notice.find(".//v3:CP-ISRecordAccess/v3:effectiveTime", V3).get("value")
    # Whole words of the child: an id or a time may hold "ada" or "2018" by chance.
    assert not re.search(rb"\bada\b|example|\b20180506|2018-05-06|reason|diagnos|left", content.lower())


async def test_a_notice_that_is_sent_again_has_the_same_local_id(house: House, sandbox: Sandbox) -> None:
    await house.flag()
    await house.ask()
    channel, delivery = MeshChannel(house.database, sandbox.access()), await delivery_of(house)
    assert [(await channel.deliver(delivery)).outcome for _ in range(2)] == [AttemptOutcome.SENT] * 2
    assert len({headers["localid"] for headers, _ in sandbox.fetch()}) == 1


async def test_a_mailbox_that_mesh_does_not_know_needs_a_person(house: House, sandbox: Sandbox) -> None:
    await house.flag()
    await house.ask()
    delivery = replace(await delivery_of(house), recipient="X26NONE")
    attempted = await MeshChannel(house.database, sandbox.access()).deliver(delivery)
    assert (attempted.outcome, attempted.detail) == (AttemptOutcome.PERMANENT, "mesh-refused")


async def test_while_mesh_is_away_the_notice_is_tried_again(house: House, sandbox: Sandbox) -> None:
    await house.flag()
    await house.ask()
    sandbox.stop()
    try:
        attempted = await MeshChannel(house.database, sandbox.access()).deliver(await delivery_of(house))
    finally:
        sandbox.start()
    assert (attempted.outcome, attempted.detail) == (AttemptOutcome.TEMPORARY, "mesh-away")


async def queue_inactive(house: House, authority: str = "301", number: str = "9990000018") -> None:
    async with house.database.transaction() as transaction:
        await queue_inactive_number_notice(transaction, authority, UUID(int=7), NhsNumber(number), "A1", Inactive.SUPERSEDED)


async def test_an_inactive_number_is_told_once_and_not_what_replaced_it(house: House, sandbox: Sandbox) -> None:
    for _ in range(2):
        await queue_inactive(house)
    await queue_inactive(house, authority="302")
    assert await send_next(house.database, sandbox.access())
    assert not await send_next(house.database, sandbox.access())
    [(headers, content)] = sandbox.fetch()
    assert (headers["workflowid"], headers["subject"]) == ("CPIS_INACTIVE_NHS_NUMBER", MeshEvent.INACTIVE_NHS_NUMBER.value)
    assert "9990000018" not in str(headers)
    ids = [each.get("extension") for each in fromstring(content).iterfind("v3:subject/v3:id", V3)]
    assert ids == ["9990000018", "A1"]
    await queue_inactive(house)
    assert not await send_next(house.database, sandbox.access())
    assert await house.value("SELECT detail FROM mesh_outbox") == {}, "the number is kept although it was sent"


async def test_another_number_of_the_same_person_is_told_too(house: House, sandbox: Sandbox) -> None:
    for number in ("9990000018", "9990000026"):
        await queue_inactive(house, number=number)
    assert [await send_next(house.database, sandbox.access()) for _ in range(3)] == [True, True, False]
    assert len({headers["localid"] for headers, _ in sandbox.fetch()}) == 2


async def test_a_day_without_access_is_told_as_such(house: House, sandbox: Sandbox) -> None:
    async with house.database.transaction() as transaction:
        await queue_empty_notification(transaction, "301", date(2026, 3, 3))
    assert await send_next(house.database, sandbox.access())
    [(headers, content)] = sandbox.fetch()
    assert headers["subject"] == MeshEvent.EMPTY_NOTIFICATION.value
    assert fromstring(content).find("v3:totalReturnedRecords/v3:value", V3).get("value") == "0"


async def test_a_mailbox_that_was_taken_away_makes_it_wait_in_sight(house: House, sandbox: Sandbox) -> None:
    await queue_inactive(house)
    await house.rows("UPDATE authorities SET mesh_mailbox = NULL RETURNING 1")
    assert await send_next(house.database, sandbox.access())
    assert await house.rows("SELECT state, problem FROM mesh_outbox") == [("waiting", "no-mailbox")]
    await house.rows("UPDATE authorities SET mesh_mailbox = %s WHERE code = '301' RETURNING 1", STRANGER)
    await house.rows("UPDATE mesh_outbox SET next_attempt_at = now() RETURNING 1")
    assert await send_next(house.database, sandbox.access())
    assert len(sandbox.fetch(STRANGER)) == 1
    assert sandbox.fetch(AMBERSHIRE) == []


@pytest.mark.parametrize("event", list(MeshEvent)[:6])
def test_the_six_events_are_those_that_an_authoritys_system_knows(event: MeshEvent) -> None:
    assert event.value in {
        "service-notification", "empty-notification", "inactive-nhs-number", "unexpected-failure", "upload-failed",
        "upload-failed-validation",
    }  # fmt: skip


def test_the_page_lists_every_event() -> None:
    page = (Path(__file__).parents[2] / "docs" / "authority" / "hl7-v3-and-mesh.md").read_text(encoding="utf-8")
    table = page.split("`Mex-Subject`")[1].split("\n\n", 2)[1]
    assert set(re.findall(r"^\| `([a-z-]+)`", table, re.MULTILINE)) == {event.value for event in MeshEvent}
