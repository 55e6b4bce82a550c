"""A newborn is found by the plan that its mother held, until somebody has resolved it. Refusals first."""

from datetime import date, timedelta
from typing import Any

import pytest

from domain.answer import Caution, CouldNotCheck, Flagged, NoneKnown
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from domain.flag import NewbornResolution
from domain.nhs_number import NhsNumber
from flags_store.newborns import resolve_newborn
from runtime.clock import now
from safeguarding.answering import resolve_newborn_of
from safeguarding.check import Check
from safeguarding.sweep import sweep_due
from tests.safeguarding.house import FEED, KEY, OPERATOR, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD, House, check

MOTHER = NhsNumber("9990000042")
BABY, TWIN = OTHER_CHILD, UNKNOWN_CHILD
BORN = SEEN_AT.date()
PLAN_SINCE = BORN - timedelta(days=120)
LINKS = "SELECT count(*) FROM newborn_links"
REASONS = "SELECT authority_code, reason FROM alerts ORDER BY raised_at, id"


def baby(**changes: Any) -> Check:
    """A birth as the maternity system tells it: A28, the baby's new number, and its mother's."""
    values = {
        "trigger": TriggerEvent.ADD_PERSON, "number": BABY, "mother": MOTHER, "family_name": "Baby of Harding", "birth_date": BORN,
        "visit_number": "", "local": "B1",
    }  # fmt: skip
    return check(**{**values, **changes})


async def ask(house: House, **changes: Any) -> Any:
    return (await house.desk.ask(baby(**changes))).outcome


async def unborn_plan(house: House, authority: str = "301", **columns: Any) -> Any:
    return await house.flag(MOTHER, authority, "UCPP", **{"start_date": PLAN_SINCE, "family_name": "Harding", **columns})


@pytest.mark.parametrize(
    "columns",
    [
        {"end_date": BORN - timedelta(days=30)},
        {"expected_delivery_date": BORN - timedelta(days=29)},
        {"start_date": BORN - timedelta(days=309)},
        {"start_date": BORN + timedelta(days=1)},
    ],
    ids=["the pregnancy had ended", "the plan had run out", "a plan without a due date had run out", "the plan began afterwards"],
)
async def test_a_birth_outside_the_plan_is_not_linked(house: House, columns: dict[str, Any]) -> None:
    await unborn_plan(house, **columns)
    assert isinstance(await ask(house), NoneKnown)
    assert await house.value(LINKS) == 0


async def test_an_older_brother_is_not_taken_for_the_baby(house: House) -> None:
    await unborn_plan(house)
    outcome = await ask(house, birth_date=date(2020, 1, 1), trigger=TriggerEvent.REGISTER, visit_number="V7", family_name="Harding")
    assert isinstance(outcome, NoneKnown)
    assert await house.value("SELECT count(mother_number) FROM encounters") == 0


async def test_the_mothers_own_plan_as_a_child_is_not_her_babys(house: House) -> None:
    await house.flag(MOTHER, kind="CPP")
    assert isinstance(await ask(house), NoneKnown)


async def test_a_test_message_links_nobody(house: House) -> None:
    await unborn_plan(house)
    await ask(house, test=True)
    assert await house.value(LINKS) == 0
    assert await house.value("SELECT count(*) FROM alerts") == 0


async def test_a_birth_tells_the_authority_that_the_baby_is_born(house: House) -> None:
    await unborn_plan(house)
    outcome = await ask(house)
    assert isinstance(outcome, Flagged)
    assert Caution.NEWBORN in outcome.cautions
    assert Caution.DETAILS_DIFFER not in outcome.cautions, "the names that are held are the mother's"
    assert await house.rows(REASONS) == [("301", "newborn")]
    assert await house.rows("SELECT care_setting, state FROM encounters") == [(CareSetting.MATERNITY.value, "open")]
    assert await house.value("SELECT count(*) FROM audit_events WHERE action = 'newborn.link'") == 1


async def test_the_stay_that_follows_the_birth_is_told_of_once(house: House) -> None:
    await unborn_plan(house)
    await ask(house)
    await ask(house, trigger=TriggerEvent.ADMIT, visit_number="V8", minutes=5, care_setting=CareSetting.MATERNITY)
    await ask(house, minutes=9)
    assert await house.rows("SELECT encounter_key, reference FROM encounters") == [("visit V8", "V8")]
    assert await house.value("SELECT count(*) FROM alerts") == 1


