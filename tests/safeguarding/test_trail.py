"""The shared history and the whole trail: who is in the 25, what finds what, and that reading the trail is written down."""

from datetime import timedelta
from uuid import UUID

import pytest

from domain.actor import Actor, ActorKind
from domain.answer import Answer, Recorded
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from domain.nhs_number import NhsNumber
from safeguarding.access_history import Access, is_withheld, shared_history
from safeguarding.answering import break_glass
from safeguarding.trail import Change, TrailPage, TrailSearch, patient_of, search_trail
from tests.safeguarding.house import CHILD, KEY, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD, House

AUDITOR = Actor(ActorKind.PERSON, "sub-iggy", "Iggy Lead", "nightlight", "information-governance")
CLINICIAN = Actor(ActorKind.PERSON, "sub-carla", "Carla Clinician", "R0A", "clinician")


async def looked(house: House, **changes: object) -> Answer:
    """A silent look by a client at somebody, as a search of the history begins."""
    values = {"trigger": TriggerEvent.LOOKUP, "silent": True, "visit_number": ""} | changes
    outcome = (await house.ask(**values)).outcome
    assert not isinstance(outcome, Recorded)
    return outcome


async def history(house: House, answer: Answer) -> list[Access]:
    async with house.database.transaction() as transaction:
        return await shared_history(transaction, answer)


async def searched(house: House, limit: int = 100, *, number: str = "", **conditions: object) -> TrailPage:
    async with house.database.transaction() as transaction:
        if number:
            conditions["patient"] = await patient_of(transaction, KEY, NhsNumber(number))
        return await search_trail(transaction, AUDITOR, TrailSearch(**conditions), limit)  # type: ignore[arg-type]


def looks(page: TrailPage) -> list[Access]:
    return [row for row in page.rows if isinstance(row, Access)]


def actions(page: TrailPage) -> list[str]:
    return [row.action for row in page.rows if isinstance(row, Change)]


@pytest.mark.parametrize(
    "how",
    [
        {"silent": True},
        {"test": True},
        {"care_setting": CareSetting.SARC},
        {"care_setting": CareSetting.GP},
        {"trigger": TriggerEvent.BANNER},
        {"number": UNKNOWN_CHILD},
    ],
    ids=["scheduled look", "test message", "private service", "scheduled service", "banner without its encounter", "another child"],
)
async def test_what_is_not_shared_is_in_no_history(house: House, how: dict[str, object]) -> None:
    await house.flag()
    if how.get("trigger") is TriggerEvent.BANNER:
        how = {**how, "silent": True, "visit_number": ""}
    await house.ask(**how)
    assert await history(house, await looked(house)) == []
    assert await history(house, await looked(house, number=UNKNOWN_CHILD)) == []


async def test_the_history_is_the_newest_25_unscheduled_looks(house: House) -> None:
    await house.flag()
    for visit in range(27):
        await house.ask(visit_number=f"V{visit}", minutes=visit)
    await house.flag(OTHER_CHILD)
    await house.ask(number=OTHER_CHILD, visit_number="other", minutes=60)
    found = await history(house, await looked(house))
    assert [each.occurred_at for each in found] == [SEEN_AT + timedelta(minutes=minute) for minute in range(26, 1, -1)]
    assert {(each.actor.name, each.organisation, each.role_words) for each in found} == {("PAS of R0A01", "Site R0A01", "")}
    assert len({each.person_id for each in found}) == 1


async def test_an_organisation_that_nobody_knows_is_named_by_its_code(house: House) -> None:
    await house.flag()
    await house.ask(actor=Actor(ActorKind.SYSTEM, "x", "X", "ZZ9"))
    [access] = await history(house, await looked(house))
    assert (access.organisation_name, access.organisation) == ("", "ZZ9")


async def test_a_user_behind_a_system_is_known_by_role_profile_and_a_person_by_role(house: House) -> None:
    await house.flag()
    await house.ask(actor=Actor(ActorKind.SYSTEM, "app", "app", "R0A", "555021935107"))
    await house.ask(actor=CLINICIAN, visit_number="V2", minutes=1)
    person, system = await history(house, await looked(house))
    assert (system.user_role_id, system.role_words) == ("555021935107", "")
    assert (person.user_role_id, person.role_words) == ("", "clinician")


async def test_a_superseded_number_leads_to_the_history_that_a_lookup_finds(house: House) -> None:
    await house.flag(OTHER_CHILD, kind="UCPP")
    await house.ask(number=OTHER_CHILD)
    await house.rows(
        """
        INSERT INTO person_aliases (person_id, value, relation, direction, source)
        SELECT id, %s, 'superseded', 'prior', 'test' FROM persons RETURNING 1
        """,
        CHILD,
    )
    found = await history(house, await looked(house, number=CHILD))
    assert [each.nhs_number for each in found] == [OTHER_CHILD]


async def test_of_a_sensitive_person_the_list_is_withheld_and_of_nobody_it_is_not(house: House) -> None:
    await house.flag(sensitive=True)
    assert is_withheld(await looked(house))
    assert not is_withheld(await looked(house, number=UNKNOWN_CHILD))


