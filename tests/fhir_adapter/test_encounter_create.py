"""POST /Encounter through the whole door, on real PostgreSQL: what is refused, what is recorded, who is told."""

import asyncio
from uuid import UUID

import pytest

from domain.encounter import TriggerEvent
from hl7_listener.answering import Answerer
from hl7_listener.sender import Sender
from runtime.clock import now
from tests.fhir_adapter.asking import ask
from tests.fhir_adapter.doorway import NHS_NUMBER, Doorway, token
from tests.fhir_adapter.encounter_bodies import (
    ACT_CODE,
    Body,
    encounter,
    furnish,
    id_of,
    post,
    put,
    said,
    with_patient,
    wrong,
)
from tests.hl7_listener.samples import adt
from tests.safeguarding.house import CHILD, OTHER_CHILD, UNKNOWN_CHILD

REQUEST_ID = "c1ab3fba-6bae-4ba4-b257-5a87c44d4a91"


async def counts(doorway: Doorway) -> tuple[int, int, int]:
    """Encounters, alerts, deliveries."""
    [row] = await doorway.house.rows(
        "SELECT (SELECT count(*) FROM encounters), (SELECT count(*) FROM alerts), (SELECT count(*) FROM deliveries)"
    )
    encounters, alerts, deliveries = row
    return encounters, alerts, deliveries


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_without_the_scope_nothing_is_recorded(doorway: Doorway) -> None:
    response = await post(doorway, encounter(), "flags-only-app")
    assert (response.status, response.spine_code) == (403, "ACCESS_DENIED")
    assert await counts(doorway) == (0, 0, 0)


async def test_without_a_token_nothing_is_recorded(doorway: Doorway) -> None:
    response = await ask(doorway.app, "POST", "/Encounter", {"content-type": "application/fhir+json"}, b"{}")
    assert response.status == 401


@pytest.mark.parametrize("site", ["R0B01", "R0Z99", "R0A", "nowhere"])
async def test_a_site_that_is_not_the_clients_own_is_refused(doorway: Doorway, site: str) -> None:
    response = await post(doorway, encounter(site=site))
    assert (response.status, response.spine_code) == (403, "ACCESS_DENIED")
    assert await counts(doorway) == (0, 0, 0)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_the_type_is_only_posted_to(doorway: Doorway, method: str) -> None:
    response = await ask(doorway.app, method, "/Encounter", {"authorization": f"Bearer {token('both-app')}"})
    assert (response.status, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"status": "bogus"}, ("code-invalid", "Encounter.status")),
        ({"identifier": [{"value": "V1", "use": "bogus"}]}, ("code-invalid", "Encounter.identifier[0].use")),
        ({"surname": "Example"}, ("structure", "Encounter")),
        ({"subject": {"surname": "Example"}}, ("structure", "Encounter.subject")),
        ({"class": "EMER"}, ("value", "Encounter.class")),
        ({"period": {"start": "yesterday"}}, ("value", "Encounter.period.start")),
        ({"period": {"start": "0001-01-01T00:00:00Z"}}, ("value", "Encounter.period.start")),
        ({"period": {"start": "2026-03-03T14:00:00Z", "end": "2026-03-03T13:00:00Z"}}, ("invariant", "Encounter.period")),
        ({"identifier": [{"system": "https://amber.example"}]}, ("required", "Encounter.identifier")),
        ({"identifier": [{"value": "V1"}, {"value": "V2"}]}, ("multiple-matches", "Encounter.identifier")),
        ({"identifier": [{"value": "V" * 129}]}, ("too-long", "Encounter.identifier")),
        ({"serviceProvider": {"identifier": {"value": "R0A01"}}}, ("required", "Encounter.serviceProvider.identifier")),
        ({"serviceProvider": {"display": "Amber"}}, ("required", "Encounter.serviceProvider.identifier")),
        ({"subject": {"reference": "#nobody"}}, ("value", "Encounter.subject.reference")),
        ({"subject": {"type": "Group", "display": "A class"}}, ("value", "Encounter.subject.type")),
        ({"contained": [{"resourceType": "Bogus"}]}, ("structure", "Encounter")),
        ({"contained": ["text"]}, ("value", "Encounter.contained[0]")),
        ({"modifierExtension": [{"url": "https://amber.example", "valueBoolean": True}]}, ("extension", "Encounter")),
        ({"implicitRules": "https://amber.example"}, ("extension", "Encounter")),
        ({"subject": None}, ("structure", "Encounter.subject")),
        ({"identifier": []}, ("structure", "Encounter.identifier")),
        ({"reasonCode": [{"text": "a\x00b"}]}, ("structure", "Encounter.reasonCode")),
        ({"resourceType": "Patient"}, ("structure", "Encounter")),
    ],
)
async def test_what_is_wrong_with_a_body_is_said_by_element(doorway: Doorway, changes: Body, expected: tuple[str, str]) -> None:
    response = await post(doorway, encounter() | changes)
    assert (response.status, wrong(response)[0]) == (400, expected)
    assert response.json["issue"][0]["details"]["coding"][0]["code"] == "INVALID_SEARCH_DATA"
    assert CHILD not in response.body.decode()
    assert "surname" not in response.body.decode()
    assert await counts(doorway) == (0, 0, 0)


