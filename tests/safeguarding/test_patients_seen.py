"""What the house promises of a patient who was seen, on real PostgreSQL. Refusals and the quiet cases first."""

import asyncio
import random
import string
from dataclasses import replace
from datetime import date, timedelta

import pytest

from domain.answer import Caution, CouldNotCheck, CouldNotCheckReason, Flagged, NoneKnown, Recorded
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from flags_store.authorities import add_authority
from runtime.clock import now
from tests.safeguarding.house import CHILD, OPERATOR, OTHER_CHILD, SEEN_AT, UNKNOWN_CHILD, House, check

ALERTS = "SELECT count(*) FROM alerts"
ACCESSES = "SELECT count(*) FROM accesses"


async def test_without_a_number_the_answer_is_could_not_check_and_is_written_down(house: House) -> None:
    reply = await house.ask(number=None, local="633")
    assert isinstance(reply.outcome, CouldNotCheck)
    assert reply.outcome.reason is CouldNotCheckReason.NO_NUMBER
    assert await house.rows("SELECT outcome, person_id, number_hash FROM accesses") == [("could-not-check", None, None)]
    assert await house.value("SELECT could_not_check FROM encounters") == "no-nhs-number"


async def test_none_known_says_its_coverage_and_keeps_no_person(house: House) -> None:
    reply = await house.ask(number=UNKNOWN_CHILD)
    assert isinstance(reply.outcome, NoneKnown)
    assert reply.outcome.coverage.connected == 2
    assert reply.outcome.coverage.fully_checked
    assert await house.value("SELECT count(*) FROM persons") == 0
    [(outcome, number_hash)] = await house.rows("SELECT outcome, number_hash FROM accesses")
    assert outcome == "none-known"
    assert len(number_hash) == 32
    assert await house.value(ALERTS) == 0


async def test_a_late_feed_makes_none_known_amber(house: House) -> None:
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE authorities SET last_extracted_at = now() - interval '9 days' WHERE code = '302'")
    outcome = (await house.ask(number=UNKNOWN_CHILD, at=now())).outcome
    assert isinstance(outcome, NoneKnown)
    assert not outcome.coverage.fully_checked


async def test_flags_of_an_authority_on_trial_are_not_shown(house: House) -> None:
    await house.flag()
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE authorities SET state = 'trial' WHERE code = '301'")
    assert isinstance((await house.ask()).outcome, NoneKnown)


async def test_a_flagged_child_raises_one_alert_with_a_delivery_for_each_channel(house: House) -> None:
    await house.flag()
    reply = await house.ask()
    assert isinstance(reply.outcome, Flagged)
    assert reply.outcome.is_current
    assert len(reply.alerts) == 1
    assert house.nudged == [True]
    assert await house.rows("SELECT channel, recipient, state FROM deliveries ORDER BY channel") == [
        ("email", "team@301.example", "pending"),
        ("screen", "301", "pending"),
    ]
    assert await house.rows("SELECT outcome, in_history, actor_name FROM accesses") == [("flagged", True, "PAS of R0A01")]
    assert await house.value("SELECT flagged FROM encounters")


async def test_updates_of_one_encounter_raise_no_second_alert_and_enter_history_once(house: House) -> None:
    await house.flag()
    await house.ask()
    second = await house.ask(trigger=TriggerEvent.UPDATE, minutes=5)
    assert isinstance(second.outcome, Flagged)
    assert second.alerts == ()
    assert await house.value(ALERTS) == 1
    assert await house.value("SELECT count(*) FROM accesses WHERE in_history") == 1
    assert await house.value(ACCESSES) == 2


