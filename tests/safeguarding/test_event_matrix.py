"""What each event does, by the table of docs/hl7.md: to the encounter, to the answer, and to who is told. Refusals first."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.answer import Flagged, NoneKnown
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from tests.safeguarding.house import CHILD, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD, House, check

ENCOUNTERS = "SELECT state, care_setting FROM encounters ORDER BY recorded_at, id"
ALERTS = "SELECT authority_code, state FROM alerts ORDER BY raised_at, id"
TOLD = "SELECT event FROM alert_events ORDER BY id"
ED, CLINIC = CareSetting.EMERGENCY_DEPARTMENT, CareSetting.OUTPATIENT
SETTING_CHANGES = [TriggerEvent.TRANSFER, TriggerEvent.CLASS_CHANGE, TriggerEvent.CANCEL_TRANSFER, TriggerEvent.UPDATE]


async def events(house: House) -> list[str]:
    return [event for (event,) in await house.rows(TOLD)]


@pytest.mark.parametrize("trigger", [TriggerEvent.PRE_ADMIT, TriggerEvent.COMMAND])
async def test_what_is_planned_tells_nobody_and_opens_nothing(house: House, trigger: TriggerEvent) -> None:
    await house.flag()
    assert isinstance((await house.ask(trigger=trigger)).outcome, Flagged)
    assert await house.rows(ENCOUNTERS) == []
    assert await house.rows(ALERTS) == []


@pytest.mark.parametrize("trigger", SETTING_CHANGES)
async def test_a_clinic_patient_who_is_moved_to_the_emergency_department_is_told_of_then(
    house: House, trigger: TriggerEvent
) -> None:
    await house.flag()
    assert not (await house.ask(care_setting=CLINIC)).alerts
    assert len((await house.ask(trigger=trigger, minutes=5)).alerts) == 1
    assert await house.rows(ENCOUNTERS) == [("open", ED.value)]


@pytest.mark.parametrize("trigger", SETTING_CHANGES)
async def test_a_move_within_the_hospital_raises_nothing_and_is_told_where_it_is_to_another_service(
    house: House, trigger: TriggerEvent
) -> None:
    await house.flag()
    await house.ask()
    reply = await house.ask(trigger=trigger, care_setting=CareSetting.PAEDIATRIC_WARD, minutes=5)
    assert (reply.alerts, reply.told) == ((), 1)
    assert not (await house.ask(trigger=trigger, care_setting=CareSetting.PAEDIATRIC_WARD, minutes=6)).told, "from ward to ward"
    assert await house.rows(ENCOUNTERS) == [("open", "paediatric-ward")]
    assert await events(house) == ["raise", "transfer"]


@pytest.mark.parametrize("trigger", SETTING_CHANGES)
async def test_a_move_that_comes_late_changes_no_setting(house: House, trigger: TriggerEvent) -> None:
    await house.ask(minutes=5)
    await house.ask(trigger=trigger, care_setting=CLINIC, event_at=SEEN_AT, minutes=6)
    assert await house.rows(ENCOUNTERS) == [("open", ED.value)]


async def test_a_transfer_nobody_has_heard_of_is_an_arrival(house: House) -> None:
    await house.flag()
    assert len((await house.ask(trigger=TriggerEvent.TRANSFER)).alerts) == 1


async def test_a_discharge_that_is_cancelled_opens_the_encounter_again(house: House) -> None:
    await house.flag()
    await house.ask()
    await house.ask(trigger=TriggerEvent.DISCHARGE, minutes=5)
    reply = await house.ask(trigger=TriggerEvent.CANCEL_DISCHARGE, minutes=6)
    assert (reply.alerts, reply.told) == ((), 1)
    assert await events(house) == ["raise", "discharge", "return"]
    assert await house.rows("SELECT state, departed_at FROM encounters") == [("open", None)]


async def test_who_heard_that_the_child_left_hears_that_it_did_not(house: House) -> None:
    await house.flag()
    await house.ask()
    await house.ask(trigger=TriggerEvent.DISCHARGE, left_before_seen=True, minutes=5)
    await house.ask(trigger=TriggerEvent.CANCEL_DISCHARGE, minutes=6)
    assert await events(house) == ["raise", "left-before-seen", "reinstate"]


async def test_a_cancelled_discharge_alerts_for_a_plan_that_came_meanwhile(house: House) -> None:
    await house.ask()
    await house.ask(trigger=TriggerEvent.DISCHARGE, minutes=5)
    await house.flag()
    assert len((await house.ask(trigger=TriggerEvent.CANCEL_DISCHARGE, minutes=6)).alerts) == 1


async def test_a_cancelled_discharge_revives_no_cancelled_arrival(house: House) -> None:
    await house.ask()
    await house.ask(trigger=TriggerEvent.CANCEL_ADMIT, minutes=5)
    await house.ask(trigger=TriggerEvent.CANCEL_DISCHARGE, minutes=6)
    assert await house.rows("SELECT state FROM encounters") == [("cancelled",)]


# ── the wrong child ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("trigger", [TriggerEvent.UPDATE, TriggerEvent.TRANSFER, TriggerEvent.REGISTER])
async def test_who_was_told_of_the_wrong_child_is_told_that_it_was_not(house: House, trigger: TriggerEvent) -> None:
    await house.flag()
    await house.flag(OTHER_CHILD, "302")
    await house.ask()
    reply = await house.ask(number=OTHER_CHILD, trigger=trigger, minutes=5)
    assert (len(reply.alerts), reply.told) == (1, 2)
    assert await house.rows(ALERTS) == [("301", "retracted"), ("302", "raised")]
    assert await house.value("SELECT count(*) FROM deliveries WHERE notice = 'wrong-identity'") == 2, "on screen and by e-mail"


async def test_the_right_child_after_all_is_told_of_again(house: House) -> None:
    await house.flag()
    await house.ask()
    await house.ask(number=UNKNOWN_CHILD, trigger=TriggerEvent.UPDATE, minutes=5)
    assert await house.rows("SELECT flagged FROM encounters") == [(False,)]
    await house.ask(trigger=TriggerEvent.UPDATE, minutes=6)
    assert await house.rows(ALERTS) == [("301", "raised")]
    assert await events(house) == ["raise", "wrong-identity", "reinstate"]


async def test_a_number_that_is_missing_corrects_nothing(house: House) -> None:
    await house.flag()
    await house.ask()
    assert not (await house.ask(number=None, trigger=TriggerEvent.UPDATE, minutes=5)).told


async def test_two_numbers_of_one_child_are_no_correction(house: House) -> None:
    await house.flag()
    await house.ask(local="633")
    prior = check(local="634").identity
    merged = await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.MERGE, prior=prior, local="633", visit_number="", minutes=5)
    assert not merged.told
    assert await house.rows(ALERTS) == [("301", "raised")]


# ── unlinking ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def merge(house: House, **changes: Any) -> None:
    """A hospital says that OTHER_CHILD, who is there, and the flagged CHILD are one patient."""
    await house.flag()
    await house.ask(number=OTHER_CHILD, local="633", **changes)
    prior = check(number=CHILD, local="634").identity
    await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.MERGE, prior=prior, local="633", visit_number="", minutes=5)


async def unlink(house: House, **changes: Any) -> Any:
    prior = check(number=CHILD, local="634").identity
    values = {
        "number": OTHER_CHILD,
        "trigger": TriggerEvent.UNLINK,
        "prior": prior,
        "local": "633",
        "visit_number": "",
        "minutes": 9,
    }
    return await house.ask(**{**values, **changes})


async def test_an_unlink_of_what_was_never_linked_changes_nothing(house: House) -> None:
    await house.flag()
    await house.ask()
    assert not (await unlink(house)).told
    assert await house.rows(ALERTS) == [("301", "raised")]


async def test_another_hospital_cannot_unlink_what_this_one_linked(house: House) -> None:
    await merge(house)
    await unlink(house, site="R0A02")
    assert await house.rows("SELECT ended_at FROM person_aliases") == [(None,)]
    assert await house.rows(ALERTS) == [("301", "raised")]


async def test_an_unlink_ends_the_alias_keeps_its_history_and_corrects_who_was_told(house: House) -> None:
    await merge(house)
    assert await house.rows(ALERTS) == [("301", "raised")]
    assert (await unlink(house)).told == 1
    assert await house.value("SELECT count(*) FROM person_aliases WHERE ended_at IS NOT NULL") == 1
    assert await house.rows(ALERTS) == [("301", "retracted")]
    assert await house.value("SELECT count(*) FROM audit_events WHERE action = 'person.alias-ended'") == 1
    assert isinstance((await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.LOOKUP, minutes=10)).outcome, NoneKnown)
    assert isinstance((await house.ask(trigger=TriggerEvent.LOOKUP, visit_number="", minutes=10)).outcome, Flagged)


async def test_an_unlink_reaches_the_encounters_of_other_sites(house: House) -> None:
    await merge(house)
    await house.ask(number=OTHER_CHILD, site="R0A02", visit_number="V5", minutes=6)
    assert (await unlink(house)).told == 2
    assert await house.rows(ALERTS) == [("301", "retracted"), ("301", "retracted")]


async def test_an_unlink_takes_no_flag_from_the_child_who_has_it(house: House) -> None:
    await merge(house)
    await house.ask(visit_number="V5", local="634", minutes=6)
    await unlink(house)
    rows = await house.rows("SELECT e.nhs_number, a.state FROM alerts a JOIN encounters e ON e.id = a.encounter_id ORDER BY 1")
    assert rows == [(CHILD, "raised"), (OTHER_CHILD, "retracted")]


async def is_flagged(house: House) -> bool:
    """Whether the flag of CHILD is found by the other number."""
    return isinstance((await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.LOOKUP, silent=True, minutes=40)).outcome, Flagged)


async def merge_late(house: House, happened: int, minutes: int = 30, **changes: Any) -> Any:
    """The merge comes after its time, in minutes from SEEN_AT."""
    prior = check(number=CHILD, local="634").identity
    values: dict[str, Any] = {"number": OTHER_CHILD, "trigger": TriggerEvent.MERGE, "local": "633", "visit_number": "", **changes}
    return await house.ask(prior=prior, event_at=SEEN_AT + timedelta(minutes=happened), minutes=minutes, **values)


@pytest.mark.parametrize("is_known", [True, False], ids=["a second message of it", "the first we hear of it"])
async def test_a_merge_that_comes_after_its_unlink_links_nothing(house: House, is_known: bool) -> None:
    await (merge(house) if is_known else house.flag())
    await unlink(house)
    await merge_late(house, 5)
    assert not await is_flagged(house)
    assert await house.value("SELECT count(*) FROM person_aliases WHERE ended_at IS NULL") == 0


async def test_another_hospitals_unlink_keeps_no_merge_from_being_made(house: House) -> None:
    await house.flag()
    await unlink(house, site="R0A02")
    await merge_late(house, 5)
    assert await is_flagged(house)


async def test_a_merge_after_the_unlink_links_whenever_it_comes(house: House) -> None:
    await house.flag()
    await unlink(house)
    await merge_late(house, 10)
    assert await is_flagged(house)


async def test_an_unlink_that_comes_after_a_later_merge_takes_nothing_back(house: House) -> None:
    await merge(house)
    await merge_late(house, 10, minutes=10)
    await unlink(house, event_at=SEEN_AT + timedelta(minutes=8), minutes=30)
    assert await is_flagged(house)


async def test_an_unlink_of_what_was_never_linked_reinstates_no_alert_of_the_wrong_child(house: House) -> None:
    await house.flag()
    await house.ask(local="633")
    await house.ask(number=OTHER_CHILD, local="633", trigger=TriggerEvent.UPDATE, minutes=5)
    await unlink(house)
    assert await house.rows(ALERTS) == [("301", "retracted")]


async def test_an_unlink_that_is_told_again_is_kept_once(house: House) -> None:
    await house.flag()
    await unlink(house)
    await unlink(house, event_at=SEEN_AT + timedelta(minutes=9), minutes=12)
    assert await house.value("SELECT count(*) FROM person_aliases") == 1


async def test_what_is_linked_again_is_told_again(house: House) -> None:
    await merge(house)
    await unlink(house)
    prior = check(number=CHILD, local="634").identity
    await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.MERGE, prior=prior, local="633", visit_number="", minutes=12)
    later = await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.UPDATE, local="633", at=SEEN_AT + timedelta(minutes=13))
    assert isinstance(later.outcome, Flagged)
    assert await house.rows(ALERTS) == [("301", "raised")]


async def test_a_wrong_merge_that_is_taken_back_leaves_the_alert_of_the_child_who_is_there(house: House) -> None:
    await house.flag()
    await house.ask(local="634")
    prior = check(number=CHILD, local="634").identity
    await house.ask(number=UNKNOWN_CHILD, trigger=TriggerEvent.MERGE, prior=prior, local="633", visit_number="", minutes=5)
    await unlink(house, number=UNKNOWN_CHILD)
    assert await house.rows(ALERTS) == [("301", "raised")]


# ── after a correction ────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_happens_next_is_not_told_to_the_authority_of_the_wrong_child(house: House) -> None:
    await house.flag()
    await house.flag(OTHER_CHILD, "302")
    await house.ask()
    await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.UPDATE, minutes=5)
    await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.DISCHARGE, left_before_seen=True, minutes=6)
    await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.CANCEL_DISCHARGE, minutes=7)
    assert await house.rows(ALERTS) == [("301", "retracted"), ("302", "raised")]
    assert await house.value("SELECT count(*) FROM deliveries d JOIN alerts a ON a.id = alert_id WHERE authority_code = '301'") == 4


async def test_a_cancelled_arrival_that_comes_back_as_another_child_stays_cancelled_for_the_first(house: House) -> None:
    await house.flag()
    await house.ask()
    await house.ask(trigger=TriggerEvent.CANCEL_ADMIT, minutes=5)
    await house.ask(number=UNKNOWN_CHILD, minutes=6)
    assert await house.rows(ALERTS) == [("301", "retracted")]


async def test_a_number_that_is_corrected_after_the_child_has_left_tells_who_holds_the_right_one(house: House) -> None:
    await house.flag()
    await house.ask(number=UNKNOWN_CHILD)
    await house.ask(number=UNKNOWN_CHILD, trigger=TriggerEvent.DISCHARGE, minutes=5)
    assert len((await house.ask(trigger=TriggerEvent.UPDATE, minutes=6)).alerts) == 1


# ── a group ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_messages_about_one_encounter_by_different_names_do_not_fail_their_neighbours(house: House) -> None:
    await house.flag(OTHER_CHILD)
    await house.ask(number=None, local="L1")
    replies = await asyncio.gather(
        house.ask(trigger=TriggerEvent.UPDATE, minutes=5),
        house.ask(number=None, local="L1", visit_number="", trigger=TriggerEvent.UPDATE_PERSON, minutes=5),
        house.ask(number=OTHER_CHILD, visit_number="V9", minutes=5),
    )
    assert isinstance(replies[2].outcome, Flagged)
    assert await house.value("SELECT count(*) FROM accesses") == 4