@pytest.mark.parametrize("element", ["status", "class", "identifier", "serviceProvider"])
async def test_an_element_that_is_needed_and_missing_is_named(doorway: Doorway, element: str) -> None:
    body = encounter()
    del body[element]
    response = await post(doorway, body)
    [(code, expression)] = wrong(response)
    assert (response.status, code) == (400, "required")
    assert expression.startswith(f"Encounter.{element}")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"9990000018"',
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b"NaN",
        b"9" * 5000,
        b'{"resourceType": "Encounter", "status": "arrived", "status": "cancelled"}',
        b'{"resourceType": "Encounter", "length": {"value": NaN}}',
        b'{"resourceType": "Encounter", "\\ud800": 1}',
        b"[" * 60_000,
        b'{"a":' * 9_000,
        b'{"resourceType": "Encounter", "extension": ' + b"[" * 500 + b"1" + b"]" * 500 + b"}",
    ],
)
async def test_a_body_that_is_no_object_in_json_is_refused(doorway: Doorway, body: bytes) -> None:
    response = await post(doorway, body)
    assert (response.status, wrong(response)[0][0]) == (400, "structure")


async def test_a_body_that_is_too_long_is_refused(doorway: Doorway) -> None:
    assert (await post(doorway, b" " * 65_537)).status == 413


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "application/fhir+xml", ""])
async def test_another_media_type_is_refused(doorway: Doorway, content_type: str) -> None:
    assert (await post(doorway, encounter(), content_type=content_type)).status == 415


@pytest.mark.parametrize(
    "condition", ["identifier=V2", "identifier=https://amber.example/Id/visit|V2", "status=arrived", "identifier=V1&status=x", ""]
)
async def test_a_condition_that_is_not_the_identifier_of_the_body_is_refused(doorway: Doorway, condition: str) -> None:
    response = await post(doorway, encounter(), If_None_Exist=condition)
    assert (response.status, response.spine_code) == (400, "PRECONDITION_FAILED")
    assert await counts(doorway) == (0, 0, 0)


# ── recorded ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_flagged_child_who_arrives_is_an_alert_whose_screen_delivery_is_pending(doorway: Doorway) -> None:
    await doorway.house.flag()
    response = await post(doorway, encounter(), X_Request_ID=REQUEST_ID)
    assert (response.status, response.body) == (201, b"")
    encounter_id = id_of(response)
    assert response.headers["location"] == f"https://hospital.example/FHIR/R4/Encounter/{encounter_id}"
    assert response.headers["etag"] == 'W/"1"'
    assert response.headers["last-modified"].endswith(" GMT")
    [row] = await doorway.house.rows(
        """
        SELECT e.id, e.site, e.reference, e.nhs_number, e.care_setting, e.state, e.flagged, a.authority_code, a.reason, a.state
        FROM encounters e JOIN alerts a ON a.encounter_id = e.id
        """
    )
    assert row == (
        UUID(encounter_id), "R0A01", "V1", CHILD, "emergency-department", "open", True, "301", "attendance", "raised",
    )  # fmt: skip
    assert ("screen", "pending") in await doorway.house.rows("SELECT channel, state FROM deliveries")
    assert doorway.house.nudged