async def test_two_authorities_are_both_told(house: House) -> None:
    await house.flag()
    await house.flag(authority="302", kind="LAC")
    reply = await house.ask()
    assert isinstance(reply.outcome, Flagged)
    assert {shown.flag.authority_code for shown in reply.outcome.flags} == {"301", "302"}
    assert len(reply.alerts) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"care_setting": CareSetting.OUTPATIENT},
        {"care_setting": CareSetting.SEXUAL_HEALTH},
        {"test": True},
        {"trigger": TriggerEvent.PRE_ADMIT},
        {"trigger": TriggerEvent.COMMAND, "silent": True, "visit_number": ""},
        {"trigger": TriggerEvent.LOOKUP, "silent": True, "visit_number": ""},
    ],
    ids=["scheduled", "private", "test message", "pre-admission", "command", "silent lookup"],
)
async def test_what_is_not_unscheduled_tells_nobody_and_is_still_audited(house: House, changes: dict[str, object]) -> None:
    await house.flag()
    reply = await house.ask(**changes)
    assert isinstance(reply.outcome, Flagged)
    assert await house.value(ALERTS) == 0
    assert await house.rows("SELECT outcome, in_history FROM accesses") == [("flagged", False)]


async def test_an_ended_plan_is_shown_and_does_not_alert(house: House) -> None:
    await house.flag(end_date=date(2026, 2, 1))
    reply = await house.ask()
    assert isinstance(reply.outcome, Flagged)
    assert not reply.outcome.is_current
    assert await house.value(ALERTS) == 0


async def test_details_that_differ_stand_beside_the_flag_and_stay_on_the_encounter(house: House) -> None:
    await house.flag()
    reply = await house.ask(family_name="Somebody", birth_date=date(2011, 1, 1))
    assert isinstance(reply.outcome, Flagged)
    assert Caution.DETAILS_DIFFER in reply.outcome.cautions
    banner = await house.ask(
        trigger=TriggerEvent.BANNER, encounter_id=reply.outcome.encounter_id, silent=True, number=None, family_name="",
        given_name="", birth_date=None, visit_number="",
    )  # fmt: skip
    assert isinstance(banner.outcome, Flagged)
    assert Caution.DETAILS_DIFFER in banner.outcome.cautions


async def test_same_control_id_gives_the_same_acknowledgement_and_nothing_twice(house: House) -> None:
    await house.flag()
    first = await house.ask(control_id="C1")
    again = await house.ask(control_id="C1")
    assert again.repeated
    assert again.acknowledgement == first.acknowledgement == b"ack of C1"
    assert await house.value(ACCESSES) == 1
    assert await house.value(ALERTS) == 1


async def test_a_recycled_control_id_is_answered_like_any_message(house: House) -> None:
    await house.ask(control_id="C1")
    one = check(control_id="C1", number=OTHER_CHILD, visit_number="V2")
    assert one.message
    other = replace(one, message=replace(one.message, content_hash=b"other content"))
    assert not (await house.desk.ask(other)).repeated
    assert await house.value("SELECT count(*) FROM inbox") == 2


async def test_a_number_that_comes_later_alerts_then(house: House) -> None:
    await house.flag()
    await house.ask(number=None, local="633")
    reply = await house.ask(trigger=TriggerEvent.UPDATE_PERSON, local="633", visit_number="", minutes=20)
    assert isinstance(reply.outcome, Flagged)
    assert len(reply.alerts) == 1
    assert await house.value("SELECT reason FROM alerts") == "late-identity"
    assert await house.value("SELECT could_not_check FROM encounters") is None


async def test_an_update_without_the_number_does_not_forget_it(house: House) -> None:
    await house.flag()
    await house.ask()
    reply = await house.ask(number=None, trigger=TriggerEvent.UPDATE, minutes=5)
    assert isinstance(reply.outcome, Flagged)


async def test_a_merge_leads_from_either_number_to_the_flag_and_says_so(house: House) -> None:
    await house.flag(OTHER_CHILD)
    await house.ask(local="633")
    prior = check(number=OTHER_CHILD, local="634").identity
    merged = await house.ask(trigger=TriggerEvent.MERGE, prior=prior, local="633", visit_number="", minutes=9)
    assert isinstance(merged.outcome, Flagged)
    assert len(merged.alerts) == 1
    later = await house.ask(trigger=TriggerEvent.LOOKUP, silent=True, visit_number="")
    assert isinstance(later.outcome, Flagged)
    assert Caution.NUMBERS_MERGED in later.outcome.cautions
    assert await house.rows("SELECT value, direction, source FROM person_aliases") == [(CHILD, "successor", "R0A01")]


