"""Somebody said "wrong child": an incident opens, who saw the child is read, it is settled by who may. Refusals first."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from domain.actor import Actor, ActorKind, Role
from domain.alert import CodedAnswer, Reply
from domain.errors import Conflict, InvalidInput, NotFound
from safeguarding.telling.incidents import Incident, Outcome, is_disputed, read_incident, read_incidents, seen_by, settle_incident
from tests.safeguarding.house import House
from tests.safeguarding.telling.test_replies import ANN, CARLA, acknowledge, an_alert, answer, opened

DORA = Actor(ActorKind.PERSON, "sub-dora", "Dora Lindqvist", "301", Role.DATA_OFFICER.value)
NADIA = Actor(ActorKind.PERSON, "sub-nadia", "Nadia Brook", "R0A", Role.SITE_SAFEGUARDING.value)
IGGY = Actor(ActorKind.PERSON, "sub-iggy", "Iggy Marlowe", "nightlight", Role.INFORMATION_GOVERNANCE.value)
WHO_SEE = [DORA, NADIA, IGGY]
STRANGERS = [
    ANN, CARLA, replace(DORA, organisation="302"), replace(NADIA, organisation="R0B"),
    replace(IGGY, kind=ActorKind.OPERATOR, role=""),
]  # fmt: skip


async def listed(house: House, who: Actor) -> list[Incident]:
    async with house.database.transaction() as transaction:
        return await read_incidents(transaction, who)


async def an_incident(house: House, text: str = "Ann was at school", *, sensitive: bool = False) -> tuple[UUID, UUID, UUID]:
    """The encounter, the alert and the incident that a social worker's answer opened."""
    encounter, alert = await an_alert(house, sensitive=sensitive)
    await opened(house, encounter)
    await acknowledge(house, alert, CodedAnswer.WRONG_CHILD, text)
    return encounter, alert, await house.value("SELECT id FROM identity_incidents")


async def settle(house: House, who: Actor, incident: UUID, words: str = "Rang the ward: it was her") -> str:
    async with house.database.transaction() as transaction:
        return await settle_incident(transaction, who, incident, Outcome.RIGHT_CHILD, words)


async def disputed(house: House, encounter: UUID | None, *persons: UUID) -> bool:
    async with house.database.transaction() as transaction:
        return await is_disputed(transaction, encounter, persons)


@pytest.mark.parametrize("who", STRANGERS, ids=lambda who: f"{who.role or who.kind} of {who.organisation}")
async def test_all_others_see_none_and_settle_none(house: House, who: Actor) -> None:
    _, _, incident = await an_incident(house)
    assert await listed(house, who) == []
    with pytest.raises(NotFound):
        async with house.database.transaction() as transaction:
            await read_incident(transaction, who, incident)
    with pytest.raises(NotFound):
        await settle(house, who, incident)
    assert await house.value("SELECT state FROM identity_incidents") == "open"


async def test_an_incident_that_is_not_there_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await settle(house, DORA, uuid4())


@pytest.mark.parametrize("words", ["", "  x ", "x" * 501, "no\x00text"])
async def test_nothing_is_settled_without_words_that_say_how_one_knows(house: House, words: str) -> None:
    _, _, incident = await an_incident(house)
    with pytest.raises(InvalidInput):
        await settle(house, DORA, incident, words)


async def test_a_second_person_cannot_settle_it_again(house: House) -> None:
    _, _, incident = await an_incident(house)
    await settle(house, DORA, incident)
    with pytest.raises(Conflict):
        await settle(house, NADIA, incident)
    assert await house.value("SELECT settled_by FROM identity_incidents") == "Dora Lindqvist"


@pytest.mark.parametrize("coded", [each for each in CodedAnswer if each is not CodedAnswer.WRONG_CHILD])
async def test_no_other_answer_opens_one(house: House, coded: CodedAnswer) -> None:
    _, alert = await an_alert(house)
    await acknowledge(house, alert, coded)
    assert await house.rows("SELECT 1 FROM identity_incidents") == []


async def test_either_side_opens_one_and_one_alone_is_open_for_an_alert(house: House) -> None:
    encounter, alert, incident = await an_incident(house)
    await answer(house, encounter, alert, Reply.WRONG_CHILD, "The wristband is another's", read=1)
    assert await house.rows("SELECT opened_by, opened_by_role, words FROM identity_incidents") == [
        ("Ann Ash", "social-worker", "Ann was at school")
    ]
    await settle(house, DORA, incident)
    await answer(house, encounter, alert, Reply.WRONG_CHILD, "Still another's", read=2)
    assert await house.rows("SELECT opened_by, state FROM identity_incidents ORDER BY opened_at") == [
        ("Ann Ash", "settled"), ("Carla Okafor", "open"),
    ]  # fmt: skip


async def test_the_flag_is_as_it_was_and_the_identity_is_in_doubt_until_it_is_settled(house: House) -> None:
    encounter, _, incident = await an_incident(house)
    person = await house.value("SELECT id FROM persons")
    assert await house.rows("SELECT deleted_on, withdrawn_at, end_date FROM flags") == [(None, None, None)]
    assert await disputed(house, encounter)
    assert await disputed(house, uuid4(), person)
    assert not await disputed(house, uuid4(), uuid4())
    assert not await disputed(house, None)
    assert await settle(house, NADIA, incident) == "301"
    assert not await disputed(house, encounter, person)
    assert [each.outcome_words for each in await listed(house, IGGY)] == ["It was the right child"]


@pytest.mark.parametrize("who", WHO_SEE, ids=lambda who: who.role)
async def test_each_who_may_sees_it_and_the_child_is_named_to_its_authority_alone(house: House, who: Actor) -> None:
    await an_incident(house)
    (incident,) = await listed(house, who)
    assert (incident.authority, incident.reference, incident.words) == ("Ambershire", "V1", "Ann was at school")
    assert bool(incident.nhs_number or incident.family_name or incident.birth_date) is (who is DORA)
    assert await house.value("SELECT detail FROM audit_events WHERE action = 'incidents.view'") == {"incidents": 1}


async def test_of_a_sensitive_record_the_hospital_learns_neither_authority_nor_staff(house: House) -> None:
    await an_incident(house, "Ann is at our Ambershire unit", sensitive=True)
    for who, is_masked in ((NADIA, True), (DORA, False)):
        (incident,) = await listed(house, who)
        async with house.database.transaction() as transaction:
            seen = await seen_by(transaction, who, incident)
        assert ("Ambershire" not in f"{incident} {seen}" and "Ann" not in f"{incident} {seen}") is is_masked


async def test_who_saw_it_is_read_from_the_looks_and_the_trail(house: House) -> None:
    await an_incident(house)
    (incident,) = await listed(house, DORA)
    async with house.database.transaction() as transaction:
        seen = await seen_by(transaction, DORA, incident)
    assert {(each.who, each.what, each.organisation) for each in seen} >= {
        ("Ann Ash", "Acknowledged the alert", "Ambershire"), ("Carla Okafor", "Opened the details on the banner", "Royal Amber"),
    }  # fmt: skip


async def test_opening_and_settling_are_in_the_audit_trail_of_the_alert(house: House) -> None:
    _, alert, incident = await an_incident(house)
    await settle(house, DORA, incident)
    found = await house.rows(
        """
        SELECT actor_name, action, detail->>'outcome' FROM audit_events
        WHERE subject_id = %s AND action LIKE 'incident.%%' ORDER BY id
        """,
        str(alert),
    )
    assert found == [("Ann Ash", "incident.open", None), ("Dora Lindqvist", "incident.settle", "right-child")]