async def test_a_birth_that_is_told_again_after_the_stay_does_no_harm(house: House) -> None:
    await unborn_plan(house)
    await ask(house)
    await ask(house, trigger=TriggerEvent.DISCHARGE, minutes=5)
    assert isinstance(await ask(house, minutes=6), Flagged)
    assert await house.value("SELECT count(*) FROM encounters") == 1
    assert await house.value("SELECT count(*) FROM alerts") == 1


HOUR = timedelta(hours=1)


async def stay(house: House, **changes: Any) -> None:
    """A stay of the baby that has ended before the message of its birth comes."""
    await ask(house, **{"trigger": TriggerEvent.ADMIT, "visit_number": "V8", "minutes": 5, **changes})
    await ask(house, **{"trigger": TriggerEvent.DISCHARGE, "visit_number": "V8", "minutes": 20, **changes})


@pytest.mark.parametrize(
    "changes",
    [{"event_at": SEEN_AT + HOUR}, {"number": TWIN, "local": "B2"}, {"test": True}],
    ids=["the stay was over", "a twin", "a test message"],
)
async def test_a_birth_that_is_not_of_the_ended_stay_leaves_it_alone(house: House, changes: dict[str, Any]) -> None:
    await stay(house)
    await ask(house, **{"event_at": SEEN_AT, **changes}, at=SEEN_AT + 2 * HOUR)
    assert await house.value("SELECT count(*) FROM encounters") == 2


async def test_a_birth_of_an_arrival_that_was_cancelled_is_an_arrival(house: House) -> None:
    await ask(house, trigger=TriggerEvent.ADMIT, visit_number="V8", minutes=5)
    await ask(house, trigger=TriggerEvent.CANCEL_ADMIT, visit_number="V8", minutes=20)
    await ask(house, event_at=SEEN_AT, minutes=30)
    assert await house.rows("SELECT state FROM encounters ORDER BY state") == [("cancelled",), ("open",)]


@pytest.mark.parametrize("known_by", [{"local": None}, {"number": None}, {}], ids=["NHS number", "hospital's number", "both"])
async def test_a_birth_that_comes_after_the_stay_has_ended_is_told_of_once(house: House, known_by: dict[str, Any]) -> None:
    await unborn_plan(house)
    await stay(house, **known_by)
    assert isinstance(await ask(house, event_at=SEEN_AT, minutes=30, **known_by), Flagged)
    assert await house.rows("SELECT encounter_key, state FROM encounters") == [("visit V8", "closed")]
    assert await house.value("SELECT count(*) FROM alerts") == 1


async def test_a_birth_that_comes_after_the_stay_links_the_baby_and_tells_whom_the_stay_did_not(house: House) -> None:
    await unborn_plan(house)
    await stay(house, mother=None)
    assert await house.value("SELECT count(*) FROM alerts") == 0
    assert isinstance(await ask(house, event_at=SEEN_AT, minutes=30), Flagged)
    assert await house.value("SELECT count(*) FROM encounters") == 1
    assert await house.rows(REASONS) == [("301", "newborn")]
    assert await house.value(LINKS) == 2


async def test_a_birth_that_comes_after_two_stays_belongs_to_the_first(house: House) -> None:
    await stay(house, mother=None)
    await ask(house, trigger=TriggerEvent.ADMIT, visit_number="V9", mother=None, at=SEEN_AT + 3 * HOUR)
    await ask(house, trigger=TriggerEvent.DISCHARGE, visit_number="V9", mother=None, at=SEEN_AT + 4 * HOUR)
    await ask(house, event_at=SEEN_AT, at=SEEN_AT + 5 * HOUR)
    assert await house.rows("SELECT reference, mother_number FROM encounters ORDER BY reference") == [("V8", MOTHER), ("V9", None)]