async def test_a_visit_that_turns_into_an_emergency_alerts_and_enters_the_history(house: House) -> None:
    await house.flag()
    await house.ask(care_setting=CareSetting.OUTPATIENT)
    reply = await house.ask(trigger=TriggerEvent.UPDATE, minutes=5)
    assert len(reply.alerts) == 1
    assert await house.rows("SELECT in_history FROM accesses ORDER BY id") == [(False,), (True,)]


async def test_a_chain_of_merges_leads_from_its_last_number_to_the_flag(house: House) -> None:
    await house.flag(OTHER_CHILD)
    for prior, surviving in ((OTHER_CHILD, UNKNOWN_CHILD), (UNKNOWN_CHILD, "9990000042"), ("9990000042", CHILD)):
        merged = check(number=prior).identity
        await house.ask(trigger=TriggerEvent.MERGE, prior=merged, number=surviving, visit_number="")
    reply = await house.ask()
    assert isinstance(reply.outcome, Flagged)
    assert len(reply.alerts) == 1
    assert await house.value("SELECT count(*) FROM person_aliases") == 3


async def test_discharge_closes_and_left_before_seen_reopens_what_was_read(house: House) -> None:
    await house.flag()
    await house.ask()
    async with house.database.transaction() as transaction:
        await transaction.execute(
            "UPDATE alerts SET state = 'acknowledged', acknowledged_at = now(), acknowledged_by = 'x', answer = 'known'"
        )
    reply = await house.ask(trigger=TriggerEvent.DISCHARGE, left_before_seen=True, minutes=60)
    assert isinstance(reply.outcome, Recorded)
    assert await house.rows("SELECT state, left_before_seen FROM encounters") == [("closed", True)]
    assert await house.value("SELECT state FROM alerts") == "raised"
    assert await house.value("SELECT count(*) FROM deliveries WHERE notice = 'left-before-seen'") == 2
    assert len(house.nudged) == 2, "the dispatcher is woken for it"


async def test_a_cancelled_arrival_is_retracted_and_erases_nothing(house: House) -> None:
    await house.flag()
    await house.ask()
    await house.ask(trigger=TriggerEvent.CANCEL_ADMIT, minutes=3)
    assert await house.value("SELECT state FROM encounters") == "cancelled"
    assert await house.value("SELECT state FROM alerts") == "retracted"


async def test_a_late_update_does_not_reopen_what_was_closed(house: House) -> None:
    await house.ask()
    await house.ask(trigger=TriggerEvent.DISCHARGE, minutes=60)
    await house.ask(trigger=TriggerEvent.UPDATE, minutes=30)
    assert await house.value("SELECT state FROM encounters") == "closed"


async def test_discharge_that_names_only_the_local_number_finds_the_encounter(house: House) -> None:
    await house.ask(local="633")
    await house.ask(trigger=TriggerEvent.DISCHARGE, number=None, local="633", visit_number="", minutes=60)
    assert await house.value("SELECT state FROM encounters") == "closed"


async def test_an_unscheduled_lookup_opens_one_encounter_and_alerts_once(house: House) -> None:
    await house.flag()
    for minutes in (0, 10):
        reply = await house.ask(trigger=TriggerEvent.LOOKUP, visit_number="", minutes=minutes)
        assert isinstance(reply.outcome, Flagged)
    assert await house.value("SELECT count(*) FROM encounters") == 1
    assert await house.value(ALERTS) == 1
    assert await house.value("SELECT count(*) FROM accesses WHERE in_history") == 2


async def test_an_unscheduled_lookup_joins_the_encounter_at_another_site_of_the_organisation(house: House) -> None:
    await house.flag()
    seen = await house.ask()
    looked = await house.ask(trigger=TriggerEvent.LOOKUP, site="R0A02", visit_number="", minutes=10)
    assert looked.outcome.encounter_id == seen.outcome.encounter_id
    assert await house.value(ALERTS) == 1


