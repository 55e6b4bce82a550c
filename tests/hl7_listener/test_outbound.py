"""A hospital's own system is told: which events make a delivery, in which order they go, and that none is lost or doubled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from psycopg.errors import CheckViolation

from alerts.claims import Attempt, claim_due, record_attempts
from alerts.waiting import read_waiting
from domain.alert import AttemptOutcome, ChannelName, CodedAnswer, Delivery
from domain.channel import Attempted
from domain.encounter import TriggerEvent
from domain.errors import InvalidInput, NotFound
from hl7_listener.message import Message
from hl7_listener.outbound import HospitalChannel, Sending
from hl7_listener.outbound_message import ANSWERED, WITHDRAWN
from hl7_listener.reader import parse
from runtime.clock import now
from runtime.database import Database
from runtime.ids import uuid7
from runtime.nudge import Nudges
from runtime.settings import Settings
from safeguarding.answering import acknowledge_alert
from safeguarding.outbound import OutboundFeed, Withdrawn, read_feeds, set_outbound, switch_off, withdraw_waiting
from safeguarding.sweep import sweep_due
from tests.alerts.running import QUICK, dispatcher
from tests.conftest import FreshDatabase
from tests.hl7_listener.engine import Answering, TestEngine, accept, ack, control_id_in, running_engine
from tests.safeguarding.house import CHILD, KEY, OPERATOR, OTHER_CHILD, SEEN_AT, House, check, open_house

DECLARED = "Dr A. Example, Caldicott guardian, agreement 2026-11 section 4"
SECRET_WORDS = "Ringing the ward at ten"
AGAIN_SOON = replace(QUICK, poll_seconds=0.02)


@dataclass(slots=True)
class Hospital:
    """A house whose first site is told, and the site's engine."""

    house: House
    engine: TestEngine

    async def switch_on(self, site: str = "R0A01", **changes: object) -> None:
        feed = OutboundFeed(site, "127.0.0.1", self.engine.port, False, "PAS", site, site, "2.4", "")
        async with self.house.database.transaction() as transaction:
            await set_outbound(transaction, OPERATOR, replace(feed, **changes), DECLARED)  # type: ignore[arg-type]
        self.house.directory.forget()

    async def switch_off(self, site: str = "R0A01") -> int:
        async with self.house.database.transaction() as transaction:
            waiting = await switch_off(transaction, OPERATOR, site)
        self.house.directory.forget()
        return waiting

    async def withdraw(self, reason: str = "the system was taken out of use", site: str = "R0A01") -> Withdrawn:
        async with self.house.database.transaction() as transaction:
            return await withdraw_waiting(transaction, OPERATOR, site, reason)

    async def answer(self, alert_id: UUID, text: str = SECRET_WORDS) -> None:
        async with self.house.database.transaction() as transaction:
            await acknowledge_alert(transaction, OPERATOR, "301", alert_id, CodedAnswer.WILL_RING, text)

    async def notices(self) -> list[str]:
        return [notice for (notice,) in await self.house.rows("SELECT notice FROM deliveries WHERE channel = 'hl7' ORDER BY id")]

    async def states(self) -> list[str]:
        return [state for (state,) in await self.house.rows("SELECT state FROM deliveries WHERE channel = 'hl7' ORDER BY id")]

    async def seen(self, number: str = CHILD, **changes: object) -> UUID:
        """The child is registered; its alert."""
        await self.house.flag(number)
        return (await self.house.ask(number=number, **changes)).alerts[0]

    def messages(self) -> list[Message]:
        return [parse(each) for each in self.engine.received]

    def words(self) -> list[str]:
        return [message.segments("OBX")[0].field(5) for message in self.messages()]


@pytest.fixture
async def hospital(fresh_database: FreshDatabase) -> AsyncIterator[Hospital]:
    async with open_house(fresh_database.service_url) as house, running_engine() as engine:
        yield Hospital(house, engine)


@pytest.fixture
async def told(hospital: Hospital) -> Hospital:
    await hospital.switch_on()
    return hospital