async def test_the_look_is_audited_with_who_recorded_it(doorway: Doorway) -> None:
    await doorway.house.flag()
    encounter_id = id_of(await post(doorway, encounter(), NHSD_Session_URID="555254240100", X_Request_ID=REQUEST_ID))
    [row] = await doorway.house.rows(
        """
        SELECT actor_kind, actor_id, actor_role, organisation, purpose, trigger_event, in_history, encounter_id, outcome, request_id
        FROM accesses
        """
    )
    assert row == (
        "system", "both-app", "555254240100", "R0A", "direct-care", "register", True, UUID(encounter_id), "flagged", REQUEST_ID,
    )  # fmt: skip


async def test_where_none_is_known_the_encounter_is_kept_and_nobody_is_told(doorway: Doorway) -> None:
    response = await post(doorway, encounter(number=UNKNOWN_CHILD))
    assert (response.status, response.body) == (201, b"")
    assert await counts(doorway) == (1, 0, 0)
    assert await doorway.house.rows("SELECT outcome FROM accesses") == [("none-known",)]


@pytest.mark.parametrize(
    "elements, why",
    [
        ({}, "no NHS number was given"),
        ({"subject": {"display": "Ada Example"}}, "no NHS number was given"),
        ({"subject": {"reference": "Patient/123"}}, "no NHS number was given"),
        (with_patient(None, name=[{"family": "Example"}]), "no NHS number was given"),
        ({"subject": {"identifier": {"system": NHS_NUMBER, "value": "9990000019"}}}, "the NHS number given is not valid"),
        ({"subject": {"identifier": {"system": NHS_NUMBER}}}, "the NHS number given is not valid"),
        (
            with_patient(OTHER_CHILD) | {"subject": {"reference": "#p", "identifier": {"system": NHS_NUMBER, "value": CHILD}}},
            "more than one NHS number was given",
        ),
    ],
)
@pytest.mark.parametrize("prefer", ["return=minimal", "return=representation", "return=OperationOutcome", ""])
async def test_a_child_who_could_not_be_checked_is_recorded_and_the_answer_says_so(
    doorway: Doorway, elements: Body, why: str, prefer: str
) -> None:
    await doorway.house.flag()
    response = await post(doorway, encounter(number=None) | elements, Prefer=prefer)
    assert response.status == 201
    assert said(response)[0] == f"We could not check: {why}."
    assert response.json["issue"][0]["code"] == "incomplete"
    assert await doorway.house.value("SELECT could_not_check IS NOT NULL FROM encounters")
    assert await counts(doorway) == (1, 0, 0)


@pytest.mark.parametrize("number", ["9990000019", "not a number"])
async def test_a_wrong_number_is_refused_where_the_caller_wants_strict_handling(doorway: Doorway, number: str) -> None:
    response = await post(doorway, encounter(number=number), Prefer="handling=strict")
    assert (response.status, wrong(response)) == (400, [("value", "Encounter.subject.identifier")])
    assert await counts(doorway) == (0, 0, 0)


async def test_the_names_of_a_contained_patient_are_compared(doorway: Doorway) -> None:
    await doorway.house.flag()
    same = with_patient(birthDate="2018-05-06", name=[{"family": "EXAMPLE", "given": ["Ada"]}])
    other = with_patient(birthDate="2018-05-07", name=[{"use": "old", "family": "X"}, {"family": "Other"}])
    assert not any(
        "Details differ" in each for each in said(await post(doorway, encounter(**same), Prefer="return=OperationOutcome"))
    )
    response = await post(doorway, encounter(visit="V2", **other), Prefer="return=OperationOutcome")
    assert any(each.startswith("Details differ: verify identity.") for each in said(response))