async def test_the_trail_of_a_number_holds_looks_that_found_nobody_before_and_after_it_was_flagged(house: House) -> None:
    await house.ask(minutes=0)
    await house.flag()
    await house.ask(minutes=1, visit_number="V2")
    await house.ask(minutes=2, number=UNKNOWN_CHILD, visit_number="V3")
    found = looks(await searched(house, number=CHILD))
    assert [(each.outcome, each.nhs_number, each.number_hash is None) for each in found] == [
        ("flagged", CHILD, True),
        ("none-known", None, False),
    ]
    [unknown] = looks(await searched(house, number=UNKNOWN_CHILD))
    assert (unknown.outcome, unknown.person_id) == ("none-known", None)


async def test_a_number_that_nobody_ever_asked_for_has_an_empty_trail(house: House) -> None:
    await house.flag()
    await house.ask()
    assert (await searched(house, number=UNKNOWN_CHILD)).rows == ()


async def test_the_trail_of_a_patient_holds_what_was_done_to_its_flags_alerts_and_encounters(house: House) -> None:
    flag = await house.flag()
    await house.flag(OTHER_CHILD)
    mine = (await house.ask()).outcome.encounter_id
    other = (await house.ask(number=OTHER_CHILD, visit_number="V2")).outcome.encounter_id
    async with house.database.transaction() as transaction:
        for encounter in (mine, other):
            assert encounter is not None
            await break_glass(transaction, CLINICIAN, encounter, "must ring the authority now")
    alert = await house.value("SELECT a.id FROM alerts a JOIN persons p ON p.id = a.person_id WHERE p.nhs_number = %s", CHILD)
    for subject, subject_id in (("flag", flag), ("alert", alert)):
        await write_event(house, f"{subject}.touched", subject, subject_id)
    assert actions(await searched(house, number=CHILD, looks=False)) == ["alert.touched", "flag.touched", "flag.break-glass"]


async def write_event(house: House, action: str, subject_type: str, subject_id: object) -> None:
    await house.rows(
        """
        INSERT INTO audit_events (actor_kind, actor_id, actor_name, actor_role, organisation, action, subject_type, subject_id)
        VALUES ('person', 'sub', 'Somebody', '', 'R0A', %s, %s, %s) RETURNING 1
        """,
        action, subject_type, str(subject_id),
    )  # fmt: skip


@pytest.mark.parametrize(
    "conditions, expected",
    [
        ({"agent": "sub-carla"}, {"Carla Clinician"}),
        ({"agent": "555021935107"}, {"app"}),
        ({"agent": "sub"}, set()),
        ({"agent_name": "carla"}, {"Carla Clinician"}),
        ({"agent_name": "%"}, set()),
        ({"agent_name": "C_rla"}, set()),
        ({"who": "sub-carla"}, {"Carla Clinician"}),
        ({"who": "rla cl"}, {"Carla Clinician"}),
        ({"who": "555021935107"}, {"app"}),
        ({"organisation": "R0A"}, {"Carla Clinician", "app"}),
        ({"organisation": "R0"}, set()),
        ({"since": SEEN_AT + timedelta(minutes=1)}, {"Carla Clinician", "app"}),
        ({"until": SEEN_AT + timedelta(minutes=1)}, {"PAS of R0A01"}),
        ({"since": SEEN_AT + timedelta(minutes=1), "until": SEEN_AT + timedelta(minutes=2)}, {"Carla Clinician"}),
        ({"agent": "sub-carla", "until": SEEN_AT}, set()),
        ({}, {"Carla Clinician", "app", "PAS of R0A01"}),
    ],
)
async def test_the_trail_is_searched_by_agent_organisation_and_time(
    house: House, conditions: dict[str, object], expected: set[str]
) -> None:
    await house.ask(visit_number="V0")
    await house.ask(actor=CLINICIAN, visit_number="V1", minutes=1)
    await house.ask(actor=Actor(ActorKind.SYSTEM, "app", "app", "R0A", "555021935107"), visit_number="V2", minutes=2)
    assert {each.actor.name for each in looks(await searched(house, **conditions, changes=False))} == expected  # type: ignore[arg-type]


async def test_pages_hold_every_row_once_though_new_ones_come_meanwhile(house: House) -> None:
    for visit in range(7):
        await house.ask(visit_number=f"V{visit}", minutes=visit)
    before: UUID | None = None
    seen: list[UUID] = []
    while True:
        page = await searched(house, 3, before=before, agent="peer")
        seen += [row.id for row in page.rows]
        await house.ask(visit_number="later", minutes=99)
        if page.next_before is None:
            break
        before = page.next_before
    first = await house.rows("SELECT id FROM accesses WHERE occurred_at < %s ORDER BY id DESC", SEEN_AT + timedelta(minutes=60))
    assert seen == [id_ for (id_,) in first]


async def test_reading_the_trail_is_written_under_whom_it_was_about_and_never_with_a_number(house: House) -> None:
    await house.flag()
    person = await house.value("SELECT id FROM persons")
    await searched(house, agent="x")
    await searched(house, number=CHILD, agent="x")
    await searched(house, number=UNKNOWN_CHILD)
    written = await house.rows(
        "SELECT actor_name, subject_type, subject_id, detail FROM audit_events WHERE action = 'accesses.review' ORDER BY id"
    )
    assert [(name, subject, detail["by"]) for name, subject, _, detail in written] == [
        ("Iggy Lead", "accesses", "agent"),
        ("Iggy Lead", "person", "patient agent"),
        ("Iggy Lead", "number-hash", "patient"),
    ]
    assert written[1][2] == str(person)
    assert not any(number in str(row) for row in written for number in (CHILD, UNKNOWN_CHILD))
    assert actions(await searched(house, number=UNKNOWN_CHILD)) == ["accesses.review"]
