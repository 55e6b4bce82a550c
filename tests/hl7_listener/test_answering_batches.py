"""Batches over real sockets: each message is taken by itself, none stops another, and a repeat finishes what was left."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from hl7_listener.framing import frame
from tests.conftest import FreshDatabase
from tests.hl7_listener.samples import adt
from tests.hl7_listener.test_answering import a04, connected, without_pid
from tests.hl7_listener.test_listener import Listener, code_of, run_listener
from tests.safeguarding.house import CHILD, OTHER_CHILD, UNKNOWN_CHILD, open_house

BHS, FHS = b"BHS|^~\\&|PAS|R0A01|NIGHTLIGHT|R0A|||||B-7\r", b"FHS|^~\\&|PAS|R0A01|NIGHTLIGHT|R0A|||||F-7\r"


@pytest.fixture
async def listener(fresh_database: FreshDatabase) -> AsyncIterator[Listener]:
    async with open_house(fresh_database.service_url) as house, run_listener(house) as listener:
        yield listener


def batch(*messages: bytes, count: int | None = None) -> bytes:
    return BHS + b"".join(messages) + b"BTS|%d\r" % (len(messages) if count is None else count)


def acks_in(response: bytes) -> list[bytes]:
    """The acknowledgements inside a response, each with its segments."""
    acks: list[bytes] = []
    for segment in response.split(b"\r"):
        if segment.startswith(b"MSH"):
            acks.append(b"")
        if acks and segment[:3] not in {b"BHS", b"BTS", b"FHS", b"FTS", b""}:
            acks[-1] += segment + b"\r"
    return acks


def codes(response: bytes) -> list[str]:
    return [code_of(ack) for ack in acks_in(response)]


def visit(number: str, visit_number: str, event: str, control_id: str, recorded: str = "20260303140000") -> bytes:
    """An emergency visit's message about a person."""
    raw = adt(f"EVN|{event}|{recorded}", f"PID|1||{number}^^^NHS^NH", "PV1|1|E" + "|" * 17 + visit_number, event=event)
    return raw.replace(b"|NL1|", f"|{control_id}|".encode())


async def test_a_bad_message_is_held_and_stops_nobody_else(listener: Listener) -> None:
    good, bad, better = a04(control_id="C1"), without_pid(a04(control_id="C2")), a04(control_id="C3")
    async with connected(listener) as peer:
        response = await peer.send(batch(good, bad, better))
        assert codes(response) == ["AA", "AE", "AA"]
        assert [ack.split(b"MSA|")[1][3:5] for ack in acks_in(response)] == [b"C1", b"C2", b"C3"]
        assert response.startswith(b"BHS|^~\\&|NIGHTLIGHT|R0A|PAS|R0A01|")
        assert response.endswith(b"\rBTS|3\r")
        assert await listener.house.rows("SELECT raw FROM quarantine") == [(bad,)]
        assert await listener.house.rows("SELECT control_id FROM inbox ORDER BY received_at") == [("C1",), ("C3",)]
        assert acks_in(await peer.send(batch(good, bad, better))) == acks_in(response)
        assert [await peer.send(each) for each in (good, bad, better)] == acks_in(response), "alone or in a batch, it is the same"
    assert await listener.house.value("SELECT count(*) FROM accesses") == 2


async def test_a_count_that_disagrees_is_said_and_everything_is_taken(listener: Listener) -> None:
    async with connected(listener) as peer:
        response = await peer.send(FHS + batch(a04(), count=2) + b"FTS|1\r")
    assert response.endswith(b"\rBTS|1|BTS-1 says 2, and 1 came.\rFTS|1\r")
    assert codes(response) == ["AA"]


async def test_segments_outside_every_message_are_held_and_answered(listener: Listener) -> None:
    orphan = b"PID|1||9990000018^^^NHS^NH\r"
    async with connected(listener) as peer:
        assert codes(await peer.send(batch(orphan, a04()))) == ["AE", "AA"]
    assert await listener.house.rows("SELECT raw FROM quarantine") == [(orphan,)]


async def test_a_batch_follows_a_stay_in_its_order(listener: Listener) -> None:
    await listener.house.flag(CHILD)
    stay = [visit(CHILD, "V1", event, event, f"2026030314{at:02}00") for at, event in enumerate(("A04", "A08", "A03"))]
    async with connected(listener) as peer:
        assert codes(await peer.send(batch(*stay))) == ["AA", "AA", "AA"]
    assert await listener.house.rows("SELECT reference, state FROM encounters") == [("V1", "closed")]
    assert await listener.house.value("SELECT count(*) FROM alerts") == 1


@pytest.mark.parametrize(
    "conditions,expected",
    [(("AL", "AL"), ["AA", "CE"]), (("AL", "NE"), ["CA", "CE"]), (("NE", "ER"), ["AE"]), (("SU", "NE"), ["CA"])],
)
async def test_each_message_of_a_batch_has_at_most_one_acknowledgement_by_its_own_conditions(
    listener: Listener, conditions: tuple[str, str], expected: list[str]
) -> None:
    async with connected(listener) as peer:
        response = await peer.send(batch(a04(*conditions, "C1"), without_pid(a04(*conditions, "C2"))))
    assert codes(response) == expected
    assert response.endswith(b"\rBTS|%d\r" % len(expected))


async def test_a_batch_that_wants_to_hear_nothing_gets_no_response_and_an_empty_one_does(listener: Listener) -> None:
    async with connected(listener) as peer:
        peer.writer.write(frame(batch(a04("NE", "NE"))))
        assert codes(await peer.send(batch())) == []
    assert await listener.house.value("SELECT count(*) FROM inbox") == 1


async def test_trouble_half_way_leaves_the_rest_to_a_repeat_which_acknowledges_what_was_taken_as_before(
    listener: Listener, fresh_database: FreshDatabase
) -> None:
    messages = [
        visit(CHILD, "V1", "A04", "C1"),
        visit(OTHER_CHILD, "V2", "A08", "C2", "20260303150000"),
        visit(UNKNOWN_CHILD, "V3", "A04", "C3"),
    ]
    async with connected(listener) as peer:
        await peer.send(visit(OTHER_CHILD, "V2", "A04", "C0"))
        async with await psycopg.AsyncConnection.connect(fresh_database.owner_url) as other:
            await other.execute("SELECT FROM encounters WHERE reference = 'V2' FOR UPDATE")
            first = await peer.send(batch(*messages))
        assert codes(first) == ["AA", "AR", "AR"]
        assert await listener.house.rows("SELECT control_id FROM inbox ORDER BY control_id") == [("C0",), ("C1",)]
        second = await peer.send(batch(*messages))
        assert codes(second) == ["AA", "AA", "AA"]
        assert acks_in(second)[0] == acks_in(first)[0]
    assert await listener.house.value("SELECT count(*) FROM encounters") == 3
