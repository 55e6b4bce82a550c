"""PUT /Encounter/{id}: what is refused, and what each status does to an encounter and to those who were told of it."""

from uuid import uuid4

import pytest

from domain.answer import CouldNotCheckReason
from runtime.clock import now
from tests.fhir_adapter.asking import ask
from tests.fhir_adapter.doorway import Doorway, token
from tests.fhir_adapter.encounter_bodies import ODS, STARTED, Body, encounter, furnish, id_of, post, put, said, wrong
from tests.safeguarding.house import CHILD, OTHER_CHILD

REQUEST_ID = "c1ab3fba-6bae-4ba4-b257-5a87c44d4a91"


async def state(doorway: Doorway) -> str:
    return str(await doorway.house.value("SELECT state FROM encounters"))


async def alert_states(doorway: Doorway) -> list[str]:
    return [row[0] for row in await doorway.house.rows("SELECT state FROM alerts ORDER BY id")]


async def opened(doorway: Doorway, **changes: object) -> str:
    return id_of(await post(doorway, encounter(**changes)))  # type: ignore[arg-type]


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_without_the_scope_nothing_changes(doorway: Doorway) -> None:
    encounter_id = await opened(doorway)
    assert (await put(doorway, encounter_id, encounter("cancelled"), "flags-only-app")).status == 403
    assert await state(doorway) == "open"


async def test_another_organisations_encounter_is_not_found_and_looks_like_none(doorway: Doorway) -> None:
    await furnish(doorway)
    encounter_id = await opened(doorway)
    theirs = await put(doorway, encounter_id, encounter("cancelled", site="R0B01"), "birch-app")
    none = await put(doorway, str(uuid4()), encounter("cancelled", site="R0B01"), "birch-app")
    assert (theirs.status, theirs.body) == (none.status, none.body)
    assert (theirs.status, theirs.spine_code) == (404, "RESOURCE_NOT_FOUND")
    assert await state(doorway) == "open"


@pytest.mark.parametrize("address", ["1", "9990000018", "V1", "019aa0e2-0001", "{upper}"])
async def test_an_address_that_is_no_encounters_is_not_found(doorway: Doorway, address: str) -> None:
    encounter_id = await opened(doorway)
    response = await put(doorway, address.format(upper=encounter_id.upper()), encounter("finished"))
    assert response.status == 404
    assert await state(doorway) == "open"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
async def test_an_encounter_is_only_put(doorway: Doorway, method: str) -> None:
    response = await ask(doorway.app, method, f"/Encounter/{uuid4()}", {"authorization": f"Bearer {token('both-app')}"})
    assert (response.status, response.headers["allow"]) == (405, "PUT")


TEST = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}


@pytest.mark.parametrize(
    "changes, expression",
    [
        ({"id": "another"}, "Encounter.id"),
        ({"identifier": [{"value": "V2"}]}, "Encounter.identifier"),
        ({"meta": {"security": [TEST]}}, "Encounter.meta.security"),
        ({"serviceProvider": {"identifier": {"system": ODS, "value": "R0A02"}}}, "Encounter.serviceProvider"),
    ],
)
async def test_what_would_make_it_another_encounter_is_refused(doorway: Doorway, changes: Body, expression: str) -> None:
    encounter_id = await opened(doorway)
    response = await put(doorway, encounter_id, encounter("cancelled") | changes)
    assert (response.status, wrong(response)) == (400, [("value", expression)])
    assert await state(doorway) == "open"


async def test_a_body_without_an_id_is_refused(doorway: Doorway) -> None:
    encounter_id = await opened(doorway)
    response = await put(doorway, encounter_id, b'{"resourceType": "Encounter", "status": "finished"}')
    assert response.status == 400
    assert await state(doorway) == "open"


async def test_another_organisations_site_is_refused(doorway: Doorway) -> None:
    encounter_id = await opened(doorway)
    assert (await put(doorway, encounter_id, encounter("finished", site="R0B01"))).status == 403
    assert await state(doorway) == "open"


@pytest.mark.parametrize("if_match", ['W/"2"', '"2"', 'W/"7", W/"8"'])
async def test_another_version_than_the_one_that_is_held_is_refused(doorway: Doorway, if_match: str) -> None:
    encounter_id = await opened(doorway)
    response = await put(doorway, encounter_id, encounter("finished"), If_Match=if_match)
    assert (response.status, response.spine_code) == (412, "RESOURCE_VERSION_MISMATCH")
    assert response.headers["etag"] == 'W/"1"'
    assert await state(doorway) == "open"


@pytest.mark.parametrize("if_match", ["1", "W/1", "", 'W/"a"'])
async def test_a_version_that_is_no_etag_is_refused(doorway: Doorway, if_match: str) -> None:
    encounter_id = await opened(doorway)
    response = await put(doorway, encounter_id, encounter("finished"), If_Match=if_match)
    assert (response.status, response.spine_code) == (400, "PRECONDITION_FAILED")


