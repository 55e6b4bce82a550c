"""What the door really answers, one sample of each kind, for the validators and the rules of the profiles.

A new kind of answer is one line in `ASKED`: its name, and how to ask for it. `take_samples` asks them all, in this order, at
a door over a real PostgreSQL; what a line changes there stays for the lines below it.
"""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

import orjson

from domain.flag import ADULT_AT, birthday_in
from fhir_adapter.capability import capability_statement
from fhir_adapter.errors import KINDS, Refused, could_not_check
from runtime.clock import england_day, now
from safeguarding.client_endpoints import add_endpoint
from safeguarding.desk import Desk
from tests.fhir_adapter.asking import Response, ask
from tests.fhir_adapter.doorway import BASE_URL, Doorway, open_door, open_doorway, token
from tests.fhir_adapter.encounter_bodies import encounter, id_of, post, put
from tests.fhir_adapter.subscriptions.subscribing import ACKNOWLEDGED
from tests.fhir_adapter.subscriptions.subscribing import body as subscription
from tests.safeguarding.house import KEY, OPERATOR, House

Json = dict[str, Any]
Ask = Callable[[Doorway], Awaitable[Response]]

PLAN, TWO_AUTHORITIES, ENDED, SENSITIVE, MOTHER, GROWN = (
    "9990000018", "9990000026", "9990000034", "9990000042", "9990000050", "9990000069",
)  # fmt: skip
OUTCOME = "return=OperationOutcome"
ENDPOINT = "https://subscriber.example/notify"
PRIOR, NOBODY = "9990000077", "9990000085"
"""A number that PLAN's superseded, and one that no authority holds."""


async def take_samples(service_url: str) -> dict[str, Json]:
    """Every sample by its name, as it goes over the wire. Each must have come with the status that its line names."""
    samples = {f"refusal {kind.status} {kind.spine_code}": Refused(kind, "Do this.").to_operation_outcome() for kind in KINDS}
    samples["could not check"] = could_not_check().to_operation_outcome()
    samples["capability statement"] = capability_statement(BASE_URL)
    async with open_doorway(service_url) as doorway:
        await _furnish(doorway.house)
        for name, (status, asking) in ASKED.items():
            response = await asking(doorway)
            assert response.status == status, f"{name}: {response.status} {response.body!r}"
            assert name not in samples
            samples[name] = response.json
    wire: dict[str, Json] = orjson.loads(orjson.dumps(samples))
    return wire


async def _furnish(house: House) -> None:
    """All ends are near to today, for a plan that ended long ago is shown no longer."""
    today = england_day(now())
    lately = today - timedelta(days=50)
    await house.flag(PLAN)
    await house.flag(TWO_AUTHORITIES, "301", "CPP")
    await house.flag(TWO_AUTHORITIES, "302", "LAC", start_date=date(2025, 3, 1))
    await house.flag(ENDED, end_date=lately)
    await house.flag(SENSITIVE, sensitive=True)
    await house.flag(MOTHER, kind="UCPP", expected_delivery_date=today + timedelta(days=80), birth_date=date(1999, 1, 2))
    await house.flag(GROWN, kind="LAC", birth_date=birthday_in(lately, lately.year - ADULT_AT))
    async with house.database.transaction() as transaction:
        await transaction.execute(
            """
            INSERT INTO person_aliases (person_id, value, relation, direction, source)
            SELECT id, %s, 'superseded', 'prior', 'test' FROM persons WHERE nhs_number = %s
            """,
            (PRIOR, PLAN),
        )


async def _feed_is_late(doorway: Doorway) -> Response:
    await doorway.house.rows("UPDATE authorities SET last_extracted_at = NULL WHERE code = '302' RETURNING code")
    return await doorway.search(NOBODY)


async def _desk_is_closed(doorway: Doorway) -> Response:
    house = doorway.house
    async with Desk(house.database, house.directory, KEY) as desk:
        pass
    away = Doorway(open_door(House(house.database, house.directory, desk), BASE_URL), house)
    return await away.search(PLAN)


def _read(resource_type: str, client: str = "both-app") -> Ask:
    """Reads the first resource of a type that a search finds at its own address."""

    async def asking(doorway: Doorway) -> Response:
        found = [entry["resource"] for entry in (await doorway.search(PLAN)).json["entry"]]
        resource = next(each for each in found if each["resourceType"] == resource_type)
        return await doorway.get(f"/{resource_type}/{resource['id']}", client)

    return asking


async def _encounter_ends(doorway: Doorway) -> Response:
    begun = await post(doorway, encounter(visit="V9"))
    return await put(doorway, id_of(begun), encounter("finished", visit="V9", end="2026-03-03T16:00:00Z"), Prefer=OUTCOME)


async def _subscribe(doorway: Doorway) -> Response:
    async with doorway.house.database.transaction() as transaction:
        await add_endpoint(transaction, OPERATOR, "both-app", ENDPOINT)
    return await _send_subscription(doorway, subscription(ENDPOINT, ACKNOWLEDGED))