async def test_a_number_that_was_not_traced_is_said_to_be_unverified(doorway: Doorway) -> None:
    status = {
        "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
        "valueCodeableConcept": {"coding": [{"code": "number-present-but-not-traced"}]},
    }
    subject = {"identifier": {"system": NHS_NUMBER, "value": CHILD, "extension": [status]}}
    response = await post(doorway, encounter(subject=subject), Prefer="return=OperationOutcome")
    assert "The hospital has not verified the NHS number." in said(response)


async def test_the_hospitals_own_number_is_kept_where_it_is_marked_as_one(doorway: Doorway) -> None:
    identifiers = [
        {"system": NHS_NUMBER, "value": CHILD},
        {"type": {"coding": [{"code": "MR"}]}, "value": "A123"},
        {"system": "https://other.example", "value": "B456"},
    ]
    await post(doorway, encounter(number=None, **with_patient(None, identifier=identifiers)))
    assert await doorway.house.rows("SELECT nhs_number, local_number FROM encounters") == [(CHILD, "A123")]


async def test_the_visit_number_is_the_identifier_of_that_type(doorway: Doorway) -> None:
    identifiers = [{"value": "OTHER", "use": "official"}, {"type": {"coding": [{"code": "VN"}]}, "value": " V9 "}]
    await post(doorway, encounter(identifier=identifiers))
    assert await doorway.house.value("SELECT reference FROM encounters") == "V9"


async def test_a_test_is_checked_and_tells_nobody(doorway: Doorway) -> None:
    await doorway.house.flag()
    security = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]
    response = await post(doorway, encounter(meta={"security": security}))
    assert "A test: nobody is told of it." in said(response)
    assert await counts(doorway) == (1, 0, 0)


# ── the same visit again ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_same_identifier_again_is_the_same_encounter_and_no_second_alert(doorway: Doorway) -> None:
    await doorway.house.flag()
    first, second = await post(doorway, encounter()), await post(doorway, encounter())
    assert (first.status, second.status) == (201, 200)
    assert first.headers["location"] == second.headers["location"]
    encounters, alerts, _ = await counts(doorway)
    assert (encounters, alerts) == (1, 1)


async def test_of_many_at_once_one_opens_the_encounter(doorway: Doorway) -> None:
    await doorway.house.flag()
    responses = await asyncio.gather(*(post(doorway, encounter()) for _ in range(12)))
    assert sorted(response.status for response in responses) == [200] * 11 + [201]
    assert len({response.headers["location"] for response in responses}) == 1
    encounters, alerts, _ = await counts(doorway)
    assert (encounters, alerts) == (1, 1)


async def test_a_resend_with_its_id_is_one_event_and_is_answered_as_before(doorway: Doorway) -> None:
    await doorway.house.flag()
    first = await post(doorway, encounter(), X_Request_ID=REQUEST_ID, Prefer="return=OperationOutcome")
    again = await post(doorway, encounter(), X_Request_ID=REQUEST_ID.upper(), Prefer="return=OperationOutcome")
    assert (again.status, again.body) == (201, first.body)
    assert [again.headers[name] for name in ("location", "etag")] == [first.headers[name] for name in ("location", "etag")]
    assert await doorway.house.value("SELECT count(*) FROM inbox") == 1
    assert await doorway.house.value("SELECT count(*) FROM accesses") == 1


async def test_a_resend_does_not_undo_what_came_after_it(doorway: Doorway) -> None:
    first = await post(doorway, encounter(), X_Request_ID=REQUEST_ID)
    await put(doorway, id_of(first), encounter("finished"))
    again = await post(doorway, encounter(), X_Request_ID=REQUEST_ID)
    assert (again.status, again.headers["location"]) == (201, first.headers["location"])
    assert await doorway.house.value("SELECT state FROM encounters") == "closed"


async def test_a_repeat_under_another_id_does_not_undo_what_came_after_it(doorway: Doorway) -> None:
    await put(doorway, id_of(await post(doorway, encounter())), encounter("finished"))
    again = await post(doorway, encounter())
    assert again.status == 200
    assert said(again)[0].startswith("Something that happened later is known already")
    assert await doorway.house.value("SELECT state FROM encounters") == "closed"