@asynccontextmanager
async def delivering(hospital: Hospital, **settings: object) -> AsyncIterator[HospitalChannel]:
    """A dispatcher with this channel alone, and without Redis."""
    nudges = Nudges("unix:///nowhere/valkey.sock")
    channel = a_channel(hospital.house.database, **settings)
    async with dispatcher(hospital.house.database, nudges, channel, pace=AGAIN_SOON):
        yield channel
    channel.close()
    await nudges.close()


def a_channel(database: Database, **settings: object) -> HospitalChannel:
    return HospitalChannel(database, Sending.of(Settings(**{"outbound_ack_seconds": 20, **settings})))  # type: ignore[arg-type]


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def all_told(hospital: Hospital, number: int) -> None:
    async def holds() -> bool:
        return await hospital.states() == ["delivered"] * number

    await eventually(holds)


async def attempted(hospital: Hospital, detail: str, times: int = 1) -> None:
    async def holds() -> bool:
        return int(await hospital.house.value("SELECT count(*) FROM attempts WHERE detail = %s", detail)) >= times

    await eventually(holds)


async def be_due(hospital: Hospital) -> None:
    await hospital.house.rows("UPDATE deliveries SET next_attempt_at = now() WHERE state = 'pending' RETURNING id")


# Who is told


async def test_a_site_that_has_not_declared_is_never_told(hospital: Hospital) -> None:
    alert = await hospital.seen()
    await hospital.answer(alert)
    assert await hospital.notices() == []


@pytest.mark.parametrize("declaration", ["", "   ", "yes"])
async def test_without_a_declaration_nothing_is_switched_on(hospital: Hospital, declaration: str) -> None:
    feed = OutboundFeed("R0A01", "127.0.0.1", 2575, False, "", "R0A01", "R0A01", "2.4", "")
    async with hospital.house.database.transaction() as transaction:
        with pytest.raises(InvalidInput, match="released to patients"):
            await set_outbound(transaction, OPERATOR, feed, declaration)
    assert await hospital.house.value("SELECT count(*) FROM outbound_feeds") == 0