# ── what each status does ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "status, after, alert",
    [
        ("planned", "open", "raised"),
        ("arrived", "open", "raised"),
        ("triaged", "open", "raised"),
        ("in-progress", "open", "raised"),
        ("onleave", "open", "raised"),
        ("finished", "closed", "raised"),
        ("cancelled", "cancelled", "retracted"),
        ("entered-in-error", "cancelled", "retracted"),
        ("unknown", "open", "raised"),
    ],
)
async def test_what_a_status_does_to_an_open_encounter(doorway: Doorway, status: str, after: str, alert: str) -> None:
    await doorway.house.flag()
    encounter_id = await opened(doorway)
    response = await put(doorway, encounter_id, encounter(status))
    assert response.status == 200
    assert "location" not in response.headers
    assert (await state(doorway), await alert_states(doorway)) == (after, [alert])


@pytest.mark.parametrize(
    "status, created, after, alerts, must_say",
    [
        ("planned", 200, [], 0, "Checked and not recorded: a planned encounter tells nobody."),
        ("arrived", 201, ["open"], 1, ""),
        ("triaged", 201, ["open"], 1, ""),
        ("in-progress", 201, ["open"], 1, ""),
        ("onleave", 201, ["open"], 1, ""),
        ("finished", 201, ["closed"], 0, "The encounter was over when it was recorded: nobody is told of it."),
        ("cancelled", 200, [], 0, "No encounter with this identifier is known at the site: there was nothing to cancel."),
        ("entered-in-error", 200, [], 0, "No encounter with this identifier is known at the site: there was nothing to cancel."),
        ("unknown", 201, ["open"], 1, ""),
    ],
)
async def test_what_a_status_does_that_is_the_first_of_its_visit(
    doorway: Doorway, status: str, created: int, after: list[str], alerts: int, must_say: str
) -> None:
    await doorway.house.flag()
    response = await post(doorway, encounter(status))
    assert response.status == created
    assert ("location" in response.headers) is bool(after)
    assert [row[0] for row in await doorway.house.rows("SELECT state FROM encounters")] == after
    assert len(await alert_states(doorway)) == alerts
    assert said(response)[0].startswith(must_say) if must_say else response.body == b""


@pytest.mark.parametrize("status, looks", [("planned", [(False,)]), ("finished", [(True,)]), ("cancelled", [])])
async def test_a_first_status_is_audited_where_it_was_checked(doorway: Doorway, status: str, looks: list[tuple[bool]]) -> None:
    await doorway.house.flag()
    await post(doorway, encounter(status))
    assert await doorway.house.rows("SELECT in_history FROM accesses") == looks


@pytest.mark.parametrize(
    "ended, again, after",
    [
        ("finished", "in-progress", "open"),
        ("finished", "unknown", "closed"),
        ("finished", "cancelled", "cancelled"),
        ("cancelled", "in-progress", "open"),
        ("cancelled", "unknown", "cancelled"),
    ],
)
async def test_what_a_status_does_to_an_encounter_that_is_over(doorway: Doorway, ended: str, again: str, after: str) -> None:
    encounter_id = await opened(doorway)
    await put(doorway, encounter_id, encounter(ended))
    await put(doorway, encounter_id, encounter(again))
    assert await state(doorway) == after


async def test_who_was_told_of_a_cancelled_arrival_is_told_that_it_was_one_after_all(doorway: Doorway) -> None:
    await doorway.house.flag()
    encounter_id = await opened(doorway)
    for status in ("cancelled", "in-progress"):
        await put(doorway, encounter_id, encounter(status))
    assert await doorway.house.rows("SELECT event FROM alert_events ORDER BY occurred_at, id") == [
        ("raise",),
        ("cancel",),
        ("reinstate",),
    ]


async def test_it_is_over_at_the_end_that_is_said(doorway: Doorway) -> None:
    encounter_id = await opened(doorway)
    await put(doorway, encounter_id, encounter("finished", end="2026-03-03T16:30:00Z"))
    assert await doorway.house.value("SELECT departed_at = '2026-03-03T16:30:00Z' FROM encounters")


async def test_an_end_that_is_still_to_come_is_nobodys_leaving(doorway: Doorway) -> None:
    encounter_id = await opened(doorway)
    await put(doorway, encounter_id, encounter("finished", end="2126-03-03T16:30:00Z"))
    assert await doorway.house.value("SELECT departed_at <= now() FROM encounters")


async def test_a_child_who_left_before_being_seen_is_said_to_have(doorway: Doorway) -> None:
    await doorway.house.flag()
    encounter_id = await opened(doorway)
    left = {"hospitalization": {"dischargeDisposition": {"coding": [{"code": "1066301000000103"}]}}}
    await put(doorway, encounter_id, encounter("finished") | left)
    assert await doorway.house.value("SELECT left_before_seen FROM encounters")