async def test_an_arrival_after_a_cancelled_one_is_one_after_all_though_nothing_says_when(doorway: Doorway) -> None:
    """A system that sends no meta.lastUpdated leaves no alert of a child who is there taken back."""
    await doorway.house.flag()
    for status in ("in-progress", "cancelled"):
        await post(doorway, encounter(status))
    assert await doorway.house.rows("SELECT e.state, a.state FROM encounters e, alerts a") == [("cancelled", "retracted")]
    await post(doorway, encounter())
    assert await doorway.house.rows("SELECT e.state, a.state FROM encounters e, alerts a") == [("open", "raised")]


async def test_an_arrival_that_comes_after_its_end_is_told_of_though_nothing_says_when(doorway: Doorway) -> None:
    """A queue that gives out the end first hides no attendance; what is sent again afterwards raises nothing more."""
    await doorway.house.flag()
    await post(doorway, encounter("finished", end="2026-03-03T15:00:00Z"))
    assert await doorway.house.value("SELECT count(*) FROM alerts") == 0
    for _ in range(2):
        await post(doorway, encounter())
    assert await doorway.house.rows("SELECT e.state, a.state FROM encounters e, alerts a") == [("open", "raised")]


async def test_one_id_for_two_visits_is_two_events(doorway: Doorway) -> None:
    await post(doorway, encounter(), X_Request_ID=REQUEST_ID)
    await post(doorway, encounter(visit="V2"), X_Request_ID=REQUEST_ID)
    assert await doorway.house.value("SELECT count(*) FROM encounters") == 2


async def test_a_conditional_create_makes_no_second_encounter(doorway: Doorway) -> None:
    condition = "identifier=https%3A%2F%2Famber.example%2FId%2Fvisit%7CV1"
    responses = [await post(doorway, encounter(), If_None_Exist=condition) for _ in range(2)]
    assert [response.status for response in responses] == [201, 200]
    assert len({response.headers["location"] for response in responses}) == 1


async def test_a_visit_that_an_adt_message_registered_and_fhir_records_raises_one_alert(doorway: Doorway) -> None:
    """The message through the HL7 door itself: its PV1-19 is the identifier of the Encounter."""
    await doorway.house.flag()
    message = adt(f"PID|||{CHILD}^^^NHS^NH||Example^Ada||20180506", "PV1||E|||||||||||||||||V1")
    hl7_door = Answerer(doorway.house.desk, doorway.house.directory, doorway.house.database)
    [acknowledgement] = (await hl7_door.answer(message, Sender("127.0.0.1"))).frames
    assert b"MSA|AA|NL1" in acknowledgement
    response = await post(doorway, encounter())
    assert response.status == 200
    assert id_of(response) == str(await doorway.house.value("SELECT id FROM encounters"))
    encounters, alerts, _ = await counts(doorway)
    assert (encounters, alerts) == (1, 1)


async def test_a_visit_that_fhir_records_and_hl7_registers_and_ends_raises_one_alert(doorway: Doorway) -> None:
    await doorway.house.flag()
    await post(doorway, encounter())
    await doorway.house.ask(visit_number="V1", at=now())
    await doorway.house.ask(visit_number="V1", at=now(), trigger=TriggerEvent.DISCHARGE)
    encounters, alerts, _ = await counts(doorway)
    assert (encounters, alerts) == (1, 1)
    assert await doorway.house.value("SELECT state FROM encounters") == "closed"


async def test_the_same_visit_number_at_another_site_is_another_visit(doorway: Doorway) -> None:
    await doorway.house.flag()
    await post(doorway, encounter())
    assert (await post(doorway, encounter(site="r0a02"))).status == 201
    encounters, alerts, _ = await counts(doorway)
    assert (encounters, alerts) == (2, 2)


