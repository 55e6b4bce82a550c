"""A social worker answers: refusals first, then what is written down."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from alerts.answering import acknowledge
from domain.actor import Actor, ActorKind, Role
from domain.alert import LONGEST_TEXT, AlertEvent, CodedAnswer
from domain.errors import InvalidInput, NotFound
from runtime.database import Database
from tests.alerts.store import AT, AUTHORITY, execute, raise_one, rows, tell_of

LATER = AT + timedelta(minutes=20)
SAM = Actor(ActorKind.PERSON, "sub-sam", "Sam Ortega", AUTHORITY, Role.SOCIAL_WORKER.value)


async def answer(
    database: Database, alert_id: UUID, text: str = "", authority: str = AUTHORITY, coded: CodedAnswer = CodedAnswer.KNOWN
) -> UUID:
    async with database.transaction() as transaction:
        return await acknowledge(transaction, alert_id, authority, SAM, coded, text, LATER)


async def written(database: Database) -> tuple[object, ...]:
    (row,) = await rows(database, "SELECT state, acknowledged_by, acknowledged_at, answer, answer_text FROM alerts")
    return row


@pytest.mark.parametrize("text", ["x" * (LONGEST_TEXT + 1), "no\x00text"], ids=["too long", "no text"])
async def test_a_text_that_cannot_be_kept_is_refused_and_changes_nothing(database: Database, text: str) -> None:
    raised = await raise_one(database)
    with pytest.raises(InvalidInput):
        await answer(database, raised.id, text)
    assert await written(database) == ("raised", None, None, None, "")


async def test_an_alert_of_another_authority_is_the_same_as_none(database: Database) -> None:
    raised = await raise_one(database)
    with pytest.raises(NotFound) as theirs:
        await answer(database, raised.id, authority="B902")
    with pytest.raises(NotFound) as nobodys:
        await answer(database, uuid4())
    assert str(theirs.value) == str(nobodys.value)
    assert await written(database) == ("raised", None, None, None, "")


@pytest.mark.parametrize("coded", CodedAnswer)
async def test_the_alert_says_who_read_it_when_and_the_answer(database: Database, coded: CodedAnswer) -> None:
    raised = await raise_one(database)
    assert await answer(database, raised.id, "Ring 555 0101", coded=coded) == raised.encounter_id
    assert await written(database) == ("acknowledged", "Sam Ortega", LATER, coded.value, "Ring 555 0101")


async def test_the_longest_text_is_kept_whole(database: Database) -> None:
    raised = await raise_one(database)
    await answer(database, raised.id, "é" * LONGEST_TEXT)
    assert (await written(database))[4] == "é" * LONGEST_TEXT


async def test_a_later_answer_replaces_the_shown_one_and_both_stay_in_the_history(database: Database) -> None:
    raised = await raise_one(database)
    await answer(database, raised.id, "first", coded=CodedAnswer.WILL_RING)
    await answer(database, raised.id, "second", coded=CodedAnswer.NO_ACTION)
    assert (await written(database))[3:] == ("no-action", "second")
    history = await rows(database, "SELECT event, answer, answer_text FROM alert_events ORDER BY id")
    assert history[1:] == [("acknowledge", "will-ring", "first"), ("acknowledge", "no-action", "second")]


async def test_leaving_before_being_seen_reopens_an_answered_alert(database: Database) -> None:
    raised = await raise_one(database)
    await answer(database, raised.id)
    async with database.transaction() as transaction:
        await tell_of(transaction, raised.encounter_id, AlertEvent.LEFT_BEFORE_SEEN, LATER, "Brannoc PAS")
    assert (await written(database))[0] == "raised"


async def test_a_cancelled_arrival_stays_until_somebody_has_read_it(database: Database) -> None:
    raised = await raise_one(database)
    async with database.transaction() as transaction:
        await tell_of(transaction, raised.encounter_id, AlertEvent.CANCEL, AT, "Brannoc PAS")
    assert (await written(database))[0] == "retracted"
    await answer(database, raised.id)
    assert (await written(database))[0] == "closed"


async def test_the_history_says_who_answered_in_which_role_and_for_whom(database: Database) -> None:
    raised = await raise_one(database)
    await answer(database, raised.id, "Ring 555 0101", coded=CodedAnswer.WILL_RING)
    history = await rows(
        database, "SELECT actor_id, actor_name, actor_role, organisation, answer, answer_text FROM alert_events WHERE event = %s",
        AlertEvent.ACKNOWLEDGE.value,
    )  # fmt: skip
    assert history == [("sub-sam", "Sam Ortega", "social-worker", AUTHORITY, "will-ring", "Ring 555 0101")]


async def test_an_answer_ends_the_alerts_line(database: Database) -> None:
    raised = await raise_one(database)
    await execute(database, "UPDATE alerts SET next_step_at = now()")
    await answer(database, raised.id)
    assert await rows(database, "SELECT next_step_at FROM alerts") == [(None,)]
