"""The whole trail over FHIR, for registered auditors: every look and every change, page by page, and itself written down."""

import base64
from datetime import timedelta

import pytest

from domain.actor import Actor, ActorKind
from domain.encounter import TriggerEvent
from safeguarding.answering import break_glass
from tests.fhir_adapter.asking import Response
from tests.fhir_adapter.audit_events.reading import audit, links, path_of, query_of, resources, sentences
from tests.fhir_adapter.doorway import BASE_URL, NHS_NUMBER, Doorway, encoded
from tests.safeguarding.house import CHILD, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD

CLINICIAN = Actor(ActorKind.PERSON, "sub-carla", "Carla Clinician", "R0A", "clinician")
REQUEST = "c1ab3fba-6bae-4ba4-b257-5a87c44d4a91"


def agents(response: Response) -> set[str]:
    """Who acted, by what each event says of its requestor."""
    return {
        agent["who"].get("display", agent["who"].get("identifier", {}).get("value"))
        for event in resources(response)
        for agent in event["agent"]
        if agent["requestor"]
    }


@pytest.mark.parametrize(
    "query",
    [
        "date=2026-13-01", "date=yesterday", "date=ne2026", "date=sa2026-01-01", "_lastUpdated=", "agent=", "agent=a&agent=b",
        "agent=https://other.example|x", "agent:name=x", "agent.name=x", "patient=9990000019", "patient=", "_count=many",
        f"patient={CHILD}&subject={CHILD}", "_page=x", "_page=eyJ4IjoxfQ", "_page=", "_page=" + "A" * 500,
    ],
)  # fmt: skip
async def test_a_search_that_makes_no_sense_is_refused_and_reads_nothing(doorway: Doorway, query: str) -> None:
    response = await audit(doorway, f"/AuditEvent?{query}")
    assert (response.status, response.spine_code) == (400, "INVALID_SEARCH_DATA")
    assert await doorway.house.rows("SELECT 1 FROM audit_events WHERE action = 'accesses.review'") == []


async def test_strict_refuses_what_the_trail_is_not_searched_by(doorway: Doorway) -> None:
    response = await audit(doorway, "/AuditEvent?outcome=8", Prefer="handling=strict")
    assert (response.status, response.spine_code) == (400, "INVALID_SEARCH_DATA")
    assert resources(await audit(doorway, "/AuditEvent?outcome=8&agent=nobody")) == []


async def test_the_trail_of_a_patient_holds_looks_that_found_nothing_by_the_numbers_hash(doorway: Doorway) -> None:
    await doorway.search(UNKNOWN_CHILD, X_Request_ID=REQUEST)
    response = await audit(doorway, "/AuditEvent/_search", f"patient={UNKNOWN_CHILD}")
    [event] = resources(response)
    assert event["outcomeDesc"] == "None known"
    identifier = event["entity"][0]["what"]["identifier"]
    assert identifier["system"] == f"{BASE_URL}/NamingSystem/number-hash"
    assert len(identifier["value"]) == 64
    assert UNKNOWN_CHILD not in response.body.decode()
    assert REQUEST in [entity.get("what", {}).get("identifier", {}).get("value") for entity in event["entity"]]


async def test_an_auditor_sees_whom_and_by_which_rebuilt_query(doorway: Doorway) -> None:
    await doorway.house.flag()
    await doorway.search(X_Request_ID=REQUEST, NHSD_Session_URID="555021935107")
    [event] = resources(await audit(doorway, f"/AuditEvent?patient:identifier={encoded(f'{NHS_NUMBER}|{CHILD}')}"))
    [query] = [base64.b64decode(entity["query"]).decode() for entity in event["entity"] if "query" in entity]
    assert query == f"Flag?patient:identifier={NHS_NUMBER}|{CHILD}"
    [user] = [agent for agent in event["agent"] if agent["requestor"]]
    assert user["who"]["identifier"] == {"system": "https://fhir.nhs.uk/Id/sds-role-profile-id", "value": "555021935107"}
    assert event["agent"][0]["who"]["identifier"] == {"value": "both-app"}


async def test_a_card_of_cds_hooks_is_no_search_and_its_user_no_role_profile(doorway: Doorway) -> None:
    ehr = Actor(ActorKind.SYSTEM, "https://ehr.example", "https://ehr.example", "R0A", "PractitionerRole/7")
    await doorway.house.ask(actor=ehr, trigger=TriggerEvent.LOOKUP, silent=True, visit_number="", request_id=REQUEST)
    [event] = resources(await audit(doorway, "/AuditEvent?agent=https://ehr.example"))
    assert ("meta" in event, event["type"]["code"]) == (False, "110112")
    [user] = [agent for agent in event["agent"] if agent["requestor"]]
    assert user["who"]["identifier"] == {"value": "PractitionerRole/7"}