# ── what comes back ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_representation_is_what_a_search_of_flag_answers(doorway: Doorway) -> None:
    await doorway.house.flag()
    response = await post(doorway, encounter(), Prefer="return=representation")
    assert (response.status, response.headers["preference-applied"]) == (201, "return=representation")
    searched = (await doorway.search()).json
    assert response.json["total"] == 1
    assert [entry["resource"] for entry in response.json["entry"][:-1]] == [entry["resource"] for entry in searched["entry"][:-1]]
    assert "This is not national: check CP-IS too." in [
        issue["details"]["text"] for issue in response.json["entry"][-1]["resource"]["issue"]
    ]
    assert CHILD not in response.json["link"][0]["url"]


async def test_a_resend_gets_the_representation_too_and_that_look_is_audited(doorway: Doorway) -> None:
    await doorway.house.flag()
    answers = [await post(doorway, encounter(), X_Request_ID=REQUEST_ID, Prefer="return=representation") for _ in range(2)]
    assert [answer.json["total"] for answer in answers] == [1, 1]
    assert await doorway.house.rows("SELECT trigger_event, in_history FROM accesses ORDER BY 1") == [
        ("banner", False),
        ("register", True),
    ]
    encounters, alerts, _ = await counts(doorway)
    assert (encounters, alerts) == (1, 1)


async def test_where_none_is_known_the_representation_is_an_empty_bundle_with_its_coverage(doorway: Doorway) -> None:
    response = await post(doorway, encounter(number=UNKNOWN_CHILD), Prefer="return=representation")
    assert response.json["total"] == 0
    assert "No plan is not no risk." in [issue["details"]["text"] for issue in response.json["entry"][0]["resource"]["issue"]]


async def test_an_outcome_says_whether_a_plan_is_known_and_how_far_that_reaches(doorway: Doorway) -> None:
    await doorway.house.flag()
    known = said(await post(doorway, encounter(), Prefer="return=OperationOutcome"))
    none = said(await post(doorway, encounter(visit="V2", number=UNKNOWN_CHILD), Prefer="return=OperationOutcome"))
    assert known[0] == "Known to social care: 1 plan is shown by a search of Flag."
    assert none[0] == "Checked: no plan is known to the authorities connected."
    assert "Checked against the 2 authorities connected to Nightlight." in none


@pytest.mark.parametrize("prefer", ["return=representation", "return=OperationOutcome"])
async def test_who_may_not_read_flags_cannot_tell_from_the_answer_whether_there_is_one(doorway: Doorway, prefer: str) -> None:
    await furnish(doorway)
    await doorway.house.flag()
    differing = with_patient(birthDate="2001-01-01")
    flagged = await post(doorway, encounter(**differing), "records-only-app", Prefer=prefer)
    unknown = await post(
        doorway, encounter(visit="V2", **with_patient(UNKNOWN_CHILD, birthDate="2001-01-01")), "records-only-app", Prefer=prefer
    )
    assert flagged.headers["preference-applied"] == "return=OperationOutcome"
    assert said(flagged) == said(unknown)
    assert await doorway.house.value("SELECT count(*) FROM alerts") == 1


async def test_an_unknown_preference_is_left_aside(doorway: Doorway) -> None:
    response = await post(doorway, encounter(), Prefer="return=nonsense")
    assert (response.status, response.body) == (201, b"")
    assert "preference-applied" not in response.headers


async def test_a_late_feed_is_not_fully_checked_here_too(doorway: Doorway) -> None:
    await doorway.house.rows("UPDATE authorities SET last_extracted_at = NULL WHERE code = '302' RETURNING code")
    response = await post(doorway, encounter(), Prefer="return=representation")
    assert "Not fully checked: the feed of Birchford is late." in [
        issue["details"]["text"] for issue in response.json["entry"][-1]["resource"]["issue"]
    ]


async def test_a_class_of_its_own_table_is_known_by_its_letter(doorway: Doorway) -> None:
    await post(doorway, encounter() | {"class": {"system": "http://terminology.hl7.org/CodeSystem/v2-0004", "code": "O"}})
    await post(doorway, encounter(visit="V2") | {"class": {"system": ACT_CODE, "code": "O"}})
    rows = await doorway.house.rows("SELECT reference, care_setting FROM encounters ORDER BY 1")
    assert rows == [("V1", "outpatient"), ("V2", "unclassified")]
