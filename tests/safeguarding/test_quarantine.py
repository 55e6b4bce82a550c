"""What is held until a person decides: never lost, never taken twice, never seen by those whom it is not about."""

import asyncio
from uuid import UUID, uuid4

import psycopg
import pytest

from domain.actor import Actor, ActorKind, Role
from domain.care_setting import CareSetting
from domain.errors import Conflict, CouldNotReachStore, InvalidInput, NotFound
from domain.replaying import Refusal
from hl7_listener import answering
from hl7_listener.answering import Answerer
from hl7_listener.sender import Sender
from runtime.clock import now
from safeguarding.housekeeping import keep_house
from safeguarding.quarantine_decisions import LONGEST_REASON, SHORTEST_REASON, discard, replay
from safeguarding.quarantine_views import (
    QuarantineState,
    find_quarantined,
    list_quarantine,
    oldest_held,
    open_quarantined,
    quarantine_of_organisation,
    quarantined_of_organisation,
)
from safeguarding.quarantine_words import what_would_mend
from safeguarding.sites import add_site, allow_peer
from tests.hl7_listener.samples import sample
from tests.safeguarding.house import CHILD, OPERATOR, House

NURSE = Actor(ActorKind.PERSON, "nurse", "Nora Nurse", "R0A", Role.SITE_SAFEGUARDING)
HERE, ELSEWHERE = "127.0.0.1", "10.9.9.9"
A04 = sample("a04_emergency")
OF_NEW_SITE = A04.replace(b"|PAS|R0A01|", b"|PAS|R0C01|")
NO_PID = b"\r".join(line for line in A04.split(b"\r") if not line.startswith(b"PID"))


def door(house: House) -> Answerer:
    return Answerer(house.desk, house.directory, house.database)


async def code_of(house: House, raw: bytes, address: str = HERE) -> str:
    """How a message is acknowledged that comes over the wire."""
    [acknowledgement] = (await door(house).answer(raw, Sender(address))).frames
    return acknowledgement.split(b"\rMSA|")[1].split(b"|")[0].decode()


async def held(house: House, raw: bytes, address: str = HERE) -> UUID:
    """A message comes that cannot be taken; its row."""
    assert await code_of(house, raw, address) == "AE"
    found: UUID = await house.value("SELECT id FROM quarantine WHERE raw = %s AND state = 'held'", raw)
    return found


async def try_again(house: House, message_id: UUID, actor: Actor = OPERATOR) -> Refusal | None:
    house.directory.forget()
    async with house.database.transaction() as transaction:
        return await replay(transaction, actor, message_id, door(house).take_again)


async def open_the_new_site(house: House) -> None:
    async with house.database.transaction() as transaction:
        await add_site(transaction, OPERATOR, "R0C01", "Site R0C01", CareSetting.EMERGENCY_DEPARTMENT, networks=[f"{HERE}/32"])
    house.directory.forget()


async def actions(house: House) -> list[str]:
    return [
        action for (action,) in await house.rows("SELECT action FROM audit_events WHERE action LIKE 'quarantine.%%' ORDER BY id")
    ]


async def test_a_message_that_is_not_there_cannot_be_decided_about(house: House) -> None:
    with pytest.raises(NotFound):
        await try_again(house, uuid4())
    async with house.database.transaction() as transaction:
        with pytest.raises(NotFound):
            await discard(transaction, OPERATOR, uuid4(), "nobody needs it")
        with pytest.raises(NotFound):
            await find_quarantined(transaction, uuid4())


@pytest.mark.parametrize("reason", ["", "   ", "x" * (SHORTEST_REASON - 1), "x" * (LONGEST_REASON + 1)])
async def test_nothing_is_discarded_without_a_reason(house: House, reason: str) -> None:
    message_id = await held(house, NO_PID)
    with pytest.raises(InvalidInput):
        async with house.database.transaction() as transaction:
            await discard(transaction, OPERATOR, message_id, reason)
    assert await house.rows("SELECT state, decided_by FROM quarantine") == [("held", None)]


async def test_a_message_that_still_cannot_be_taken_stays_held_in_the_same_row_with_the_new_reason(house: House) -> None:
    message_id = await held(house, NO_PID.replace(b"|PAS|R0A01|", b"|PAS|R0C01|"), ELSEWHERE)
    [(reason, code)] = await house.rows("SELECT reason, error_code FROM quarantine")
    assert (reason, code) == ("this address is not registered as a peer", "204")
    async with house.database.transaction() as transaction:
        await allow_peer(transaction, f"{ELSEWHERE}/32", "R0A01")
    refusal = await try_again(house, message_id)
    assert refusal == Refusal("this peer may not speak for the facility in MSH-4", "204")
    assert await house.rows("SELECT id, state, reason, last_tried_at IS NOT NULL FROM quarantine") == [
        (message_id, "held", refusal.reason, True)
    ]
    assert await actions(house) == ["quarantine.replay-refused"]