async def test_a_banner_is_a_patient_read_with_its_person_and_encounter(doorway: Doorway) -> None:
    await doorway.house.flag()
    encounter = (await doorway.house.ask()).outcome.encounter_id
    await doorway.house.ask(
        actor=CLINICIAN, trigger=TriggerEvent.BANNER, silent=True, visit_number="", encounter_id=encounter, minutes=1
    )
    [event] = resources(await audit(doorway, "/AuditEvent?agent=sub-carla"))
    assert event["meta"]["profile"] == ["https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"]
    assert str(encounter) in [entity["what"].get("identifier", {}).get("value") for entity in event["entity"]]
    [user] = [agent for agent in event["agent"] if agent["requestor"]]
    assert (user["name"], user["role"]) == ("Carla Clinician", [{"text": "clinician"}])


async def test_a_read_by_id_is_a_patient_read_through_the_client(doorway: Doorway) -> None:
    await doorway.house.flag()
    [flag] = [entry["resource"] for entry in (await doorway.search()).json["entry"] if entry["resource"]["resourceType"] == "Flag"]
    assert (await doorway.get(f"/Flag/{flag['id']}", X_Request_ID=REQUEST)).status == 200
    read, search = resources(await audit(doorway, "/AuditEvent?agent=both-app"))
    profiles = [event["meta"]["profile"][0].rpartition(".")[2] for event in (read, search)]
    assert profiles == ["PatientRead", "PatientQuery"]
    assert read["agent"][0]["who"]["identifier"] == {"value": "both-app"}


async def test_a_look_that_could_not_be_answered_is_a_failure_without_a_patient(doorway: Doorway) -> None:
    await doorway.house.ask(number=None, local="77")
    [event] = resources(await audit(doorway, "/AuditEvent?agent=peer"))
    assert (event["outcome"], event["outcomeDesc"]) == ("4", "Could not check")
    assert all(entity["type"]["code"] != "1" for entity in event["entity"])


async def test_changes_are_events_too_with_our_word_and_dicoms(doorway: Doorway) -> None:
    await doorway.house.flag()
    encounter = (await doorway.house.ask()).outcome.encounter_id
    assert encounter is not None
    async with doorway.house.database.transaction() as transaction:
        await break_glass(transaction, CLINICIAN, encounter, "must ring the authority now")
    [glass] = [
        event for event in resources(await audit(doorway, f"/AuditEvent?patient={CHILD}")) if event["type"]["code"] == "110113"
    ]
    assert [each["code"] for each in glass["subtype"]] == ["110127", "flag.break-glass"]
    assert glass["subtype"][1]["system"] == f"{BASE_URL}/CodeSystem/audit-action"
    added = resources(await audit(doorway, "/AuditEvent?agent=test"))
    assert {"authority.add", "site.add", "client.add"} <= {each["subtype"][-1]["code"] for each in added}
    assert {"C"} == {each["action"] for each in added if each["subtype"][-1]["code"].endswith(".add")}


@pytest.mark.parametrize(
    "query, expected",
    [
        ("agent=sub-carla", {"Carla Clinician"}),
        ("agent:identifier=sub-carla", {"Carla Clinician"}),
        ("agent=https://fhir.nhs.uk/Id/sds-role-profile-id|555", {"555"}),
        ("agent-name=carla", {"Carla Clinician"}),
        ("agent=https://fhir.nhs.uk/Id/ods-organization-code|R0A", {"Carla Clinician", "555"}),
        ("date=2026-03-03T14:01:00Z&agent-name=c", {"Carla Clinician"}),
        ("date=2026-03-03T14:01:00%2B00:00", {"Carla Clinician"}),
        ("date=2026-03-03T14:01:00+00:00", {"Carla Clinician"}),
        ("date=2026-03-03", {"PAS of R0A01", "Carla Clinician", "555"}),
        ("date=2026-03&agent=sub-carla", {"Carla Clinician"}),
        ("date=2026-03-04", set()),
        ("_lastUpdated=lt2026-03-03", set()),
        ("_lastUpdated=le2026-03-03", {"PAS of R0A01", "Carla Clinician", "555"}),
        ("date=gt2026-03-03T14:00:59Z&date=lt2026-03-03T14:02:00Z", {"Carla Clinician"}),
        ("date=ge2026-03-03T14:01:00Z&date=le2026-03-03T14:02:00Z", {"Carla Clinician", "555"}),
    ],
)
async def test_the_trail_is_searched_by_agent_and_by_date_with_prefixes(doorway: Doorway, query: str, expected: set[str]) -> None:
    await doorway.house.ask(visit_number="V0")
    await doorway.house.ask(actor=CLINICIAN, visit_number="V1", minutes=1)
    await doorway.house.ask(actor=Actor(ActorKind.SYSTEM, "app", "app", "R0A", "555"), visit_number="V2", minutes=2)
    assert agents(await audit(doorway, f"/AuditEvent?{query}")) == expected


