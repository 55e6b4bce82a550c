"""The shared access history over FHIR: at most 25 unscheduled accesses, newest first; reading it is a silent look."""

import base64
from datetime import timedelta

import pytest

from domain.actor import Actor, ActorKind
from domain.encounter import Identity, TriggerEvent
from runtime.clock import now
from safeguarding.desk import Desk
from tests.fhir_adapter.asking import ask
from tests.fhir_adapter.audit_events.reading import INCLUDE, ROLE_PROFILE, links, resources, sentences
from tests.fhir_adapter.doorway import BASE_URL, NHS_NUMBER, Doorway, encoded, token
from tests.fhir_adapter.test_failures import check_could_not_check, door
from tests.safeguarding.house import CHILD, KEY, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD

PATIENT = encoded(f"{NHS_NUMBER}|{CHILD}")
WITH_ROLES = f"/AuditEvent?patient:identifier={PATIENT}&_include={INCLUDE}"


@pytest.mark.parametrize(
    "query", ["agent=x", "date=2026-01-01", "_lastUpdated=ge2026", "agent-name=a", "_page=x", "agent=x&_count=3"]
)
async def test_the_trail_without_a_patient_is_for_auditors_alone(doorway: Doorway, query: str) -> None:
    response = await doorway.get(f"/AuditEvent?{query}")
    assert (response.status, response.spine_code) == (403, "ACCESS_DENIED")
    assert await doorway.house.rows("SELECT 1 FROM audit_events WHERE action = 'accesses.review'") == []


@pytest.mark.parametrize(
    "query, headers",
    [
        ("", {}),
        ("_count=5", {}),
        (f"patient={CHILD}&patient={CHILD}", {}),
        ("patient=9990000019", {}),
        (f"patient={CHILD}&_count=x", {}),
        (f"patient={CHILD}&_count=-1", {}),
        (f"patient={CHILD}&_count=1&_count=2", {}),
        (f"patient={CHILD}&date=2026", {"Prefer": "handling=strict"}),
        (f"patient={CHILD}&_include=AuditEvent:patient", {"Prefer": "handling=strict"}),
        (f"patient={CHILD}&outcome=8", {"Prefer": "handling=strict"}),
    ],
)
async def test_what_might_be_answered_for_somebody_else_is_refused(doorway: Doorway, query: str, headers: dict[str, str]) -> None:
    await doorway.house.flag()
    response = await doorway.get(f"/AuditEvent?{query}", **headers)
    assert (response.status, response.spine_code) == (400, "INVALID_SEARCH_DATA")
    assert await doorway.house.rows("SELECT 1 FROM accesses") == []


async def test_the_scope_of_flags_does_not_open_the_history(doorway: Doorway) -> None:
    response = await doorway.get(f"/AuditEvent?patient={CHILD}", "flags-only-app")
    assert (response.status, response.spine_code) == (403, "ACCESS_DENIED")


async def test_a_client_without_a_site_of_its_own_reads_no_history(doorway: Doorway) -> None:
    assert (await doorway.get(f"/AuditEvent?patient={CHILD}", "siteless-app")).status == 403


async def test_nothing_held_is_an_empty_history_with_coverage(doorway: Doorway) -> None:
    await doorway.house.ask(number=UNKNOWN_CHILD)
    response = await doorway.get(f"/AuditEvent?patient={UNKNOWN_CHILD}")
    assert (resources(response), response.json["total"]) == ([], 0)
    assert "Checked against the 2 authorities connected to Nightlight." in sentences(response)


async def test_could_not_check_is_never_an_empty_history(doorway: Doorway) -> None:
    house = doorway.house
    async with Desk(house.database, house.directory, KEY) as closed:
        pass
    app = door(closed, house.directory, house.database)
    headers = {"authorization": f"Bearer {token('both-app')}"}
    check_could_not_check(await ask(app, "GET", f"/AuditEvent?patient={CHILD}", headers))


async def test_the_newest_25_come_newest_first_with_a_true_total(doorway: Doorway) -> None:
    await doorway.house.flag()
    for visit in range(27):
        await doorway.house.ask(visit_number=f"V{visit}", minutes=visit)
    response = await doorway.get(WITH_ROLES)
    events = resources(response)
    newest_first = [SEEN_AT + timedelta(minutes=minute) for minute in range(26, 1, -1)]
    assert [event["recorded"] for event in events] == [at.isoformat() for at in newest_first]
    assert (response.json["total"], len(resources(response, "include"))) == (25, 25)
    assert links(response) == {"self": f"{BASE_URL}/AuditEvent?patient:identifier={PATIENT.replace('%3A', ':').replace('%2F', '/')}"
                                       f"&_include={encoded(INCLUDE).replace('%3A', ':').replace('%2F', '/')}"}  # fmt: skip


@pytest.mark.parametrize("count, shown", [("0", 0), ("2", 2), ("3", 3), ("25", 3), ("1000", 3)])
async def test_count_shows_fewer_and_total_stays_true(doorway: Doorway, count: str, shown: int) -> None:
    await doorway.house.flag()
    for visit in range(3):
        await doorway.house.ask(visit_number=f"V{visit}", minutes=visit)
    response = await doorway.get(f"{WITH_ROLES}&_count={count}")
    assert (len(resources(response)), len(resources(response, "include"))) == (shown, shown)
    assert response.json["total"] == 3


@pytest.mark.parametrize(
    "name", ["patient", "patient:identifier", "patient.identifier", "subject:identifier", "subject.identifier"]
)
async def test_every_spelling_of_the_patient_is_one_history(doorway: Doorway, name: str) -> None:
    await doorway.house.flag()
    await doorway.house.ask()
    by_get = await doorway.get(f"/AuditEvent?{name}={PATIENT}")
    by_post = await doorway.post("/AuditEvent/_search", f"{name}={PATIENT}")
    assert [event["id"] for event in resources(by_get)] == [event["id"] for event in resources(by_post)]
    assert len(resources(by_get)) == 1
    assert CHILD not in links(by_post)["self"]


