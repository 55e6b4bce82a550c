"""Who deals with an alert, and what is written into its history: refusals first."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from alerts.answering import acknowledge
from alerts.writing import hold, release, reply, take
from domain.actor import Actor, ActorKind, Role
from domain.alert import LONGEST_TEXT, AlertEvent, ChannelName, CodedAnswer, Reply
from domain.errors import Conflict, InvalidInput, NotFound
from runtime.database import Database
from tests.alerts.store import AT, AUTHORITY, ORGANISATION, deliveries, raise_one, rows, tell_of

LATER = AT + timedelta(minutes=20)
ANN, BEN = (Actor(ActorKind.PERSON, f"sub-{name}", f"{name} Ash", AUTHORITY, Role.SOCIAL_WORKER.value) for name in ("Ann", "Ben"))
CARLA = Actor(ActorKind.PERSON, "sub-carla", "Carla Okafor", ORGANISATION, Role.CLINICIAN.value)


async def taken(database: Database) -> tuple[object, ...]:
    (row,) = await rows(database, "SELECT taken_by_id, taken_by, taken_at, state FROM alerts")
    return row


async def taking(database: Database, alert_id: UUID, actor: Actor, authority: str = AUTHORITY) -> bool:
    async with database.transaction() as transaction:
        return await take(transaction, alert_id, authority, actor, LATER)


async def releasing(database: Database, alert_id: UUID, actor: Actor) -> None:
    async with database.transaction() as transaction:
        await release(transaction, alert_id, AUTHORITY, actor, LATER)


async def replying(database: Database, alert_id: UUID, said: Reply = Reply.DISCHARGED, text: str = "") -> None:
    async with database.transaction() as transaction:
        await reply(transaction, alert_id, await hold(transaction, alert_id), CARLA, said, text, LATER)


async def test_an_alert_of_another_authority_cannot_be_taken_and_is_the_same_as_none(database: Database) -> None:
    raised = await raise_one(database)
    with pytest.raises(NotFound) as theirs:
        await taking(database, raised.id, ANN, "B902")
    with pytest.raises(NotFound) as nobodys:
        await taking(database, uuid4(), ANN)
    assert str(theirs.value) == str(nobodys.value)
    assert await taken(database) == (None, None, None, "raised")


async def test_a_closed_alert_cannot_be_taken(database: Database) -> None:
    raised = await raise_one(database)
    async with database.transaction() as transaction:
        await tell_of(transaction, raised.encounter_id, AlertEvent.CANCEL, AT, "Brannoc PAS")
        await acknowledge(transaction, raised.id, AUTHORITY, BEN, CodedAnswer.KNOWN, "", AT)
    with pytest.raises(Conflict):
        await taking(database, raised.id, ANN)


async def test_only_who_took_an_alert_lets_it_go(database: Database) -> None:
    raised = await raise_one(database)
    with pytest.raises(Conflict):
        await releasing(database, raised.id, ANN)
    await taking(database, raised.id, ANN)
    with pytest.raises(Conflict):
        await releasing(database, raised.id, BEN)
    assert (await taken(database))[1] == "Ann Ash"


async def test_taking_is_not_acknowledging(database: Database) -> None:
    raised = await raise_one(database)
    assert await taking(database, raised.id, ANN)
    assert await taken(database) == ("sub-Ann", "Ann Ash", LATER, "raised")
    assert await rows(database, "SELECT acknowledged_at, changed_at FROM alerts") == [(None, LATER)]


async def test_another_takes_it_over_and_every_step_is_on_record(database: Database) -> None:
    raised = await raise_one(database)
    await taking(database, raised.id, ANN)
    assert not await taking(database, raised.id, ANN)
    await taking(database, raised.id, BEN)
    await releasing(database, raised.id, BEN)
    assert (await taken(database))[:3] == (None, None, None)
    history = await rows(database, "SELECT event, actor_name, actor_role FROM alert_events WHERE event <> 'raise' ORDER BY id")
    assert history == [
        ("take", "Ann Ash", "social-worker"), ("take", "Ben Ash", "social-worker"), ("release", "Ben Ash", "social-worker"),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["x" * (LONGEST_TEXT + 1), "no\x00text"], ids=["too long", "no text"])
async def test_a_reply_that_cannot_be_kept_is_refused_and_changes_nothing(database: Database, text: str) -> None:
    raised = await raise_one(database)
    with pytest.raises(InvalidInput):
        await replying(database, raised.id, text=text)
    assert await rows(database, "SELECT 1 FROM alert_events WHERE event = 'reply'") == []


async def test_replies_are_in_the_history_and_tell_open_screens_alone(database: Database) -> None:
    raised = await raise_one(database)
    before = len(await deliveries(database))
    await replying(database, raised.id, Reply.DISCHARGED, "Home with her grandmother")
    await replying(database, raised.id, Reply.DISCHARGED)
    history = await rows(
        database,
        "SELECT actor_name, actor_role, organisation, answer, answer_text FROM alert_events WHERE event = 'reply' ORDER BY id",
    )
    assert history == [
        ("Carla Okafor", "clinician", ORGANISATION, "discharged", "Home with her grandmother"),
        ("Carla Okafor", "clinician", ORGANISATION, "discharged", ""),
    ]
    new = (await deliveries(database))[before:]
    assert [(line.notice, line.channel) for line in new] == [("reply", ChannelName.SCREEN), ("reply 2", ChannelName.SCREEN)]
    assert await rows(database, "SELECT state, changed_at FROM alerts") == [("raised", LATER)]
