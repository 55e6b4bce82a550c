"""Who is told of an encounter that comes over FHIR: the site's rules decide, within what the client is registered for."""

from datetime import datetime

import pytest

from domain.care_setting import CareSetting
from fhir_adapter.access import Access
from fhir_adapter.app import FhirDoor
from fhir_adapter.encounters.codes import ADMISSION_METHOD
from fhir_adapter.exchange import Parts
from nightlight.processes.common import SiteFeeds
from runtime.clients import ClientReader, TokenVerifier
from runtime.clock import now
from tests.fhir_adapter.doorway import BASE_URL, Doorway
from tests.fhir_adapter.encounter_bodies import Body, encounter, furnish, id_of, post, put
from tests.safeguarding.house import KEY


async def alerts(doorway: Doorway) -> int:
    return int(await doorway.house.value("SELECT count(*) FROM alerts"))


def admission(method: str) -> Body:
    coding = {"system": "https://fhir.hl7.org.uk/CodeSystem/UKCore-AdmissionMethodEngland", "code": method}
    return {"hospitalization": {"extension": [{"url": ADMISSION_METHOD, "valueCodeableConcept": {"coding": [coding]}}]}}


def treatment(function: str) -> Body:
    system = "https://amber.example/CodeSystem/treatment-function"
    return {"serviceType": {"coding": [{"system": "http://snomed.info/sct", "code": "711"}, {"system": system, "code": function}]}}


@pytest.mark.parametrize("header", [None, "true", "false"])
@pytest.mark.parametrize(
    "client, code, told",
    [
        ("both-app", "EMER", 1),
        ("both-app", "AMB", 0),
        ("both-app", "IMP", 1),
        ("both-app", "unheard-of", 1),
        ("unscheduled-app", "EMER", 1),
        ("unscheduled-app", "AMB", 1),
        ("scheduled-app", "EMER", 0),
        ("scheduled-app", "AMB", 0),
        ("scheduled-app", "IMP", 0),
        ("scheduled-app", "unheard-of", 0),
    ],
)
async def test_the_class_and_the_client_decide_who_is_told_and_no_header_does(
    doorway: Doorway, client: str, code: str, told: int, header: str | None
) -> None:
    await doorway.house.flag()
    headers = {} if header is None else {"IsUnscheduledAccessEvent": header}
    assert (await post(doorway, encounter(code=code), client, **headers)).status == 201
    assert await alerts(doorway) == told
    assert await doorway.house.rows("SELECT in_history FROM accesses") == [(bool(told),)]
    assert await doorway.house.rows("SELECT unscheduled FROM encounters") == [(bool(told),)]


@pytest.mark.parametrize(
    "elements, setting",
    [
        (admission("11"), CareSetting.ELECTIVE_ADMISSION),
        (admission("21") | treatment("420"), CareSetting.PAEDIATRIC_WARD),
        (admission("31"), CareSetting.MATERNITY),
        (treatment("711"), CareSetting.CAMHS),
        (treatment("420"), CareSetting.PAEDIATRIC_WARD),
        ({}, CareSetting.UNCLASSIFIED),
    ],
)
async def test_a_stay_is_classified_by_the_rules_that_hl7_goes_by(doorway: Doorway, elements: Body, setting: CareSetting) -> None:
    await post(doorway, encounter(code="IMP", **elements))
    assert await doorway.house.value("SELECT care_setting FROM encounters") == setting.value


async def test_where_the_class_says_only_where_the_patient_is_the_sites_own_setting_holds(doorway: Doorway) -> None:
    await furnish(doorway)
    await post(doorway, encounter(code="VR", site="R0A05"))
    assert await doorway.house.value("SELECT care_setting FROM encounters") == "maternity"


async def test_the_place_within_the_site_fits_a_rule_of_its_own(doorway: Doorway) -> None:
    await doorway.house.rows(
        """
        INSERT INTO care_setting_rules (site, position, patient_classes, admission_methods, treatment_functions, location_prefix,
                                        setting)
        VALUES ('R0A01', 0, '{}', '{}', '{}', 'SARC', 'sarc') RETURNING site
        """
    )
    left, here = ({"status": status, "location": {"identifier": {"value": place}}} for status, place in _PLACES)
    await post(doorway, encounter(location=[left, here]))
    assert await doorway.house.value("SELECT care_setting FROM encounters") == "sarc"


_PLACES = (("completed", "ED-1"), ("active", "SARC-2"))


