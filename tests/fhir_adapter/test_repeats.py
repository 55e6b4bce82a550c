"""A request that is sent again with its X-Request-ID is one access, and gets the answer of now; nothing else is ever left out."""

import asyncio
from uuid import uuid4

import pytest

from tests.fhir_adapter.doorway import Doorway
from tests.fhir_adapter.encounter_bodies import encounter, post
from tests.fhir_adapter.reading import matches
from tests.safeguarding.house import CHILD, OTHER_CHILD, UNKNOWN_CHILD

ID = "c1ab3fba-6bae-4ba4-b257-5a87c44d4a91"


async def accesses(doorway: Doorway) -> int:
    return int(await doorway.house.value("SELECT count(*) FROM accesses"))


async def test_the_same_id_about_another_patient_is_another_access(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.house.flag(OTHER_CHILD)
    for number in (CHILD, OTHER_CHILD, UNKNOWN_CHILD, "9990000042"):
        assert (await doorway.search(number, X_Request_ID=ID)).status == 200
    assert await accesses(doorway) == 4


async def test_the_same_id_of_another_client_is_another_access(doorway: Doorway) -> None:
    await doorway.house.flag()
    for client in ("both-app", "unscheduled-app"):
        await doorway.search(client=client, X_Request_ID=ID)
    assert await accesses(doorway) == 2


@pytest.mark.parametrize(
    "headers",
    [{"IsUnscheduledAccessEvent": "false"}, {"NHSD_Session_URID": "555254240100"}],
)
async def test_the_same_id_asked_in_another_way_is_another_access(doorway: Doorway, headers: dict[str, str]) -> None:
    await doorway.house.flag()
    await doorway.search(X_Request_ID=ID)
    await doorway.search(X_Request_ID=ID, **headers)
    assert await accesses(doorway) == 2


async def test_the_same_id_about_another_visit_of_the_patient_is_another_access(doorway: Doorway) -> None:
    """A system that sends one id with everything keeps no attendance out of the trail, nor out of the shared history."""
    await doorway.house.flag()
    for visit in ("V1", "V2"):
        await post(doorway, encounter(visit=visit), x_request_id=ID)
    assert await doorway.house.rows("SELECT count(*), count(DISTINCT encounter_id) FROM accesses WHERE in_history") == [(2, 2)]


async def test_a_look_that_finds_what_the_first_did_not_is_another_access(doorway: Doorway) -> None:
    assert matches(await doorway.search(X_Request_ID=ID)) == []
    await doorway.house.flag()
    assert len(matches(await doorway.search(X_Request_ID=ID))) == 1
    assert await doorway.house.rows("SELECT outcome FROM accesses ORDER BY occurred_at") == [("none-known",), ("flagged",)]


async def test_an_id_that_comes_again_days_later_is_another_access(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.house.rows(
        """
        INSERT INTO accesses (occurred_at, person_id, actor_kind, actor_id, actor_name, actor_role, organisation, purpose,
                              trigger_event, care_setting, in_history, outcome, request_id)
        SELECT now() - interval '2 days', id, 'system', 'both-app', 'both-app', '', 'R0A', 'direct-care', 'lookup',
               'emergency-department', true, 'flagged', %s FROM persons RETURNING id
        """,
        ID,
    )
    await doorway.search(X_Request_ID=ID)
    assert await accesses(doorway) == 2


async def test_requests_without_an_id_are_an_access_each(doorway: Doorway) -> None:
    await doorway.house.flag()
    for _ in range(2):
        await doorway.search()
    assert await accesses(doorway) == 2


@pytest.mark.parametrize("number", [CHILD, UNKNOWN_CHILD])
async def test_a_resend_is_one_access_and_one_entry_in_the_shared_history(doorway: Doorway, number: str) -> None:
    await doorway.house.flag()
    for _ in range(3):
        assert (await doorway.search(number, X_Request_ID=ID)).status == 200
    assert await doorway.house.rows("SELECT in_history, request_id FROM accesses") == [(True, ID)]


async def test_resends_of_one_moment_are_one_access(doorway: Doorway) -> None:
    await doorway.house.flag()
    ids = [str(uuid4()) for _ in range(5)]
    answers = await asyncio.gather(*(doorway.search(X_Request_ID=each) for each in ids * 8))
    assert {answer.status for answer in answers} == {200}
    assert await accesses(doorway) == len(ids)


async def test_a_resend_gets_the_answer_of_now(doorway: Doorway) -> None:
    await doorway.house.flag()
    assert len(matches(await doorway.search(X_Request_ID=ID))) == 1
    await doorway.house.flag(authority="302", kind="LAC")
    response = await doorway.search(X_Request_ID=ID)
    assert "302 - Birchford" in response.body.decode()
    assert await accesses(doorway) == 1


async def test_a_resend_over_another_address_of_the_same_search_is_the_same_access(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.search(X_Request_ID=ID)
    await doorway.get(f"/PatientFlag?patient={CHILD}", X_Request_ID=ID)
    assert await accesses(doorway) == 1