@pytest.mark.parametrize("changes", [{"version": "3.0"}, {"port": 0}, {"host": ""}])
async def test_a_feed_of_which_no_message_can_be_made_is_refused(hospital: Hospital, changes: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        await hospital.switch_on(**changes)  # type: ignore[arg-type]


async def test_an_unknown_site_is_refused(hospital: Hospital) -> None:
    with pytest.raises(NotFound):
        await hospital.switch_on("R0Z99")


async def test_another_site_is_not_told(told: Hospital) -> None:
    await told.seen(site="R0A02")
    assert await told.notices() == []


async def test_an_encounter_of_a_test_message_is_told_to_nobody(told: Hospital) -> None:
    await told.house.flag()
    await told.house.ask(test=True)
    assert await told.notices() == []


# What is told


async def test_the_hospital_is_told_of_the_alert_by_its_own_numbers(told: Hospital) -> None:
    await told.seen(local="633")
    async with delivering(told):
        await all_told(told, 1)
    [message] = told.messages()
    assert message.required("PID").raw(3) == f"{CHILD}^^^NHS^NH~633^^^R0A01^MR"
    assert message.required("PV1").component(19, 1) == "V1"
    assert message.processing_id == "T"


async def test_a_late_alert_is_told_too(told: Hospital) -> None:
    await told.house.ask()
    await told.house.flag()
    await told.house.rows("UPDATE extracts SET sweep_due = true RETURNING id")
    _, raised = await sweep_due(told.house.database, told.house.directory, KEY)
    assert len(raised) == 1
    assert await told.notices() == ["raised"]


async def test_that_an_answer_is_there_is_told_and_never_what_it_says(told: Hospital) -> None:
    alert = await told.seen()
    await told.answer(alert)
    await told.answer(alert, "again")
    async with delivering(told):
        await all_told(told, 3)
    assert await told.notices() == ["raised", "acknowledge", "acknowledge 2"]
    assert told.words()[1:] == [ANSWERED, ANSWERED]
    sent = b"".join(told.engine.received)
    for word in (SECRET_WORDS, "will-ring", CodedAnswer.WILL_RING.words, "again", "A tester"):
        assert word.encode() not in sent
    assert len({message.required("OBR").component(3, 1) for message in told.messages()}) == 1


async def test_an_answer_is_told_where_the_alert_was_raised_before_the_site_declared(hospital: Hospital) -> None:
    alert = await hospital.seen()
    await hospital.switch_on()
    await hospital.answer(alert)
    assert await hospital.notices() == ["acknowledge"]


async def test_what_the_hospital_did_itself_is_not_told_back(told: Hospital) -> None:
    await told.seen()
    await told.house.ask(trigger=TriggerEvent.CANCEL_ADMIT, minutes=5)
    await told.house.ask(minutes=6)
    await told.house.ask(trigger=TriggerEvent.DISCHARGE, minutes=9, left_before_seen=True)
    assert await told.house.value("SELECT count(*) FROM alert_events WHERE event <> 'raise'") >= 2
    assert await told.notices() == ["raised"]


async def test_a_result_of_the_wrong_patient_is_withdrawn_from_that_patient(told: Hospital) -> None:
    await told.seen(local="633")
    await told.house.flag(OTHER_CHILD)
    await told.house.ask(number=OTHER_CHILD, local="633", trigger=TriggerEvent.UPDATE, minutes=5)
    async with delivering(told):
        await all_told(told, 3)
    of_child = [each for each in told.messages() if str(CHILD) in each.required("PID").raw(3)]
    of_other = [each for each in told.messages() if str(OTHER_CHILD) in each.required("PID").raw(3)]
    first, withdrawn = of_child
    assert withdrawn.segments("OBX")[0].field(5) == WITHDRAWN
    assert {segment.field(11) for segment in withdrawn.segments("OBX")} == {"W"}
    assert withdrawn.required("OBR").raw(3) == first.required("OBR").raw(3)
    assert len(of_other) == 1


async def test_a_withdrawn_result_is_told_again_where_the_hospital_comes_back_to_the_patient(told: Hospital) -> None:
    await told.seen()
    await told.house.ask(number=OTHER_CHILD, trigger=TriggerEvent.UPDATE, minutes=5)
    await told.house.ask(number=CHILD, trigger=TriggerEvent.UPDATE, minutes=6)
    assert await told.notices() == ["raised", "wrong-identity", "reinstate"]


async def test_an_answer_that_closes_a_withdrawn_alert_is_not_told(told: Hospital) -> None:
    alert = await told.seen()
    await told.house.ask(number=OTHER_CHILD, trigger=TriggerEvent.UPDATE, minutes=5)
    await told.answer(alert)
    assert await told.notices() == ["raised", "wrong-identity"]


async def test_a_site_that_was_told_hears_of_the_withdrawal_although_it_is_switched_off(told: Hospital) -> None:
    await told.seen()
    await told.switch_off()
    await told.house.ask(number=OTHER_CHILD, trigger=TriggerEvent.UPDATE, minutes=5)
    assert await told.notices() == ["raised", "wrong-identity"]


async def told_of(hospital: Hospital) -> list[tuple[str, str]]:
    """Each notice to the hospital, with the number of the patient in whose record it stands."""
    return await hospital.house.rows("SELECT notice, patient->>'nhs_number' FROM deliveries WHERE channel = 'hl7' ORDER BY id")


async def alert_states(hospital: Hospital) -> list[str]:
    return [state for (state,) in await hospital.house.rows("SELECT state FROM alerts ORDER BY id")]


async def named_late(told: Hospital) -> UUID:
    """An encounter of OTHER_CHILD, of which an earlier message comes after it and names CHILD, who is flagged; the alert."""
    await told.house.flag()
    await told.house.ask(number=OTHER_CHILD, minutes=10)
    return (await told.house.ask(trigger=TriggerEvent.UPDATE, minutes=12, event_at=SEEN_AT)).alerts[0]


async def test_a_late_message_that_names_another_child_tells_the_authority_and_puts_nothing_into_the_patients_record(
    told: Hospital,
) -> None:
    alert = await named_late(told)
    await told.answer(alert)
    assert await alert_states(told) == ["acknowledged"]
    assert await told_of(told) == []


async def test_a_lookup_by_another_number_puts_nothing_into_the_record_of_the_encounters_patient(told: Hospital) -> None:
    await told.house.flag()
    await told.house.rows("UPDATE sites SET lookups_alert = true RETURNING ods_code")
    await told.house.ask(number=OTHER_CHILD, local="633")
    looked = await told.house.ask(trigger=TriggerEvent.LOOKUP, local="633", visit_number="", minutes=1)
    assert len(looked.alerts) == 1
    assert await told_of(told) == []


async def test_the_hospital_is_told_as_soon_as_its_own_messages_say_that_it_is_the_child(told: Hospital) -> None:
    await named_late(told)
    await told.house.ask(trigger=TriggerEvent.UPDATE, minutes=20)
    await told.house.ask(trigger=TriggerEvent.UPDATE, minutes=21)
    assert await alert_states(told) == ["raised"]
    assert await told_of(told) == [("raised", CHILD)]


async def test_the_hospital_is_told_of_a_flag_to_which_a_merged_number_leads(told: Hospital) -> None:
    await told.house.flag()
    await told.house.ask(number=OTHER_CHILD)
    prior = check(number=CHILD).identity
    merged = await told.house.ask(number=OTHER_CHILD, trigger=TriggerEvent.MERGE, prior=prior, visit_number="", minutes=1)
    assert len(merged.alerts) == 1
    assert await told_of(told) == [("raised", OTHER_CHILD)]


@pytest.mark.parametrize("flags_of_other, states", [(False, ["retracted"]), (True, ["raised", "raised"])])
async def test_an_alert_of_a_late_message_is_taken_back_once_the_hospital_says_again_who_its_patient_is(
    told: Hospital, flags_of_other: bool, states: list[str]
) -> None:
    """But where the patient is flagged too: then it stays, on the safe side."""
    if flags_of_other:
        await told.house.flag(OTHER_CHILD)
    await named_late(told)
    for event_at in (SEEN_AT, SEEN_AT + timedelta(minutes=20)):
        assert "retracted" not in await alert_states(told), "what is late says nothing"
        await told.house.ask(number=OTHER_CHILD, trigger=TriggerEvent.UPDATE, minutes=20, event_at=event_at)
    assert await alert_states(told) == states
    assert await told_of(told) == [("raised", OTHER_CHILD)] * flags_of_other
    await told.house.ask(trigger=TriggerEvent.UPDATE, minutes=30)
    assert ("raised", CHILD) in await told_of(told), "it was the child after all"


async def test_a_plan_that_ends_takes_no_alert_back(told: Hospital) -> None:
    await told.seen()
    await told.house.rows("UPDATE flags SET deleted_on = current_date RETURNING id")
    await told.house.ask(trigger=TriggerEvent.UPDATE, minutes=5)
    assert await alert_states(told) == ["raised"]
    assert await told_of(told) == [("raised", CHILD)]


@pytest.mark.parametrize("back", [TriggerEvent.REGISTER, TriggerEvent.UPDATE])
async def test_a_result_is_withdrawn_although_the_arrival_was_cancelled_before_the_patient_was_corrected(
    told: Hospital, back: TriggerEvent
) -> None:
    """Whether the arrival stands again or not; the authority, which knows that it was cancelled, is not told again."""
    await told.seen()
    await told.house.ask(trigger=TriggerEvent.CANCEL_ADMIT, minutes=5)
    to_authority = await told.house.value("SELECT count(*) FROM deliveries WHERE channel <> 'hl7'")
    for minutes in (6, 7):
        await told.house.ask(number=OTHER_CHILD, trigger=back, minutes=minutes)
    assert await told_of(told) == [("raised", CHILD), ("wrong-identity", CHILD)]
    assert await alert_states(told) == ["retracted"]
    assert await told.house.value("SELECT count(*) FROM deliveries WHERE channel <> 'hl7'") == to_authority


async def test_each_withdrawal_is_told_however_often_the_hospital_changes_its_mind(told: Hospital) -> None:
    await told.seen()
    await told.house.ask(trigger=TriggerEvent.CANCEL_ADMIT, minutes=5)
    for minutes, number in enumerate((OTHER_CHILD, CHILD, OTHER_CHILD, CHILD), 6):
        await told.house.ask(number=number, minutes=minutes)
    assert await told.notices() == ["raised", "wrong-identity", "reinstate", "wrong-identity 2", "reinstate 2"]
    assert await alert_states(told) == ["raised"]


async def test_an_arrival_that_is_cancelled_and_stands_again_for_the_same_child_withdraws_nothing(told: Hospital) -> None:
    await told.seen()
    await told.house.ask(trigger=TriggerEvent.CANCEL_ADMIT, minutes=5)
    await told.house.ask(trigger=TriggerEvent.UPDATE, minutes=6)
    assert await alert_states(told) == ["retracted"]
    await told.house.ask(minutes=7)
    assert await told.notices() == ["raised"]
    assert await alert_states(told) == ["raised"]


# In which order


def refusing(*numbers: str) -> Answering:
    """An engine that rejects, for now, whatever is about these patients."""

    async def answering(message: bytes, writer: asyncio.StreamWriter) -> None:
        refused = any(number.encode() in message for number in numbers)
        writer.write(ack("AR" if refused else "AA", control_id_in(message)))

    return answering


async def test_a_later_message_about_a_patient_waits_for_the_earlier_one_and_another_patients_does_not(told: Hospital) -> None:
    alert = await told.seen()
    await told.answer(alert)
    await told.seen(OTHER_CHILD, visit_number="V2")
    told.engine.answering = refusing(CHILD)
    async with delivering(told):

        async def others_are_told() -> bool:
            return await told.states() == ["pending", "pending", "delivered"]

        await eventually(others_are_told)
        await attempted(told, "ack-ar", 2)
        assert ANSWERED not in told.words()
        told.engine.answering = accept
        await be_due(told)
        await all_told(told, 3)
    assert told.words()[-1] == ANSWERED


async def test_only_one_message_at_a_time_is_with_an_engine_whoever_dispatches(told: Hospital) -> None:
    for alert in (await told.seen(), await told.seen(OTHER_CHILD, visit_number="V2")):
        for _ in range(4):
            await told.answer(alert)
    at_work: list[str] = []
    overlapping: list[list[str]] = []

    async def answering(message: bytes, writer: asyncio.StreamWriter) -> None:
        at_work.append(control_id_in(message))
        if len(at_work) > 1:
            overlapping.append(list(at_work))
        await asyncio.sleep(0.005)
        at_work.remove(control_id_in(message))
        writer.write(ack("AA", control_id_in(message)))

    told.engine.answering = answering
    async with delivering(told), delivering(told):
        await all_told(told, 10)
    assert overlapping == []
    for child in (CHILD, OTHER_CHILD):
        of_child = [each for each in told.messages() if child in each.required("PID").raw(3)]
        assert [each.required("OBR").field(25) for each in of_child] == ["F", "C", "C", "C", "C"]


async def test_a_site_whose_engine_hangs_keeps_no_other_site_waiting(told: Hospital) -> None:
    async def never(_: bytes, __: asyncio.StreamWriter) -> None:
        return

    async with running_engine() as other:
        told.engine.answering = never
        await told.seen()
        await told.switch_on("R0A02", port=other.port)
        await told.seen(OTHER_CHILD, site="R0A02", visit_number="V2")
        async with delivering(told, outbound_ack_seconds=20):

            async def other_is_told() -> bool:
                return await told.states() == ["pending", "delivered"]

            await eventually(other_is_told)


async def claim(hospital: Hospital, who: str, lease: timedelta = timedelta(seconds=60)) -> list[Delivery]:
    async with hospital.house.database.transaction() as transaction:
        return (await claim_due(transaction, ChannelName.HL7, who, lease, 10)).deliveries


async def test_nobody_claims_for_a_site_for_which_somebody_holds_a_delivery(told: Hospital) -> None:
    await told.seen()
    await told.seen(OTHER_CHILD, visit_number="V2")
    assert len(await claim(told, "one")) == 1
    assert await claim(told, "two") == []


async def test_the_next_of_a_patient_is_claimed_by_nobody_while_the_first_waits_for_its_time(told: Hospital) -> None:
    alert = await told.seen()
    await told.answer(alert)
    await told.house.rows("UPDATE deliveries SET next_attempt_at = now() + interval '1 hour' WHERE notice = 'raised' RETURNING id")
    assert await claim(told, "one") == []


async def tried(hospital: Hospital, outcome: AttemptOutcome) -> UUID:
    """The next delivery is attempted with this outcome, and due again in an hour; its alert."""
    [delivery] = await claim(hospital, "one")
    async with hospital.house.database.transaction() as transaction:
        await record_attempts(transaction, [Attempt(uuid7(), delivery, now(), Attempted(outcome, ""), 3000.0)], "one")
    return delivery.alert_id


async def needing_a_person(hospital: Hospital) -> list[tuple[int, int]]:
    async with hospital.house.database.transaction() as transaction:
        waiting = await read_waiting(transaction)
    return [(each.count, each.needing_a_person) for each in waiting if each.channel is ChannelName.HL7]


async def test_a_rejected_result_holds_back_what_is_of_its_visit_and_no_other_visit(told: Hospital) -> None:
    first = await told.seen()
    [second] = (await told.house.ask(visit_number="V2", minutes=1)).alerts
    assert await tried(told, AttemptOutcome.PERMANENT) == first
    await told.answer(first)
    await told.answer(second)
    assert await needing_a_person(told) == [(4, 2)], "the rejected one, and the answer that waits behind it"
    assert await tried(told, AttemptOutcome.DELIVERED) == second
    assert await tried(told, AttemptOutcome.DELIVERED) == second
    assert await claim(told, "one") == []
    assert await needing_a_person(told) == [(2, 2)]


@pytest.mark.parametrize("age, expected", [("59 minutes", 0), ("61 minutes", 1)])
async def test_a_visit_that_waits_for_its_time_holds_back_the_patients_next_visit_for_an_hour_at_most(
    told: Hospital, age: str, expected: int
) -> None:
    first = await told.seen()
    await told.house.ask(visit_number="V2", minutes=1)
    assert await tried(told, AttemptOutcome.TEMPORARY) == first
    await told.house.rows("UPDATE deliveries SET created_at = now() - %s::interval WHERE alert_id = %s RETURNING id", age, first)
    assert len(await claim(told, "one")) == expected
    assert await needing_a_person(told) == [(2, 0)]


async def test_the_right_patients_result_does_not_wait_for_a_rejected_one_of_the_wrong_patient(told: Hospital) -> None:
    first = await told.seen()
    await told.house.flag(OTHER_CHILD)
    assert await tried(told, AttemptOutcome.PERMANENT) == first
    [right] = (await told.house.ask(number=OTHER_CHILD, trigger=TriggerEvent.UPDATE, minutes=5)).alerts
    assert await tried(told, AttemptOutcome.DELIVERED) == right
    assert await needing_a_person(told) == [(2, 2)]


async def test_claims_of_several_sites_go_side_by_side(told: Hospital) -> None:
    await told.switch_on("R0A02")
    await told.seen()
    await told.seen(OTHER_CHILD, site="R0A02", visit_number="V2")
    assert {each.recipient for each in await claim(told, "one")} == {"R0A01", "R0A02"}


# Nothing lost, nothing that cannot be made one


async def test_a_crash_after_sending_sends_the_same_message_again(told: Hospital) -> None:
    await told.seen()
    [delivery] = await claim(told, "dies", timedelta())
    channel = a_channel(told.house.database)
    await channel.deliver(delivery)
    channel.close()
    async with delivering(told):
        await all_told(told, 1)
    first, second = told.engine.received
    assert first == second


async def test_an_acknowledgement_that_is_lost_sends_the_same_message_again(told: Hospital) -> None:
    async def hang_up(_: bytes, writer: asyncio.StreamWriter) -> None:
        told.engine.answering = accept
        writer.close()

    told.engine.answering = hang_up
    await told.seen()
    async with delivering(told):
        await all_told(told, 1)
    first, second = told.engine.received
    assert first == second


async def test_what_changes_meanwhile_does_not_change_the_message(told: Hospital) -> None:
    """The hospital gives the patient another number of its own: what was to be told is told as it was."""
    await told.seen(local="633")
    told.engine.answering = refusing(CHILD)
    async with delivering(told):
        await attempted(told, "ack-ar")
        await told.house.ask(local="744", trigger=TriggerEvent.UPDATE, minutes=5)
        assert await told.house.value("SELECT local_number FROM encounters") == "744"
        told.engine.answering = accept
        await be_due(told)
        await all_told(told, 1)
    assert len(set(told.engine.received)) == 1


async def test_an_engine_that_says_error_needs_a_person_and_is_tried_again_all_the_same(told: Hospital) -> None:
    async def error(message: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(ack("AE", control_id_in(message)))

    told.engine.answering = error
    await told.seen()
    async with delivering(told):
        await attempted(told, "ack-ae")
        assert await told.house.value("SELECT outcome FROM attempts WHERE detail = 'ack-ae'") == "permanent-failure"
        told.engine.answering = accept
        await be_due(told)
        await all_told(told, 1)


async def test_a_message_that_the_engine_took_without_its_application_is_sent_and_not_delivered(told: Hospital) -> None:
    async def commit(message: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(ack("CA", control_id_in(message)))

    told.engine.answering = commit
    await told.seen()
    async with delivering(told):

        async def is_sent() -> bool:
            return await told.states() == ["sent"]

        await eventually(is_sent)


async def test_while_it_is_switched_off_what_waits_stays_waiting_is_shown_and_goes_out_later(told: Hospital) -> None:
    await told.seen()
    assert await told.switch_off() == 1
    async with delivering(told):
        await attempted(told, "feed-off")
        assert await told.states() == ["pending"]
        assert told.engine.received == []
        async with told.house.database.transaction() as transaction:
            [feed] = await read_feeds(transaction)
        assert (feed.waiting, feed.switched_off_at is not None) == (1, True)
        assert await told.house.value("SELECT outcome FROM attempts") == "permanent-failure"
        await told.seen(OTHER_CHILD, visit_number="V2")
        assert await told.notices() == ["raised"], "nothing new is made"
        await told.switch_on()
        await be_due(told)
        await all_told(told, 1)


@pytest.mark.parametrize("is_off, reason, expected", [(False, "out of use for good", NotFound), (True, " why ", InvalidInput)])
async def test_what_waits_is_withdrawn_from_no_system_that_is_told_and_never_without_a_reason(
    told: Hospital, is_off: bool, reason: str, expected: type[Exception]
) -> None:
    await told.seen()
    if is_off:
        await told.switch_off()
    with pytest.raises(expected):
        await told.withdraw(reason)
    assert await told.states() == ["pending"]
    assert await told.house.value("SELECT count(*) FROM audit_events WHERE action = 'delivery.withdraw'") == 0


async def test_nothing_that_social_care_is_to_hear_can_be_withdrawn(told: Hospital) -> None:
    await told.seen()
    with pytest.raises(CheckViolation):
        await told.house.rows("UPDATE deliveries SET state = 'withdrawn' WHERE channel <> 'hl7' RETURNING id")


async def test_what_a_person_withdraws_waits_no_more_and_who_and_why_is_written_down(told: Hospital) -> None:
    await told.seen()
    await told.switch_on("R0A02")
    await told.seen(OTHER_CHILD, site="R0A02", visit_number="V7")
    await told.switch_off()
    elsewhere = await told.house.rows("SELECT id, state FROM deliveries WHERE channel <> 'hl7' ORDER BY id")
    assert await told.withdraw() == Withdrawn(1, 0)
    assert await told.states() == ["withdrawn", "pending"], "another site's waits"
    assert await told.house.rows("SELECT id, state FROM deliveries WHERE channel <> 'hl7' ORDER BY id") == elsewhere
    assert await told.house.rows(
        "SELECT actor_id, detail->>'reason', detail->>'notice' FROM audit_events WHERE action = 'delivery.withdraw'"
    ) == [(OPERATOR.id, "the system was taken out of use", "raised")]
    assert await told.withdraw() == Withdrawn(0, 0)
    await told.switch_on()
    async with delivering(told):
        await told.house.ask(number=OTHER_CHILD, visit_number="V8")
        await eventually(lambda: _are(told, ["withdrawn", "delivered", "delivered"]))


@pytest.mark.parametrize("outcome, state", [(AttemptOutcome.DELIVERED, "delivered"), (AttemptOutcome.TEMPORARY, "withdrawn")])
async def test_an_attempt_under_way_that_tells_all_the_same_counts_as_told(
    told: Hospital, outcome: AttemptOutcome, state: str
) -> None:
    await told.seen()
    async with told.house.database.transaction() as transaction:
        [delivery] = (await claim_due(transaction, ChannelName.HL7, "d", timedelta(minutes=1), 1)).deliveries
    await told.switch_off()
    await told.withdraw()
    async with told.house.database.transaction() as transaction:
        await record_attempts(transaction, [Attempt(uuid7(), delivery, now(), Attempted(outcome, ""))], "d")
        assert (await claim_due(transaction, ChannelName.HL7, "d", timedelta(minutes=1), 1)).deliveries == []
    assert await told.states() == [state]


@pytest.mark.parametrize("tried, notices", [(False, 1), (True, 2)])
async def test_a_result_that_was_never_told_needs_no_correction_and_one_that_may_have_been_does(
    told: Hospital, tried: bool, notices: int
) -> None:
    await told.seen()
    async with told.house.database.transaction() as transaction:
        [delivery] = (await claim_due(transaction, ChannelName.HL7, "d", timedelta(minutes=1), 1)).deliveries
        failed = Attempted(AttemptOutcome.TEMPORARY, "no-ack" if tried else "feed-off")
        await record_attempts(transaction, [Attempt(uuid7(), delivery, now(), failed)], "d")
    await told.switch_off()
    await told.withdraw()
    await told.house.ask(number=OTHER_CHILD, trigger=TriggerEvent.UPDATE, minutes=1)
    assert len(await told.notices()) == notices
    assert await told.withdraw() == Withdrawn(notices - 1, notices - 1)


async def _are(hospital: Hospital, states: list[str]) -> bool:
    return await hospital.states() == states


async def test_nothing_leaves_the_machine_in_the_clear(told: Hospital) -> None:
    await told.switch_on(host="engine.amber.test")
    await told.seen()
    async with delivering(told):
        await attempted(told, "no-tls")
    assert told.engine.received == []


async def test_another_address_is_used_at_once(told: Hospital) -> None:
    alert = await told.seen()
    async with delivering(told), running_engine() as other:
        await all_told(told, 1)
        await told.switch_on(port=other.port)
        await told.answer(alert)
        await all_told(told, 2)
        assert len(other.received) == 1


async def test_who_switched_it_is_written_down(told: Hospital) -> None:
    await told.switch_off()
    found = await told.house.rows(
        "SELECT action, actor_name, detail->>'declaration' FROM audit_events WHERE action LIKE 'site.outbound%%' ORDER BY id"
    )
    assert found == [("site.outbound", "A tester", DECLARED), ("site.outbound-off", "A tester", None)]
    with pytest.raises(NotFound):
        await told.switch_off()


async def test_no_word_of_a_patient_is_in_an_attempt_or_an_error(told: Hospital) -> None:
    async def chatty(message: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(ack("AE", control_id_in(message)).replace(b"\x1c\r", b"ERR|||207|E||||no patient 9990000018\r\x1c\r"))

    told.engine.answering = chatty
    await told.seen()
    async with delivering(told):
        await attempted(told, "ack-ae")
    assert await told.house.rows("SELECT DISTINCT detail FROM attempts") == [("ack-ae",)]