@pytest.mark.parametrize("client", ["both-app", "scheduled-app", "unscheduled-app"])
async def test_an_encounter_of_a_private_service_tells_nobody_and_is_in_no_history(doorway: Doorway, client: str) -> None:
    await doorway.house.flag()
    assert (await post(doorway, encounter(site="R0A04"), client)).status == 201
    assert await alerts(doorway) == 0
    assert await doorway.house.rows("SELECT care_setting, in_history FROM accesses") == [("sarc", False)]


async def test_a_client_of_scheduled_care_does_not_silence_an_attendance_that_another_system_records(doorway: Doorway) -> None:
    """Whatever it sends of the same visit: the next system that may tell still does."""
    encounter_id = id_of(await post(doorway, encounter(number=None)))
    await doorway.house.flag()
    await put(doorway, encounter_id, encounter(code="AMB"), "scheduled-app")
    assert await doorway.house.rows("SELECT care_setting, unscheduled FROM encounters") == [("emergency-department", True)]
    assert await alerts(doorway) == 0
    await put(doorway, encounter_id, encounter())
    assert await alerts(doorway) == 1


async def test_what_a_client_of_scheduled_care_opened_tells_once_another_says_it_is_an_emergency(doorway: Doorway) -> None:
    await doorway.house.flag()
    await post(doorway, encounter(), "scheduled-app")
    assert await alerts(doorway) == 0
    await post(doorway, encounter())
    assert await alerts(doorway) == 1


# ── a live feed ───────────────────────────────────────────────────────────────────────────────────────────────────────


class Noted:
    """A door whose process notes the feeds, and writes them down as its heartbeat does."""

    def __init__(self, doorway: Doorway) -> None:
        house = doorway.house
        self.house, self.feeds = house, SiteFeeds()
        access = Access(TokenVerifier(KEY), ClientReader(house.database, kept_seconds=0))
        parts = Parts(house.desk, house.directory, house.database, BASE_URL, KEY, self.feeds.note_attendance)
        self.doorway = Doorway(FhirDoor(parts, access), house)

    async def beat(self) -> dict[str, datetime]:
        async with self.house.database.transaction() as transaction:
            await self.feeds.write(transaction)
        self.house.directory.forget()
        return dict(await self.house.rows("SELECT site, last_message_at FROM site_feeds"))


async def test_a_site_that_records_attendances_has_a_live_feed_and_a_read_alone_tells_nobody(doorway: Doorway) -> None:
    noted = Noted(doorway)
    before = now()
    await post(noted.doorway, encounter(visit="V9", number=None))
    fed = await noted.beat()
    assert fed.keys() == {"R0A01"}
    assert fed["R0A01"] >= before
    await doorway.house.flag()
    await doorway.search()
    assert await alerts(doorway) == 0


@pytest.mark.parametrize(
    "client, changes",
    [
        ("scheduled-app", {}),
        ("both-app", {"code": "AMB"}),
        ("both-app", {"site": "R0A04"}),
        ("both-app", {"meta": {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]}}),
    ],
    ids=["scheduled client", "clinic", "private service", "test"],
)
async def test_what_tells_nobody_is_no_live_feed(doorway: Doorway, client: str, changes: Body) -> None:
    """Otherwise a clinic's system would keep looks in the emergency department from telling."""
    noted = Noted(doorway)
    await post(noted.doorway, encounter(**changes), client)
    assert await noted.beat() == {}


@pytest.mark.parametrize("status", ["planned", "finished", "cancelled", "entered-in-error"])
async def test_what_says_of_nobody_that_they_are_there_keeps_no_look_from_telling(doorway: Doorway, status: str) -> None:
    """A system that sends encounters when they are over tells nobody: the look at the next child must."""
    noted = Noted(doorway)
    await post(noted.doorway, encounter(status, visit="V9", number=None))
    assert await noted.beat() == {}
    await doorway.house.flag()
    await noted.doorway.search()
    assert await alerts(doorway) == 1


async def test_the_end_of_an_attendance_and_a_resend_make_no_feed_live(doorway: Doorway) -> None:
    noted = Noted(doorway)
    request_id = "c1ab3fba-6bae-4ba4-b257-5a87c44d4a91"
    created = await post(noted.doorway, encounter(), x_request_id=request_id)
    fed = await noted.beat()
    assert fed.keys() == {"R0A01"}
    await post(noted.doorway, encounter(), x_request_id=request_id)
    await put(noted.doorway, id_of(created), encounter("finished"))
    assert await noted.beat() == fed