async def test_once_the_cause_is_mended_a_replay_is_taken_alerts_once_and_is_marked(house: House) -> None:
    await house.flag(CHILD)
    message_id = await held(house, OF_NEW_SITE)
    await open_the_new_site(house)
    assert await try_again(house, message_id, NURSE) is None
    assert await house.rows("SELECT state, decided_by, decided_at IS NOT NULL FROM quarantine") == [
        ("replayed", "Nora Nurse", True)
    ]
    assert await house.value("SELECT count(*) FROM alerts") == 1
    assert await actions(house) == ["quarantine.replay"]
    with pytest.raises(Conflict, match="replayed already, by Nora Nurse"):
        await try_again(house, message_id)
    assert await house.value("SELECT count(*) FROM alerts") == 1


async def test_a_replay_of_what_was_sent_again_meanwhile_does_nothing_twice(house: House) -> None:
    await house.flag(CHILD)
    message_id = await held(house, OF_NEW_SITE)
    await open_the_new_site(house)
    assert await code_of(house, OF_NEW_SITE) == "AA"
    assert await try_again(house, message_id) is None
    assert await house.rows("SELECT state FROM quarantine") == [("replayed",)]
    assert [await house.value(f"SELECT count(*) FROM {table}") for table in ("alerts", "inbox", "encounters")] == [1, 1, 1]


async def test_a_crash_between_taking_and_marking_leaves_it_held_and_the_next_replay_finds_a_repeat(house: House) -> None:
    await house.flag(CHILD)
    message_id = await held(house, OF_NEW_SITE)
    await open_the_new_site(house)

    async def take_and_die(raw: bytes, address: str, certificate: str | None) -> Refusal | None:
        assert await door(house).take_again(raw, address, certificate) is None
        raise psycopg.OperationalError("the process is gone")

    with pytest.raises(CouldNotReachStore):
        async with house.database.transaction() as transaction:
            await replay(transaction, OPERATOR, message_id, take_and_die)
    assert await house.rows("SELECT state FROM quarantine") == [("held",)]
    assert await try_again(house, message_id) is None
    assert await house.rows("SELECT state FROM quarantine") == [("replayed",)]
    assert await house.value("SELECT count(*) FROM alerts") == 1


async def test_our_own_trouble_leaves_it_held_as_it_was(house: House) -> None:
    message_id = await held(house, NO_PID)

    async def away(raw: bytes, address: str, certificate: str | None) -> Refusal | None:
        raise CouldNotReachStore("the database is away")

    with pytest.raises(CouldNotReachStore):
        async with house.database.transaction() as transaction:
            await replay(transaction, OPERATOR, message_id, away)
    assert await house.rows("SELECT state, last_tried_at FROM quarantine") == [("held", None)]
    assert await actions(house) == []