async def test_pages_follow_one_another_to_the_end_and_hold_every_event_once(doorway: Doorway) -> None:
    for visit in range(7):
        await doorway.house.ask(visit_number=f"V{visit}", minutes=visit)
    seen: list[str] = []
    target = "/AuditEvent?agent=peer&_count=3&date=le2026-03-03"
    sizes = []
    while target:
        response = await audit(doorway, target)
        found = resources(response)
        seen += [event["recorded"] for event in found]
        sizes.append(len(found))
        assert "total" not in response.json
        await doorway.house.ask(visit_number="meanwhile", minutes=60)
        target = path_of(links(response)["next"]) if "next" in links(response) else ""
    assert sizes == [3, 3, 1]
    assert seen == [(SEEN_AT + timedelta(minutes=minute)).isoformat() for minute in range(6, -1, -1)]


@pytest.mark.parametrize("more", [f"patient={OTHER_CHILD}", "agent=another", "date=2026", "_page=x"])
async def test_a_page_is_asked_for_alone_and_never_answered_for_somebody_else(doorway: Doorway, more: str) -> None:
    for _ in range(2):
        await doorway.search()
    first = await audit(doorway, "/AuditEvent/_search", f"patient={CHILD}&_count=1")
    response = await audit(doorway, f"{path_of(links(first)['next'])}&{more}")
    assert (response.status, response.spine_code) == (400, "INVALID_SEARCH_DATA")


async def test_no_link_carries_the_number_that_was_posted_and_the_next_page_is_still_the_patients(doorway: Doorway) -> None:
    for visit in range(3):
        await doorway.house.ask(visit_number=f"V{visit}", minutes=visit, number=UNKNOWN_CHILD)
    await doorway.house.ask(visit_number="other", number=OTHER_CHILD)
    first = await audit(doorway, "/AuditEvent/_search", f"patient={UNKNOWN_CHILD}&_count=2")
    assert UNKNOWN_CHILD not in str(links(first))
    assert UNKNOWN_CHILD not in base64.urlsafe_b64decode(query_of(links(first)["next"])["_page"] + "===").decode()
    second = await audit(doorway, path_of(links(first)["next"]))
    looks = [event for event in (*resources(first), *resources(second)) if event["type"]["code"] == "110112"]
    assert len({event["id"] for event in looks}) == 3
    assert query_of(links(second)["self"]).keys() == {"_page"}


async def test_a_page_has_a_hundred_events_at_most(doorway: Doorway) -> None:
    await doorway.house.rows(
        """
        INSERT INTO audit_events (actor_kind, actor_id, actor_name, actor_role, organisation, action, subject_type, subject_id)
        SELECT 'person', 'busy', 'Busy', '', 'R0A', 'board.view', 'site', 'R0A01' FROM generate_series(1, 120) RETURNING 1
        """
    )
    response = await audit(doorway, "/AuditEvent?agent=busy&_count=5000")
    assert len(resources(response)) == 100
    assert len(resources(await audit(doorway, path_of(links(response)["next"])))) == 20


async def test_reading_the_trail_is_in_the_trail(doorway: Doorway) -> None:
    response = await audit(doorway, f"/AuditEvent?patient={CHILD}", NHSD_Session_URID="555021935107")
    assert "The whole trail: looks and changes, newest first. Reading it has been written down." in sentences(response)
    [event] = resources(await audit(doorway, f"/AuditEvent?patient={CHILD}"))
    assert event["type"]["display"] == "Audit Log Used"
    assert event["agent"][0]["who"]["identifier"]["value"] == "auditor-app"


async def test_a_sensitive_persons_looks_are_whole_for_an_auditor(doorway: Doorway) -> None:
    await doorway.house.flag(sensitive=True)
    await doorway.house.ask(actor=CLINICIAN)
    assert "Carla Clinician" in agents(await audit(doorway, f"/AuditEvent?patient={CHILD}"))