async def test_a_poisoned_check_fails_alone(house: House) -> None:
    await house.flag()
    poison = check(site="ZZZ99", number=UNKNOWN_CHILD, visit_number="V9")
    good, bad, other = await asyncio.gather(
        house.ask(), house.desk.ask(poison), house.ask(number=OTHER_CHILD, visit_number="V3"), return_exceptions=True
    )
    assert isinstance(bad, Exception)
    assert type(bad).__name__ == "CouldNotStore"
    assert not isinstance(good, BaseException)
    assert not isinstance(other, BaseException)
    assert await house.value(ALERTS) == 1


async def test_questions_about_one_child_are_answered_in_their_order(house: House) -> None:
    await house.flag()
    triggers = [TriggerEvent.REGISTER, *[TriggerEvent.UPDATE] * 5, TriggerEvent.DISCHARGE]
    questions = [check(trigger=trigger, minutes=minute, control_id=f"C{minute}") for minute, trigger in enumerate(triggers)]
    replies = await asyncio.gather(*(house.desk.ask(question) for question in questions))
    assert isinstance(replies[-1].outcome, Recorded)
    assert await house.rows("SELECT state, departed_at FROM encounters") == [("closed", SEEN_AT + timedelta(minutes=6))]
    assert await house.value(ALERTS) == 1


async def test_a_caller_that_gives_up_cancels_nothing(house: House) -> None:
    await house.flag()
    asking = asyncio.create_task(house.ask())
    await asyncio.sleep(0)
    asking.cancel()
    await house.ask(number=OTHER_CHILD, visit_number="V2")
    assert await house.value(ALERTS) == 1


async def test_a_flag_of_an_authority_that_was_added_a_moment_ago_is_answered_and_told(house: House) -> None:
    await house.ask(number=UNKNOWN_CHILD)  # the directory is read before the authority is there
    async with house.database.transaction() as transaction:
        await add_authority(transaction, OPERATOR, "309", "New", "01632 960309", "01632 961309", live=True)
    await house.flag(OTHER_CHILD, authority="309")
    reply = await house.ask(number=OTHER_CHILD, visit_number="V2")
    assert len(reply.alerts) == 1
    assert "309" in (await house.directory.current()).authorities


@pytest.mark.parametrize("lookups_alert,alerts", [(False, 0), (True, 1)])
async def test_where_the_sites_own_feed_is_live_a_read_alone_alerts_only_by_its_setting(
    house: House, lookups_alert: bool, alerts: int
) -> None:
    await house.flag()
    async with house.database.transaction() as transaction:
        await transaction.execute("INSERT INTO site_feeds VALUES ('R0A01', now(), now())")
        await transaction.execute("UPDATE sites SET lookups_alert = %s", (lookups_alert,))
    reply = await house.ask(trigger=TriggerEvent.LOOKUP, visit_number="")
    assert isinstance(reply.outcome, Flagged)
    assert await house.value(ALERTS) == alerts
    assert await house.value("SELECT count(*) FROM accesses WHERE in_history") == 1


async def test_a_test_encounter_is_never_taken_for_the_real_one(house: House) -> None:
    await house.flag()
    await house.ask(test=True, visit_number="T1")
    reply = await house.ask(trigger=TriggerEvent.LOOKUP, visit_number="", minutes=5)
    assert len(reply.alerts) == 1


async def test_what_is_too_long_to_store_fails_alone_and_for_good(house: House) -> None:
    await house.flag()
    bad, good = await asyncio.gather(
        house.ask(visit_number="".join(random.Random(1).choices(string.ascii_letters, k=90_000)), number=OTHER_CHILD),
        house.ask(),
        return_exceptions=True,
    )
    assert type(bad).__name__ == "CouldNotStore"
    assert not isinstance(good, BaseException)


async def test_an_update_that_comes_after_the_patient_has_left_opens_nothing(house: House) -> None:
    await house.flag()
    await house.ask(trigger=TriggerEvent.UPDATE, departed_at=SEEN_AT - timedelta(days=4))
    assert await house.value("SELECT state FROM encounters") == "closed"
    assert await house.value(ALERTS) == 0


