"""What a site that is not live does to the answers of the real desk: nobody is told, and none of them reads "none known"."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.answer import Caution, CouldNotCheck, CouldNotCheckReason, Flagged, NoneKnown, Recorded
from domain.encounter import TriggerEvent
from domain.nhs_number import NhsNumber
from safeguarding.onboarding.states import State
from tests.safeguarding.house import CHILD, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD, House, check
from tests.safeguarding.onboarding.road import AUTHORITY, SITE, put

NOT_LIVE = [State.SETTING_UP, State.TRIAL, State.PAUSED]
STATES = pytest.mark.parametrize("state", NOT_LIVE, ids=[state.value for state in NOT_LIVE])
LOOKUP: dict[str, Any] = {"trigger": TriggerEvent.LOOKUP, "visit_number": ""}


async def stand(house: House, state: State) -> None:
    await put(house, SITE, state.value)
    house.directory.forget()


async def told(house: House) -> tuple[int, int, int]:
    """Alerts, accesses in the shared history, accesses at all."""
    return (
        await house.value("SELECT count(*) FROM alerts"),
        await house.value("SELECT count(*) FROM accesses WHERE in_history"),
        await house.value("SELECT count(*) FROM accesses"),
    )


@STATES
@pytest.mark.parametrize("asked", [{}, LOOKUP], ids=["arrival", "lookup"])
async def test_nobody_is_told_and_no_history_is_written_and_every_look_is_audited(
    house: House, state: State, asked: dict[str, Any]
) -> None:
    await house.flag()
    await stand(house, state)
    reply = await house.ask(**asked)
    assert (reply.alerts, reply.told, house.nudged) == ((), 0, [])
    assert await told(house) == (0, 0, 1)


@STATES
@pytest.mark.parametrize("asked", [{}, LOOKUP], ids=["arrival", "lookup"])
async def test_no_answer_reads_as_none_known_without_saying_that_the_site_is_not_live(
    house: House, state: State, asked: dict[str, Any]
) -> None:
    await stand(house, state)
    outcome = (await house.ask(number=UNKNOWN_CHILD, **asked)).outcome
    if state is State.TRIAL:
        assert isinstance(outcome, NoneKnown)
        assert Caution.SITE_ON_TRIAL in outcome.cautions
    else:
        assert isinstance(outcome, CouldNotCheck)
        assert outcome.reason is CouldNotCheckReason.SITE_NOT_LIVE


@pytest.mark.parametrize("state,caution", [(State.TRIAL, Caution.SITE_ON_TRIAL), (State.PAUSED, Caution.SITE_PAUSED)])
async def test_a_known_child_is_shown_on_trial_and_while_paused_with_the_word_that_nobody_is_told(
    house: House, state: State, caution: Caution
) -> None:
    await house.flag()
    await stand(house, state)
    outcome = (await house.ask()).outcome
    assert isinstance(outcome, Flagged)
    assert caution in outcome.cautions
    assert "nobody is told of this visit" in caution.words


async def test_a_site_that_is_setting_up_hears_nothing_of_a_known_child_and_leaves_no_number_behind(house: House) -> None:
    await house.flag()
    await stand(house, State.SETTING_UP)
    outcome = (await house.ask(local="L1")).outcome
    assert isinstance(outcome, CouldNotCheck)
    assert await house.rows("SELECT nhs_number, local_number, test FROM encounters") == [(None, None, True)]
    assert await house.rows("SELECT person_id, number_hash FROM accesses") == [(None, None)]


async def test_an_encounter_of_better_days_says_nothing_where_the_site_is_set_up_anew(house: House) -> None:
    await house.flag()
    seen = (await house.ask()).outcome
    assert isinstance(seen, Flagged)
    await stand(house, State.SETTING_UP)
    looked = (await house.ask(trigger=TriggerEvent.BANNER, encounter_id=seen.encounter_id, minutes=1)).outcome
    assert isinstance(looked, CouldNotCheck)
    assert looked.encounter_id == seen.encounter_id


@STATES
async def test_what_such_a_site_says_of_two_numbers_joins_nobody(house: House, state: State) -> None:
    await house.flag()
    await stand(house, state)
    prior = (await house.desk.ask(_merge())).outcome
    assert not isinstance(prior, Flagged)
    assert await house.rows("SELECT 1 FROM person_aliases") == []


def _merge() -> Any:
    merged = check(trigger=TriggerEvent.MERGE, number=OTHER_CHILD, visit_number="")
    return replace(merged, prior=replace(merged.identity, nhs_number=CHILD))


@STATES
async def test_a_mother_named_by_such_a_site_links_no_baby(house: House, state: State) -> None:
    await house.flag(UNKNOWN_CHILD, kind="UCPP", expected_delivery_date=SEEN_AT.date())
    await stand(house, state)
    await house.ask(number=CHILD, mother=NhsNumber(UNKNOWN_CHILD), birth_date=SEEN_AT.date(), trigger=TriggerEvent.ADMIT)
    assert await house.rows("SELECT 1 FROM newborn_links") == []


@STATES
async def test_once_it_is_live_the_next_message_of_the_visit_is_about_real_care_and_tells(house: House, state: State) -> None:
    await house.flag()
    await stand(house, state)
    await house.ask()
    await stand(house, State.LIVE)
    reply = await house.ask(trigger=TriggerEvent.UPDATE, minutes=5)
    assert isinstance(reply.outcome, Flagged)
    assert len(reply.alerts) == 1
    assert await house.rows("SELECT test FROM encounters ORDER BY recorded_at") == [(True,), (False,)]


@STATES
async def test_a_discharge_there_is_recorded_and_calls_for_no_check(house: House, state: State) -> None:
    await stand(house, state)
    await house.ask()
    reply = await house.ask(trigger=TriggerEvent.DISCHARGE, minutes=5)
    assert isinstance(reply.outcome, Recorded)


async def test_another_site_is_answered_as_ever(house: House) -> None:
    await house.flag()
    await stand(house, State.SETTING_UP)
    reply = await house.ask(site="R0A02", at=SEEN_AT + timedelta(minutes=1))
    assert isinstance(reply.outcome, Flagged)
    assert len(reply.alerts) == 1


# An authority on trial, by the same desk


@pytest.mark.parametrize("state", ["setting-up", "trial"])
async def test_flags_of_an_authority_on_trial_load_and_are_shown_to_nobody_and_it_is_not_counted_as_checked(
    house: House, state: str
) -> None:
    await house.flag()
    await put(house, AUTHORITY, state)
    house.directory.forget()
    reply = await house.ask()
    assert isinstance(reply.outcome, NoneKnown)
    assert [feed.authority_code for feed in reply.outcome.coverage.feeds] == ["302"]
    assert reply.alerts == ()
    assert await house.value("SELECT count(*) FROM flags") == 1


async def test_flags_of_a_paused_authority_are_shown_and_the_answer_is_not_fully_checked(house: House) -> None:
    await house.flag()
    await put(house, AUTHORITY, "paused")
    house.directory.forget()
    outcome = (await house.ask()).outcome
    assert isinstance(outcome, Flagged)
    assert not outcome.coverage.fully_checked