async def test_a_fault_of_ours_leaves_it_held_and_is_said_without_stopping_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    message_id = await held(house, OF_NEW_SITE)
    monkeypatch.setattr(answering, "to_checks", lambda *_: 1 // 0)
    await open_the_new_site(house)
    assert await try_again(house, message_id) == Refusal("Nightlight failed at this message", "207")
    monkeypatch.undo()
    assert await try_again(house, message_id) is None


async def test_two_people_who_decide_at_once_decide_once(house: House) -> None:
    await house.flag(CHILD)
    message_id = await held(house, OF_NEW_SITE)
    await open_the_new_site(house)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(raw: bytes, address: str, certificate: str | None) -> Refusal | None:
        begun.set()
        await go_on.wait()
        return await door(house).take_again(raw, address, certificate)

    async def first() -> Refusal | None:
        async with house.database.transaction() as transaction:
            return await replay(transaction, OPERATOR, message_id, slowly)

    replaying = asyncio.create_task(first())
    await begun.wait()
    with pytest.raises(Conflict, match="somebody else"):
        await try_again(house, message_id, NURSE)
    with pytest.raises(Conflict, match="somebody else"):
        async with house.database.transaction() as transaction:
            await discard(transaction, NURSE, message_id, "sent twice")
    go_on.set()
    assert await replaying is None
    assert await house.rows("SELECT state, decided_by FROM quarantine") == [("replayed", OPERATOR.name)]
    assert await house.value("SELECT count(*) FROM alerts") == 1


async def test_a_replay_that_is_late_undoes_nothing_that_came_after_it(house: House) -> None:
    await house.flag(CHILD)
    message_id = await held(house, OF_NEW_SITE)
    await open_the_new_site(house)
    for event, hours in ((b"A08", 1), (b"A03", 2)):
        later = _hours_later(OF_NEW_SITE.replace(b"ADT^A04^ADT_A01", b"ADT^" + event).replace(b"NL000417", event), hours)
        assert await code_of(house, later) == "AA"
    before = await house.rows("SELECT state, departed_at FROM encounters")
    assert [state for state, _ in before] == ["closed"]
    assert await try_again(house, message_id) is None
    assert await house.rows("SELECT state, departed_at FROM encounters") == before


def _hours_later(message: bytes, hours: int) -> bytes:
    """The same with EVN-2 so many hours on."""
    segments = message.split(b"\r")
    at = next(number for number, segment in enumerate(segments) if segment.startswith(b"EVN"))
    fields = segments[at].split(b"|")
    fields[2] = fields[2][:8] + b"%02d" % (int(fields[2][8:10]) + hours) + fields[2][10:]
    segments[at] = b"|".join(fields)
    return b"\r".join(segments)


async def test_what_is_discarded_keeps_who_when_and_why_and_is_erased_a_month_later(house: House) -> None:
    message_id = await held(house, NO_PID)
    async with house.database.transaction() as transaction:
        await discard(transaction, NURSE, message_id, " sent by a test system ")
    assert await house.rows("SELECT state, decided_by, decision_reason FROM quarantine") == [
        ("discarded", "Nora Nurse", "sent by a test system")
    ]
    assert await actions(house) == ["quarantine.discard"]
    with pytest.raises(Conflict, match="discarded already"):
        await try_again(house, message_id)
    await house.rows("UPDATE quarantine SET decided_at = now() - interval '31 days' RETURNING 1")
    await keep_house(house.database, 30)
    assert await house.rows("SELECT id FROM quarantine") == []


async def test_the_list_shows_no_content_is_capped_and_says_so(house: House) -> None:
    for number in range(3):
        await held(house, NO_PID.replace(b"NL000417", b"C%d" % number))
    async with house.database.transaction() as transaction:
        oldest = await list_quarantine(transaction, limit=2)
        newest = await list_quarantine(transaction, newest_first=True, limit=2)
        whole = await list_quarantine(transaction, limit=3)
    assert ([row.control_id for row in oldest.rows], oldest.is_full) == (["C0", "C1"], True)
    assert ([row.control_id for row in newest.rows], newest.is_full) == (["C2", "C1"], True)
    assert (len(whole.rows), whole.is_full) == (3, False)
    assert not any(hasattr(row, "raw") for row in whole.rows)


async def test_the_list_is_filtered_by_state_and_by_a_facility_known_or_not(house: House) -> None:
    known, unknown = await held(house, NO_PID), await held(house, OF_NEW_SITE)
    async with house.database.transaction() as transaction:
        await discard(transaction, OPERATOR, await held(house, b"not HL7 at all"), "a port scan")
        for state, site, expected in (
            (QuarantineState.HELD, None, [known, unknown]),
            (QuarantineState.HELD, "r0a01", [known]),
            (QuarantineState.HELD, "R0C01", [unknown]),
            (QuarantineState.HELD, "R0Z01", []),
            (QuarantineState.REPLAYED, None, []),
        ):
            assert [row.id for row in (await list_quarantine(transaction, state, site)).rows] == expected
        assert len((await list_quarantine(transaction, QuarantineState.DISCARDED)).rows) == 1


async def test_an_organisation_sees_only_messages_whose_sender_may_speak_for_its_sites(house: House) -> None:
    own = await held(house, NO_PID)
    from_elsewhere = await held(house, A04, ELSEWHERE)
    unknown = await held(house, OF_NEW_SITE)
    directory = await house.directory.current()
    async with house.database.transaction() as transaction:
        mine = await quarantine_of_organisation(transaction, directory, "R0A")
        assert ([row.id for row in mine.rows], mine.unproven) == ([own], 1)
        theirs = await quarantine_of_organisation(transaction, directory, "R0B")
        assert (theirs.rows, theirs.unproven) == ((), 0)
        assert (await quarantined_of_organisation(transaction, directory, "R0A", own)).id == own
        for organisation, message_id in (
            ("R0A", from_elsewhere),
            ("R0A", unknown),
            ("R0B", own),
            ("R0C", unknown),
            ("R0A", uuid4()),
        ):
            with pytest.raises(NotFound):
                await quarantined_of_organisation(transaction, directory, organisation, message_id)


async def test_opening_a_message_is_audited_and_gives_its_bytes_as_they_came(house: House) -> None:
    message_id = await held(house, NO_PID)
    async with house.database.transaction() as transaction:
        assert await open_quarantined(transaction, NURSE, await find_quarantined(transaction, message_id)) == NO_PID
    assert await house.rows(
        "SELECT action, actor_name, subject_id, detail FROM audit_events WHERE action LIKE 'quarantine.%%'"
    ) == [("quarantine.view", "Nora Nurse", str(message_id), {"site": "R0A01", "state": "held"})]


async def test_the_age_of_the_oldest_counts_only_what_is_held(house: House) -> None:
    async with house.database.transaction() as transaction:
        assert await oldest_held(transaction) is None
    began = now()
    message_id = await held(house, NO_PID)
    async with house.database.transaction() as transaction:
        oldest = await oldest_held(transaction)
        assert oldest is not None
        assert oldest >= began
        await discard(transaction, OPERATOR, message_id, "sent by a test system")
        assert await oldest_held(transaction) is None


@pytest.mark.parametrize("code", [*map(str, range(100, 104)), *map(str, range(200, 208)), "999", ""])
def test_for_every_code_there_is_a_sentence_that_says_what_to_do(code: str) -> None:
    words = what_would_mend(code)
    assert words.endswith(".")
    assert any(verb in words for verb in ("send", "eplay"))