async def _send_subscription(doorway: Doorway, resource: Json) -> Response:
    headers = {"authorization": f"Bearer {token('both-app')}", "content-type": "application/fhir+json"}
    return await ask(doorway.app, "POST", "/Subscription", headers, orjson.dumps(resource))


def _of_subscription(suffix: str) -> Ask:
    """GET something of the subscription that is there."""

    async def asking(doorway: Doorway) -> Response:
        [entry] = [each for each in (await doorway.get("/Subscription")).json["entry"] if each["search"]["mode"] == "match"]
        return await doorway.get(f"/Subscription/{entry['resource']['id']}{suffix}")

    return asking


async def _without_token(doorway: Doorway) -> Response:
    return await ask(doorway.app, "GET", "/Flag?patient=9990000018")


ASKED: dict[str, tuple[int, Ask]] = {
    "capabilities": (200, lambda door: door.get("/metadata")),
    "search parameter": (200, lambda door: door.get("/SearchParameter/England-FlagCode")),
    "flags of one plan": (200, lambda door: door.search(PLAN)),
    "flags by GET": (200, lambda door: door.get(f"/Flag?patient={PLAN}&code=child-protection-information-system-flag")),
    "flags by the alias": (200, lambda door: door.get(f"/PatientFlag?subject.identifier={PLAN}")),
    "flags of two authorities": (200, lambda door: door.search(TWO_AUTHORITIES)),
    "flags of an ended plan": (200, lambda door: door.search(ENDED)),
    "flags held back": (200, lambda door: door.search(SENSITIVE)),
    "flags of an unborn child": (200, lambda door: door.search(MOTHER)),
    "flags ended for age": (200, lambda door: door.search(GROWN)),
    "flags of a superseded number": (200, lambda door: door.search(PRIOR)),
    "flags in scheduled care": (200, lambda door: door.search(PLAN, "scheduled-app")),
    "flags, none known": (200, lambda door: door.search(NOBODY)),
    "care teams": (200, lambda door: door.get(f"/CareTeam?patient={TWO_AUTHORITIES}")),
    "care teams held back": (200, lambda door: door.get(f"/CareTeam?patient={SENSITIVE}")),
    "care teams, none known": (200, lambda door: door.get(f"/CareTeam?patient={NOBODY}")),
    "access history": (200, lambda door: door.get(f"/AuditEvent?patient={PLAN}&_include=AuditEvent:entity-type")),
    "access history held back": (200, lambda door: door.get(f"/AuditEvent?patient={SENSITIVE}")),
    "access history, none known": (200, lambda door: door.get(f"/AuditEvent?patient={NOBODY}")),
    "trail": (200, lambda door: door.get("/AuditEvent?_count=40", "auditor-app")),
    "trail of one patient": (200, lambda door: door.post("/AuditEvent/_search", f"patient={PLAN}", "auditor-app")),
    "a flag": (200, _read("Flag")),
    "a plan": (200, _read("CarePlan")),
    "a team": (200, _read("CareTeam")),
    "an arrival": (201, lambda door: post(door, encounter(visit="V7"), Prefer=OUTCOME)),
    "an arrival, with its flags": (201, lambda door: post(door, encounter(visit="V8"), Prefer="return=representation")),
    "an arrival without a number": (201, lambda door: post(door, encounter(visit="V6", number=None), Prefer=OUTCOME)),
    "the end of an encounter": (200, _encounter_ends),
    "an encounter that cannot be read": (400, lambda door: post(door, {"resourceType": "Encounter"})),
    "a subscription": (201, _subscribe),
    "subscriptions": (200, lambda door: door.get("/Subscription")),
    "a subscription, read": (200, _of_subscription("")),
    "the status of a subscription": (200, _of_subscription("/$status")),
    "the events of a subscription": (200, _of_subscription("/$events")),
    "topics": (200, lambda door: door.get("/Basic")),
    "a topic": (200, lambda door: door.get("/Basic/flagged-child-seen")),
    "a subscription to nowhere": (
        403,
        lambda door: _send_subscription(door, subscription("https://nowhere.example/", ACKNOWLEDGED)),
    ),
    "a wrong number": (400, lambda door: door.search("9990000019")),
    "a wrong header": (400, lambda door: door.search(PLAN, IsUnscheduledAccessEvent="perhaps")),
    "no token": (401, _without_token),
    "no scope": (403, lambda door: door.get(f"/CareTeam?patient={PLAN}", "flags-only-app")),
    "no such address": (404, lambda door: door.get("/Nothing")),
    "a wrong method": (405, lambda door: door.post("/metadata", "")),
    "another format": (406, lambda door: door.get(f"/Flag?patient={PLAN}&_format=xml")),
    "too long": (413, lambda door: door.post("/Flag/_search", f"patient={'1' * 9000}")),
    "another media type": (415, lambda door: door.post("/Flag/_search", "{}", content_type="text/plain")),
    "the desk is closed": (503, _desk_is_closed),
    "flags, a feed is late": (200, _feed_is_late),
}
"""Name, the status that must come, and how to ask."""