async def test_reading_the_history_is_a_silent_look_that_is_audited_and_in_no_history(doorway: Doorway) -> None:
    await doorway.house.flag()
    response = await doorway.get(WITH_ROLES, IsUnscheduledAccessEvent="true", NHSD_Session_URID="555021935107")
    assert resources(response) == []
    assert await doorway.house.rows(
        "SELECT actor_id, actor_role, outcome, in_history, encounter_id FROM accesses"
    ) == [("both-app", "555021935107", "flagged", False, None)]  # fmt: skip
    assert await doorway.house.rows("SELECT 1 FROM alerts") == []
    assert "Reading the access history tells nobody and does not enter it; it is audited." in sentences(response)


async def test_who_looked_is_shown_as_far_as_it_is_known_and_nothing_is_made_up(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.house.ask(minutes=0)
    await doorway.search(NHSD_Session_URID="555021935107")
    person = Actor(ActorKind.PERSON, "sub-1", "Carla Clinician", "R0A", "clinician")
    await doorway.house.ask(minutes=2, visit_number="V2", actor=person, at=now() + timedelta(minutes=1))
    response = await doorway.get(WITH_ROLES)
    by_person, by_user, by_feed = resources(response, "include")
    assert by_person["practitioner"] == {"display": "Carla Clinician"}
    assert (by_person["code"], by_person["organization"]["display"]) == ([{"text": "clinician"}], "Royal Amber")
    assert by_user["identifier"] == [{"system": ROLE_PROFILE, "value": "555021935107"}]
    assert by_user["practitioner"]["display"] == "Not known by name: asked through both-app"
    assert by_feed["practitioner"]["extension"][0]["valueCode"] == "unknown"
    assert (by_feed["code"], by_feed["organization"]["display"]) == ([{"text": "Role not known"}], "Site R0A01")
    for event, role in zip(resources(response), resources(response, "include"), strict=True):
        [assigned] = [entity for entity in event["entity"] if entity["type"]["code"] == "ASSIGNED"]
        assert assigned["what"]["reference"] == f"PractitionerRole/{role['id']}"


async def test_without_the_include_no_reference_leads_nowhere(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.house.ask()
    response = await doorway.get(f"/AuditEvent?patient={CHILD}")
    assert resources(response, "include") == []
    assert "PractitionerRole/" not in response.body.decode()


async def test_a_lookup_is_shown_after_balp_and_its_query_without_the_patient_request_or_subject(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.search(X_Request_ID="c1ab3fba-6bae-4ba4-b257-5a87c44d4a91")
    response = await doorway.get(WITH_ROLES)
    [event] = resources(response)
    assert event["meta"]["profile"] == ["https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientQuery"]
    [query] = [base64.b64decode(entity["query"]).decode() for entity in event["entity"] if "query" in entity]
    assert query == f"Flag?patient:identifier={NHS_NUMBER}|"
    assert "c1ab3fba" not in response.body.decode()


async def test_a_message_is_a_query_that_was_not_restful_and_claims_no_profile(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.house.ask()
    [event] = resources(await doorway.get(WITH_ROLES))
    assert (event["type"]["code"], "meta" in event, "subtype" in event) == ("110112", False, False)
    assert "register, Emergency department" in [entity.get("name") for entity in event["entity"]]


async def test_of_a_sensitive_person_the_list_is_withheld_and_says_so_instead_of_a_total(doorway: Doorway) -> None:
    await doorway.house.flag(sensitive=True)
    await doorway.house.ask(actor=Actor(ActorKind.PERSON, "sub-1", "Carla Clinician", "R0A", "clinician"))
    response = await doorway.get(WITH_ROLES)
    assert (resources(response), resources(response, "include"), "total" in response.json) == ([], [], False)
    assert "Sensitive: who looked at this person is withheld." in sentences(response)
    assert "Carla" not in response.body.decode()
    assert response.json["entry"][0]["resource"]["issue"][0]["code"] == "suppressed"


async def test_a_superseded_number_leads_to_the_history_and_says_so(doorway: Doorway) -> None:
    await doorway.house.flag(OTHER_CHILD)
    await doorway.house.ask(number=OTHER_CHILD)
    await doorway.house.rows(
        """
        INSERT INTO person_aliases (person_id, value, relation, direction, source)
        SELECT id, %s, 'superseded', 'prior', 'test' FROM persons RETURNING 1
        """,
        CHILD,
    )
    response = await doorway.get(f"/AuditEvent?patient={CHILD}")
    [event] = resources(response)
    assert event["entity"][0]["what"]["identifier"]["value"] == OTHER_CHILD
    assert any("superseded" in sentence for sentence in sentences(response))


async def test_numbers_that_a_hospital_merged_lead_to_one_history(doorway: Doorway) -> None:
    await doorway.house.flag(OTHER_CHILD)
    await doorway.house.ask(number=OTHER_CHILD)

    await doorway.house.ask(trigger=TriggerEvent.MERGE, number=CHILD, prior=Identity(OTHER_CHILD), visit_number="", minutes=5)
    response = await doorway.get(f"/AuditEvent?patient={CHILD}")
    assert len(resources(response)) >= 1
    assert any("merged" in sentence for sentence in sentences(response))


async def test_a_date_is_ignored_for_the_history_and_missing_from_the_link(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.house.ask()
    response = await doorway.get(f"/AuditEvent?patient={CHILD}&date=1999&_format=json")
    assert len(resources(response)) == 1
    assert "date" not in links(response)["self"]