async def test_a_look_on_the_next_day_tells_the_authority_anew(house: House) -> None:
    await house.flag()
    first = await house.ask(trigger=TriggerEvent.LOOKUP, visit_number="")
    next_day = await house.ask(trigger=TriggerEvent.LOOKUP, visit_number="", minutes=24 * 60)
    assert len(first.alerts) == len(next_day.alerts) == 1


@pytest.mark.parametrize("trigger", [TriggerEvent.DISCHARGE, TriggerEvent.CANCEL_ADMIT, TriggerEvent.UPDATE])
async def test_a_test_message_about_a_real_visit_changes_nothing_of_it(house: House, trigger: TriggerEvent) -> None:
    await house.flag()
    await house.ask(local="633")
    await house.ask(trigger=trigger, test=True, local="633", minutes=5)
    assert await house.rows("SELECT state, test FROM encounters WHERE encounter_key = 'visit V1'") == [("open", False)]
    assert await house.rows("SELECT state FROM alerts") == [("raised",)]
    assert await house.rows("SELECT DISTINCT notice FROM deliveries") == [("raised",)]


async def test_a_late_message_with_an_older_number_never_takes_the_place_of_the_newer_one(house: House) -> None:
    await house.flag()
    await house.ask(number=UNKNOWN_CHILD)
    await house.ask(trigger=TriggerEvent.UPDATE, minutes=30)
    late = await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.UPDATE, minutes=20)
    assert isinstance(late.outcome, Flagged)
    assert await house.value("SELECT nhs_number FROM encounters") == CHILD


async def test_a_late_message_with_another_number_is_looked_at_and_told_of(house: House) -> None:
    await house.flag()
    await house.ask(number=UNKNOWN_CHILD, minutes=30)
    late = await house.ask(trigger=TriggerEvent.UPDATE, minutes=20)
    assert len(late.alerts) == 1, "the clock of the sender that knows the right number may be the one that is slow"
    assert await house.value("SELECT nhs_number FROM encounters") == UNKNOWN_CHILD


@pytest.mark.parametrize("setting", [CareSetting.OUTPATIENT, CareSetting.SEXUAL_HEALTH])
async def test_an_unscheduled_lookup_joins_no_encounter_of_which_nobody_is_told(house: House, setting: CareSetting) -> None:
    await house.flag()
    booked = await house.ask(care_setting=setting)
    looked = await house.ask(trigger=TriggerEvent.LOOKUP, visit_number="", minutes=10)
    assert looked.outcome.encounter_id != booked.outcome.encounter_id
    assert len(looked.alerts) == 1


async def test_an_arrival_is_never_in_the_future(house: House) -> None:
    await house.ask(arrived_at=SEEN_AT.replace(year=2999))
    assert await house.value("SELECT arrived_at FROM encounters") == SEEN_AT


async def test_an_encounter_that_turns_out_to_be_another_flagged_childs_tells_of_that_child(house: House) -> None:
    await house.flag()
    await house.flag(OTHER_CHILD)
    await house.ask()
    corrected = await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.UPDATE, minutes=5)
    again = await house.ask(number=OTHER_CHILD, trigger=TriggerEvent.UPDATE, minutes=6)
    assert isinstance(corrected.outcome, Flagged)
    assert (len(corrected.alerts), len(again.alerts)) == (1, 0)
    assert await house.value("SELECT count(DISTINCT person_id) FROM alerts") == 2


async def test_a_number_that_comes_after_the_patient_has_left_still_tells_the_authority(house: House) -> None:
    await house.flag()
    await house.ask(number=None, local="633")
    await house.ask(number=None, local="633", trigger=TriggerEvent.DISCHARGE, minutes=30)
    late = await house.ask(local="633", trigger=TriggerEvent.UPDATE, minutes=90)
    assert len(late.alerts) == 1
    assert await house.value("SELECT state FROM encounters") == "closed"
