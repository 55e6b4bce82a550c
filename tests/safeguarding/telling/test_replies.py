"""A clinician answers back, a social worker takes an alert: refusals first, then who hears of it and what is on record."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from domain.actor import Actor, ActorKind, Role
from domain.alert import CodedAnswer, Reply
from domain.encounter import TriggerEvent
from domain.errors import Conflict, InvalidInput, NightlightError, NotAllowed, NotFound
from runtime.clock import now
from safeguarding.answering import acknowledge_alert
from safeguarding.telling.conversation import read_conversation
from safeguarding.telling.replies import answer_back, release_alert, take_alert
from tests.safeguarding.house import House

CARLA = Actor(ActorKind.PERSON, "sub-carla", "Carla Okafor", "R0A", Role.CLINICIAN.value)
ANN = Actor(ActorKind.PERSON, "sub-ann", "Ann Ash", "301", Role.SOCIAL_WORKER.value)


async def an_alert(house: House, *, sensitive: bool = False) -> tuple[UUID, UUID]:
    """A child of 301 is at R0A01: the encounter and the alert."""
    await house.flag(sensitive=sensitive)
    encounter = (await house.ask()).outcome.encounter_id
    assert encounter is not None
    return encounter, await house.value("SELECT id FROM alerts WHERE authority_code = '301'")


async def opened(house: House, encounter: UUID, who: Actor = CARLA) -> None:
    """The person opens the details of the banner."""
    await house.ask(actor=who, trigger=TriggerEvent.BANNER, encounter_id=encounter, silent=True, visit_number="", at=now())


async def answer(
    house: House, encounter: UUID, alert: UUID, said: Reply, text: str = "", *, who: Actor = CARLA, read: int = 0
) -> str:
    async with house.database.transaction() as transaction:
        return await answer_back(transaction, await house.directory.current(), who, encounter, alert, said, text, read)


async def acknowledge(house: House, alert: UUID, coded: CodedAnswer = CodedAnswer.KNOWN, text: str = "") -> None:
    async with house.database.transaction() as transaction:
        await acknowledge_alert(transaction, ANN, "301", alert, coded, text)


async def nothing_was_said(house: House) -> bool:
    return await house.rows("SELECT 1 FROM alert_events WHERE event = 'reply'") == []


@pytest.mark.parametrize(
    "who",
    [
        replace(CARLA, organisation="R0B"),
        replace(CARLA, role="registration"),
        replace(CARLA, role=Role.SITE_SAFEGUARDING.value),
        replace(CARLA, role=Role.INFORMATION_GOVERNANCE.value),
        replace(CARLA, kind=ActorKind.OPERATOR, role="", organisation="nightlight"),
        replace(CARLA, role=Role.SOCIAL_WORKER.value, organisation="301"),
        replace(CARLA, role=Role.SOCIAL_WORKER.value, organisation="302"),
    ],
    ids=["other organisation", "registration", "site safeguarding", "governance", "operator", "its authority", "other authority"],
)
async def test_for_all_others_there_is_no_alert_to_answer(house: House, who: Actor) -> None:
    encounter, alert = await an_alert(house)
    await opened(house, encounter, who)
    with pytest.raises(NotFound):
        await answer(house, encounter, alert, Reply.DISCHARGED, who=who)
    assert await nothing_was_said(house)


async def test_who_has_not_opened_the_details_cannot_answer(house: House) -> None:
    encounter, alert = await an_alert(house)
    await opened(house, encounter, replace(CARLA, id="sub-another"))
    with pytest.raises(NotAllowed):
        await answer(house, encounter, alert, Reply.DISCHARGED)
    assert await nothing_was_said(house)


async def test_an_alert_is_answered_in_its_own_encounter_alone(house: House) -> None:
    encounter, alert = await an_alert(house)
    await opened(house, encounter)
    for where, what in ((uuid4(), alert), (encounter, uuid4())):
        with pytest.raises(NotFound):
            await answer(house, where, what, Reply.DISCHARGED)


async def test_an_alert_that_was_taken_back_has_nobody_to_answer(house: House) -> None:
    encounter, alert = await an_alert(house)
    await opened(house, encounter)
    await house.ask(trigger=TriggerEvent.CANCEL_ADMIT, minutes=1)
    with pytest.raises(Conflict):
        await answer(house, encounter, alert, Reply.PLEASE_RING)
    assert await nothing_was_said(house)


async def test_who_has_not_read_the_last_line_is_asked_to_read_it_first(house: House) -> None:
    encounter, alert = await an_alert(house)
    await opened(house, encounter)
    await acknowledge(house, alert, CodedAnswer.SPEAK_FIRST)
    with pytest.raises(Conflict):
        await answer(house, encounter, alert, Reply.DISCHARGED, read=0)
    assert await nothing_was_said(house)
    await answer(house, encounter, alert, Reply.DISCHARGED, read=1)
    with pytest.raises(Conflict):  # the same form a second time
        await answer(house, encounter, alert, Reply.DISCHARGED, read=1)


async def test_a_text_that_is_too_long_changes_nothing(house: House) -> None:
    encounter, alert = await an_alert(house)
    await opened(house, encounter)
    with pytest.raises(InvalidInput):
        await answer(house, encounter, alert, Reply.LEFT, "x" * 501)
    assert await nothing_was_said(house)
    assert await house.value("SELECT occasion FROM alerts") == "attendance"


async def test_discharged_is_for_the_screens_and_asks_nobody_again(house: House) -> None:
    encounter, alert = await an_alert(house)
    await opened(house, encounter)
    await acknowledge(house, alert)
    assert await answer(house, encounter, alert, Reply.DISCHARGED, "Home with grandmother", read=1) == "301"
    assert await house.rows("SELECT state, occasion, next_step_at FROM alerts") == [("acknowledged", "attendance", None)]
    assert await house.rows("SELECT channel FROM deliveries WHERE notice = 'reply'") == [("screen",)]


@pytest.mark.parametrize(
    "said, occasion, notice",
    [
        (Reply.PLEASE_RING, "asked", "ask"), (Reply.LEFT, "left-before-seen", "left-before-seen"),
        (Reply.WRONG_CHILD, "asked", "ask"),
    ],
)  # fmt: skip
async def test_what_somebody_must_act_on_reopens_the_alert_and_begins_its_line_anew(
    house: House, said: Reply, occasion: str, notice: str
) -> None:
    encounter, alert = await an_alert(house)
    await opened(house, encounter)
    await acknowledge(house, alert)
    before = await house.value("SELECT began_at FROM alerts")
    await answer(house, encounter, alert, said, "On 01632 960999", read=1)
    [(state, now_of, began)] = await house.rows("SELECT state, occasion, began_at FROM alerts")
    assert (state, now_of) == ("raised", occasion)
    assert began > before
    told = await house.rows("SELECT channel, recipient FROM deliveries WHERE notice = %s ORDER BY channel", notice)
    assert told == [("email", "team@301.example"), ("screen", "301")]


async def test_the_words_are_nowhere_but_in_the_history(house: House) -> None:
    encounter, alert = await an_alert(house)
    await opened(house, encounter)
    await answer(house, encounter, alert, Reply.PLEASE_RING, "Grandmother Zebra")
    [(event,)] = await house.rows("SELECT answer_text FROM alert_events WHERE event = 'reply'")
    assert event == "Grandmother Zebra"
    for table in ("deliveries", "audit_events", "attempts", "alerts"):
        assert await house.rows(f"SELECT 1 FROM {table} AS t WHERE t::text LIKE '%%Zebra%%'") == []
    assert await house.rows("SELECT actor_name, detail FROM audit_events WHERE action = 'alert.reply'") == [
        ("Carla Okafor", {"reply": "please-ring"})
    ]


async def test_both_sides_read_one_history_with_who_said_what_for_whom(house: House) -> None:
    encounter, alert = await an_alert(house)
    await opened(house, encounter)
    async with house.database.transaction() as transaction:
        await take_alert(transaction, ANN, "301", alert)
    await acknowledge(house, alert, CodedAnswer.SPEAK_FIRST, "Ring 01632 960301")
    await answer(house, encounter, alert, Reply.DISCHARGED, "Sorry, gone", read=1)
    async with house.database.transaction() as transaction:
        history = await read_conversation(transaction, alert)
    assert [(said.side, said.who, said.words) for said in history] == [
        ("nightlight", "Nightlight", "Told that the child was seen"),
        ("authority", "Ann Ash", "Took the alert"),
        ("authority", "Ann Ash", "Please speak to us before discharge"),
        ("hospital", "Carla Okafor", "Discharged"),
    ]
    thread = [(said.organisation, said.role, said.text) for said in history if said.is_written]
    assert thread == [("Ambershire", "social-worker", "Ring 01632 960301"), ("Royal Amber", "clinician", "Sorry, gone")]


async def test_each_authority_is_answered_in_its_own_thread(house: House) -> None:
    await house.flag(authority="302", kind="LAC")
    encounter, _ = await an_alert(house)
    await opened(house, encounter)
    [(theirs,)] = await house.rows("SELECT id FROM alerts WHERE authority_code = '302'")
    assert await answer(house, encounter, theirs, Reply.PLEASE_RING) == "302"
    assert await house.rows("SELECT authority_code, occasion FROM alerts ORDER BY 1") == [("301", "attendance"), ("302", "asked")]


async def test_taking_and_letting_go_are_on_record(house: House) -> None:
    _, alert = await an_alert(house)
    for use_case in (take_alert, release_alert):
        with pytest.raises(NightlightError):
            async with house.database.transaction() as transaction:
                await use_case(transaction, replace(ANN, organisation="302"), "302", alert)
        async with house.database.transaction() as transaction:
            await use_case(transaction, ANN, "301", alert)
    actions = await house.rows("SELECT action, actor_name FROM audit_events WHERE subject_type = 'alert' ORDER BY id")
    assert actions == [("alert.take", "Ann Ash"), ("alert.release", "Ann Ash")]