async def test_every_later_encounter_at_any_site_shows_and_alerts_long_after_the_plan_ran_out(house: House) -> None:
    flag = await unborn_plan(house, expected_delivery_date=BORN)
    await ask(house)
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE flags SET end_date = %s WHERE id = %s", (BORN, flag))
    later = await house.ask(
        number=BABY, site="R0A02", visit_number="V9", birth_date=BORN, family_name="Harding", at=SEEN_AT + timedelta(days=60)
    )
    assert isinstance(later.outcome, Flagged)
    assert later.outcome.is_current
    assert len(later.alerts) == 1


async def test_a_baby_without_a_number_is_found_by_the_hospitals_own_and_later_by_its_nhs_number(house: House) -> None:
    await unborn_plan(house)
    assert isinstance(await ask(house, number=None), Flagged), "it has no number, and is known all the same"
    elsewhere = {"number": BABY, "mother": None, "site": "R0A02", "local": None, "visit_number": "V9"}
    assert isinstance(await ask(house, **elsewhere, trigger=TriggerEvent.REGISTER, minutes=1), NoneKnown)
    assert isinstance(await ask(house, mother=None, trigger=TriggerEvent.UPDATE_PERSON, minutes=2), Flagged)
    assert isinstance(await ask(house, **elsewhere, trigger=TriggerEvent.UPDATE, minutes=3), Flagged)


async def test_without_a_plan_a_baby_without_a_number_could_not_be_checked(house: House) -> None:
    assert isinstance(await ask(house, number=None), CouldNotCheck)


async def test_twins_are_both_linked(house: House) -> None:
    await unborn_plan(house)
    assert isinstance(await ask(house), Flagged)
    assert isinstance(await ask(house, number=TWIN, local="B2"), Flagged)
    assert await house.value("SELECT count(*) FROM alerts") == 2


async def test_two_authorities_that_held_a_plan_are_both_told(house: House) -> None:
    await unborn_plan(house)
    await unborn_plan(house, "302")
    await ask(house)
    assert await house.rows("SELECT authority_code, reason FROM alerts ORDER BY 1") == [("301", "newborn"), ("302", "newborn")]


async def test_a_plan_that_arrives_after_the_birth_is_linked_by_the_sweep(house: House) -> None:
    assert isinstance(await ask(house), NoneKnown)
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE encounters SET arrived_at = now(), last_event_at = now()")
    await unborn_plan(house, start_date=now().date() - timedelta(days=20))
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE extracts SET sweep_due = true")
    _, raised = await sweep_due(house.database, house.directory, KEY)
    assert [alert.authority_code for alert in raised] == ["301"]
    assert isinstance(await ask(house, mother=None, trigger=TriggerEvent.LOOKUP, at=now()), Flagged)


async def test_the_babys_own_plan_takes_the_place_of_its_mothers(house: House) -> None:
    await unborn_plan(house)
    await ask(house)
    await house.flag(BABY, "301", "CPP", start_date=BORN, birth_date=BORN, family_name="Harding")
    outcome = await ask(house, trigger=TriggerEvent.UPDATE_PERSON, minutes=9, family_name="Harding")
    assert isinstance(outcome, Flagged)
    assert [shown.flag.kind for shown in outcome.flags] == ["CPP"]
    assert Caution.NEWBORN not in outcome.cautions


async def test_another_authoritys_plan_resolves_nothing(house: House) -> None:
    await unborn_plan(house)
    await ask(house)
    await house.flag(BABY, "302", "LAC", start_date=BORN, birth_date=BORN)
    outcome = await ask(house, trigger=TriggerEvent.UPDATE_PERSON, minutes=9)
    assert isinstance(outcome, Flagged)
    assert sorted(shown.flag.kind for shown in outcome.flags) == ["LAC", "UCPP"]


@pytest.mark.parametrize("resolution", list(NewbornResolution))
async def test_a_resolved_link_is_not_made_again(house: House, resolution: NewbornResolution) -> None:
    await unborn_plan(house)
    await ask(house)
    async with house.database.transaction() as transaction:
        assert not await resolve_newborn(transaction, OPERATOR, [("", str(BABY))], "302", resolution), "another authority's"
        assert await resolve_newborn(transaction, OPERATOR, [("", str(BABY)), ("R0A01", "B1")], "301", resolution) == 2
    assert isinstance(await ask(house, minutes=5), NoneKnown)
    elsewhere = await ask(house, site="R0A02", local="Z9", minutes=6, actor=FEED)
    assert isinstance(elsewhere, NoneKnown), "another hospital's word that she is the mother is the same word"
    assert await house.value("SELECT count(*) FROM audit_events WHERE action = 'newborn.resolve'") == 1