async def test_a_number_that_arrives_later_is_checked_then(doorway: Doorway) -> None:
    await doorway.house.flag()
    response = await post(doorway, encounter(number=None))
    assert await doorway.house.value("SELECT could_not_check FROM encounters") == CouldNotCheckReason.NO_NUMBER
    updated = await put(doorway, id_of(response), encounter(), Prefer="return=representation")
    assert updated.json["total"] == 1
    assert await doorway.house.rows("SELECT reason, state FROM alerts") == [("late-identity", "raised")]


async def test_who_was_told_of_the_wrong_child_is_told_that_it_was_another(doorway: Doorway) -> None:
    await doorway.house.flag()
    encounter_id = await opened(doorway)
    await put(doorway, encounter_id, encounter(number=OTHER_CHILD))
    assert await alert_states(doorway) == ["retracted"]
    assert await doorway.house.value("SELECT nhs_number FROM encounters") == OTHER_CHILD


async def test_a_body_that_names_nobody_takes_the_number_from_no_encounter(doorway: Doorway) -> None:
    encounter_id = await opened(doorway)
    await put(doorway, encounter_id, encounter("finished", number=None))
    assert await doorway.house.value("SELECT nhs_number FROM encounters") == CHILD


async def test_each_change_has_a_version_and_the_next_can_build_on_it(doorway: Doorway) -> None:
    first = await post(doorway, encounter())
    second = await put(doorway, id_of(first), encounter(code="IMP"), If_Match=first.headers["etag"])
    third = await put(doorway, id_of(first), encounter("finished"), If_Match=f'W/"1", {second.headers["etag"]}')
    versions = [response.headers["etag"] for response in (first, second, third)]
    assert versions == ['W/"1"', 'W/"2"', 'W/"3"']
    assert (await put(doorway, id_of(first), encounter("finished"), If_Match="*")).status == 200


async def test_a_resend_with_its_id_is_one_event(doorway: Doorway) -> None:
    await doorway.house.flag()
    encounter_id = await opened(doorway)
    for _ in range(2):
        assert (await put(doorway, encounter_id, encounter("cancelled"), X_Request_ID=REQUEST_ID)).status == 200
    assert await doorway.house.value("SELECT count(*) FROM alert_events WHERE event = 'cancel'") == 1
    assert await doorway.house.value("SELECT count(*) FROM inbox") == 2


async def test_a_discharge_looks_at_nobody_and_says_so_where_an_answer_is_wanted(doorway: Doorway) -> None:
    encounter_id = await opened(doorway)
    response = await put(doorway, encounter_id, encounter("finished"), Prefer="return=representation")
    assert said(response) == ["This event calls for no check."]
    assert response.headers["preference-applied"] == "return=OperationOutcome"
    assert await doorway.house.value("SELECT count(*) FROM accesses") == 1


async def test_an_encounter_that_hl7_registered_can_be_ended_over_fhir(doorway: Doorway) -> None:
    await doorway.house.ask(visit_number="V1", at=now())
    encounter_id = str(await doorway.house.value("SELECT id FROM encounters"))
    assert (await put(doorway, encounter_id, encounter("finished"))).status == 200
    assert await state(doorway) == "closed"


# ── order ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_update_that_comes_late_does_not_undo_what_came_after_it(doorway: Doorway) -> None:
    encounter_id = await opened(doorway, updated="2026-03-03T14:00:00Z")
    await put(doorway, encounter_id, encounter("finished", updated="2026-03-03T16:00:00Z"))
    response = await put(doorway, encounter_id, encounter("in-progress", updated="2026-03-03T15:00:00Z"))
    assert said(response)[0].startswith("Something that happened later is known already")
    assert await state(doorway) == "closed"


async def test_a_late_cancellation_does_not_undo_an_arrival_that_came_after_it(doorway: Doorway) -> None:
    await doorway.house.flag()
    encounter_id = await opened(doorway, updated="2026-03-03T15:00:00Z")
    await put(doorway, encounter_id, encounter("cancelled", updated="2026-03-03T14:30:00Z"))
    assert (await state(doorway), await alert_states(doorway)) == ("open", ["raised"])


async def test_an_update_without_a_time_of_its_own_happens_when_it_comes(doorway: Doorway) -> None:
    encounter_id = await opened(doorway, updated="2026-03-03T15:00:00Z")
    await put(doorway, encounter_id, encounter("finished", start=STARTED, end="2026-03-03T14:30:00Z"))
    assert await state(doorway) == "closed"


async def test_a_clock_that_runs_ahead_hides_nothing_that_comes_after(doorway: Doorway) -> None:
    encounter_id = await opened(doorway, updated="2126-03-03T15:00:00Z")
    await put(doorway, encounter_id, encounter("finished"))
    assert await state(doorway) == "closed"


async def test_events_of_both_doors_stand_in_one_order(doorway: Doorway) -> None:
    encounter_id = await opened(doorway, updated="2026-03-03T14:00:00Z")
    await doorway.house.ask(visit_number="V1", at=now(), event_at=now())
    await put(doorway, encounter_id, encounter("cancelled", updated="2026-03-03T15:00:00Z"))
    assert await state(doorway) == "open"
