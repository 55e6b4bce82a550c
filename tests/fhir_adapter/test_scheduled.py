"""Scheduled and unscheduled looks, as the store sees them: who is told, what enters the history, which encounter it is."""

import pytest

from runtime.clock import now
from tests.fhir_adapter.doorway import Doorway
from tests.fhir_adapter.reading import matches, sentences


@pytest.mark.parametrize(
    "client, header, alerts, in_history",
    [
        ("both-app", None, 1, True),
        ("both-app", "true", 1, True),
        ("both-app", "false", 0, False),
        ("scheduled-app", None, 0, False),
        ("scheduled-app", "true", 0, False),
        ("scheduled-app", "false", 0, False),
        ("unscheduled-app", None, 1, True),
        ("unscheduled-app", "true", 1, True),
        ("unscheduled-app", "false", 1, True),
    ],
)
async def test_only_an_unscheduled_look_tells_the_authority(
    doorway: Doorway, client: str, header: str | None, alerts: int, in_history: bool
) -> None:
    await doorway.house.flag()
    headers = {} if header is None else {"IsUnscheduledAccessEvent": header}
    response = await doorway.search(client=client, **headers)
    assert len(matches(response)) == 1
    assert await doorway.house.value("SELECT count(*) FROM alerts") == alerts
    assert await doorway.house.rows("SELECT in_history FROM accesses") == [(in_history,)]
    assert bool(doorway.house.nudged) is bool(alerts)


async def test_a_second_unscheduled_look_raises_no_second_alert(doorway: Doorway) -> None:
    await doorway.house.flag()
    for _ in range(2):
        assert len(matches(await doorway.search())) == 1
    assert await doorway.house.value("SELECT count(*) FROM alerts") == 1
    assert await doorway.house.value("SELECT count(*) FROM accesses") == 2


async def test_a_look_joins_the_encounter_that_is_open_at_the_organisation(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.house.ask(visit_number="V1", at=now(), arrived_at=now(), site="R0A02")
    await doorway.search()
    assert await doorway.house.value("SELECT count(*) FROM encounters") == 1
    assert await doorway.house.value("SELECT count(*) FROM alerts") == 1


async def test_where_the_sites_own_feed_is_live_a_read_alone_does_not_alert(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.house.rows("INSERT INTO site_feeds VALUES ('R0A01', now(), now()) RETURNING site")
    assert len(matches(await doorway.search())) == 1
    assert await doorway.house.value("SELECT count(*) FROM alerts") == 0
    assert await doorway.house.value("SELECT in_history FROM accesses")


async def test_a_look_from_a_private_service_is_in_no_history_and_tells_nobody(doorway: Doorway) -> None:
    await doorway.house.flag()
    response = await doorway.search(NHSD_End_User_Organisation_ODS="R0A04", IsUnscheduledAccessEvent="true")
    assert len(matches(response)) == 1
    assert await doorway.house.rows("SELECT care_setting, in_history FROM accesses") == [("sarc", False)]
    assert await doorway.house.value("SELECT count(*) FROM encounters") == 0


async def test_an_unscheduled_look_from_outpatients_tells_the_authority(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.search(NHSD_End_User_Organisation_ODS="R0A03", IsUnscheduledAccessEvent="true")
    assert await doorway.house.value("SELECT count(*) FROM alerts") == 1


async def test_the_answer_says_how_the_look_was_taken(doorway: Doorway) -> None:
    response = await doorway.search(client="scheduled-app", IsUnscheduledAccessEvent="true")
    [said] = [sentence for sentence in sentences(response) if sentence.startswith("Answered as")]
    assert said.startswith("Answered as scheduled care: nobody is told of this look.")
    assert said.endswith("Asked as unscheduled care, which is not open to this client and site.")


async def test_a_child_that_was_looked_at_is_on_the_sites_list(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.search()
    assert await doorway.house.rows("SELECT flagged FROM encounters") == [(True,)]