async def test_a_plan_that_was_never_one_leads_nowhere(house: House) -> None:
    flag = await unborn_plan(house)
    await ask(house)
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE flags SET deleted_on = start_date WHERE id = %s", (flag,))
    assert isinstance(await ask(house, minutes=5), NoneKnown)


async def test_two_numbers_of_one_baby_lead_to_the_same_plan_and_to_nothing_else_of_the_mothers(house: House) -> None:
    await unborn_plan(house)
    await house.flag(MOTHER, "302", "CPP")
    await ask(house)
    prior = baby().identity
    await ask(house, trigger=TriggerEvent.MERGE, number=TWIN, prior=prior, mother=None, local="B1", minutes=5)
    outcome = await ask(house, number=TWIN, trigger=TriggerEvent.LOOKUP, silent=True, local=None, mother=None, minutes=6)
    assert isinstance(outcome, Flagged)
    assert [(shown.flag.kind, shown.flag.authority_code) for shown in outcome.flags] == [("UCPP", "301")]


async def end_plan(house: House) -> None:
    """The authority ends the plan on the day of birth, as it does: nothing new can be linked to it afterwards."""
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE flags SET end_date = %s WHERE kind = 'UCPP'", (BORN,))


async def test_a_baby_whose_hospital_numbers_are_merged_is_not_lost(house: House) -> None:
    await unborn_plan(house)
    await ask(house, number=None)
    await end_plan(house)
    prior = baby(number=None).identity
    tomorrow = SEEN_AT + timedelta(days=1)
    merged = await ask(house, trigger=TriggerEvent.MERGE, prior=prior, local="B2", mother=None, at=tomorrow)
    assert isinstance(merged, Flagged)
    assert await house.rows("SELECT state FROM alerts") == [("raised",)]
    later = await ask(
        house, trigger=TriggerEvent.REGISTER, visit_number="V3", local=None, mother=None, at=SEEN_AT + timedelta(days=2)
    )
    assert isinstance(later, Flagged)


async def test_a_baby_whose_hospital_number_changes_is_not_lost(house: House) -> None:
    await unborn_plan(house)
    await ask(house, number=None, trigger=TriggerEvent.ADMIT, visit_number="V8")
    await end_plan(house)
    changed = {"trigger": TriggerEvent.UPDATE, "visit_number": "V8", "mother": None, "at": SEEN_AT + timedelta(days=1)}
    assert isinstance(await ask(house, number=None, local="B9", **changed), Flagged)


async def test_a_baby_that_comes_back_is_told_of_though_nobody_said_that_it_had_left(house: House) -> None:
    await unborn_plan(house)
    await ask(house)
    back = {"trigger": TriggerEvent.REGISTER, "visit_number": "V9", "mother": None, "at": SEEN_AT + timedelta(hours=30)}
    assert isinstance(await ask(house, **back), Flagged)
    assert await house.value("SELECT count(*) FROM alerts") == 2


async def test_the_wrong_baby_stays_resolved_at_every_hospital(house: House) -> None:
    await unborn_plan(house)
    await ask(house)
    seen = await house.desk.ask(baby(trigger=TriggerEvent.REGISTER, site="R0A02", visit_number="V9", local=None, minutes=5))
    async with house.database.transaction() as transaction:
        await resolve_newborn_of(transaction, OPERATOR, "301", seen.alerts[0], NewbornResolution.WRONG_BABY)
    assert isinstance(await ask(house, minutes=9, mother=None, trigger=TriggerEvent.UPDATE_PERSON), NoneKnown)


async def test_a_plan_for_the_baby_that_has_not_begun_does_not_hide_its_mothers(house: House) -> None:
    await unborn_plan(house)
    await ask(house)
    await house.flag(BABY, "301", "CPP", start_date=BORN + timedelta(days=3), birth_date=BORN)
    assert isinstance(await ask(house, minutes=5), Flagged)
