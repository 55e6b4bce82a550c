"""The listener over real sockets and real PostgreSQL: what it refuses, what it keeps, what it acknowledges, and when."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from hl7_listener.answering import Answerer
from hl7_listener.framing import frame
from hl7_listener.server import Limits, listening
from tests.conftest import FreshDatabase
from tests.hl7_listener.samples import adt, sample
from tests.safeguarding.house import CHILD, UNKNOWN_CHILD, House, open_house

LIMITS = Limits(frame_bytes=20_000, connections=5, connections_per_peer=3, idle_seconds=60, frame_seconds=60)


@dataclass(slots=True)
class Peer:
    """A hospital's engine on the other end of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, message: bytes) -> bytes:
        self.writer.write(frame(message))
        return await self.receive()

    async def receive(self) -> bytes:
        content = await asyncio.wait_for(self.reader.readuntil(b"\x1c\r"), 60)
        return content[1:-2]

    async def closed(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), 60)


@dataclass(slots=True)
class Listener:
    house: House
    port: int

    async def connect(self) -> Peer:
        return Peer(*await asyncio.open_connection("127.0.0.1", self.port))


@asynccontextmanager
async def run_listener(house: House, limits: Limits = LIMITS) -> AsyncIterator[Listener]:
    sock = socket.create_server(("127.0.0.1", 0))
    answerer = Answerer(house.desk, house.directory, house.database)
    async with listening(sock, answerer.answer, limits):
        yield Listener(house, sock.getsockname()[1])


@pytest.fixture
async def listener(fresh_database: FreshDatabase) -> AsyncIterator[Listener]:
    async with open_house(fresh_database.service_url) as house, run_listener(house) as listener:
        yield listener


def code_of(acknowledgement: bytes) -> str:
    return acknowledgement.split(b"\rMSA|")[1].split(b"|")[0].decode()


def a04() -> bytes:
    return sample("a04_emergency")


@pytest.mark.parametrize(
    "message,error",
    [
        (b"not HL7 at all", b"MSH"),
        (b"", b"frame is empty"),
        (a04().replace(b"ADT^A04^ADT_A01", b"ORU^R01"), b"only ADT"),
        (b"\r".join(line for line in a04().split(b"\r") if not line.startswith(b"PID")), b"PID"),
        (a04().replace(b"|PAS|R0A01|", b"|PAS|R0Z99|"), b"may not speak"),
        (a04() + next(line for line in a04().split(b"\r") if line.startswith(b"PID")) + b"\r", b"more than one patient"),
    ],
    ids=["no HL7", "empty", "not an ADT", "no PID", "another's facility", "two patients"],
)
async def test_what_a_person_must_mend_is_kept_and_answered_with_ae(listener: Listener, message: bytes, error: bytes) -> None:
    peer = await listener.connect()
    first = await peer.send(message)
    assert code_of(first) == "AE"
    assert error in first
    assert await peer.send(message) == first, "the same message is held once and answered the same"
    assert await listener.house.rows("SELECT raw, state FROM quarantine") == [(message, "held")]
    assert await listener.house.value("SELECT count(*) FROM accesses") == 0
    peer.writer.close()


async def test_an_address_that_is_no_peer_is_refused_and_kept(listener: Listener) -> None:
    async with listener.house.database.transaction() as transaction:
        await transaction.execute("DELETE FROM peer_facilities")
    peer = await listener.connect()
    assert code_of(await peer.send(a04())) == "AE"
    assert await listener.house.value("SELECT count(*) FROM quarantine") == 1
    peer.writer.close()


async def test_a_frame_that_is_too_long_is_rejected_and_the_connection_closed(listener: Listener) -> None:
    peer = await listener.connect()
    assert code_of(await peer.send(a04() + b"ZZZ|" + b"x" * 30_000)) == "AR"
    assert await peer.closed() == b""
    peer.writer.close()


async def test_one_peer_cannot_take_all_connections(listener: Listener) -> None:
    peers = [await listener.connect() for _ in range(4)]
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await peers[3].send(a04())
    assert code_of(await peers[0].send(a04())) == "AA"
    for peer in peers:
        peer.writer.close()


async def test_a_slow_peer_is_closed_and_the_others_go_on(listener: Listener) -> None:
    async with run_listener(listener.house, replace(LIMITS, frame_seconds=0.1)) as strict:
        slow, quick = await strict.connect(), await strict.connect()
        slow.writer.write(b"\x0bMSH|^~")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await slow.receive()
        assert code_of(await quick.send(a04())) == "AA"
        for peer in (slow, quick):
            peer.writer.close()


async def test_a_flagged_child_is_acknowledged_neutrally_after_everything_is_on_disk(listener: Listener) -> None:
    await listener.house.flag(CHILD, family_name="Harding")
    peer = await listener.connect()
    acknowledgement = await peer.send(a04())
    assert code_of(acknowledgement) == "AA"
    assert b"MSA|AA|NL000417" in acknowledgement
    assert b"safeguarding" not in acknowledgement.lower()
    assert await listener.house.value("SELECT count(*) FROM alerts") == 1
    assert await listener.house.value("SELECT acknowledgement FROM inbox") == acknowledgement
    assert await listener.house.rows("SELECT reference, care_setting, unscheduled, local_number FROM encounters") == [
        ("V2026110500417", "emergency-department", True, "633")
    ]
    peer.writer.close()


async def test_same_control_id_twice_gives_the_same_ack_and_one_alert(listener: Listener) -> None:
    await listener.house.flag(CHILD)
    peer = await listener.connect()
    first = await peer.send(a04())
    restamped = a04().replace(b"|20261105101530||", b"|20261105101931||")
    assert restamped != a04()
    assert await peer.send(restamped) == first
    assert await listener.house.value("SELECT count(*) FROM alerts") == 1
    assert await listener.house.value("SELECT count(*) FROM accesses") == 1
    peer.writer.close()


async def test_messages_of_one_connection_are_answered_in_their_order(listener: Listener) -> None:
    peer = await listener.connect()
    messages = [a04().replace(b"NL000417", b"NL%06d" % number) for number in range(40)]
    peer.writer.write(b"".join(frame(message) for message in messages))
    for number in range(40):
        assert b"|NL%06d" % number in await peer.receive()
    peer.writer.close()


async def test_the_whole_stay_is_followed(listener: Listener) -> None:
    await listener.house.flag(CHILD)
    peer = await listener.connect()
    for name in ("a04_emergency", "a03_left_before_seen"):
        assert code_of(await peer.send(sample(name))) == "AA", name
    assert await listener.house.rows("SELECT state, left_before_seen FROM encounters") == [("closed", True)]
    assert await listener.house.value("SELECT count(*) FROM alerts") == 1
    peer.writer.close()


async def test_what_was_sent_before_a_half_close_is_answered(listener: Listener) -> None:
    peer = await listener.connect()
    peer.writer.write(frame(a04()))
    peer.writer.write_eof()
    assert code_of(await peer.receive()) == "AA"
    assert await peer.closed() == b""
    peer.writer.close()


async def test_an_acknowledgement_is_never_acknowledged(listener: Listener) -> None:
    peer = await listener.connect()
    peer.writer.write(frame(b"MSH|^~\\&|PAS|R0A01|NIGHTLIGHT|R0A|20261105||ACK|X1|P|2.4\rMSA|AA|1\r"))
    assert code_of(await peer.send(a04())) == "AA"
    peer.writer.close()


async def test_a_number_that_another_place_gave_is_never_taken_for_this_hospitals_own(listener: Listener) -> None:
    await listener.house.flag()
    peer = await listener.connect()
    await peer.send(adt(f"PID|1||{CHILD}^^^NHS^NH~634^^^R0A01^MR", "PV1|1|E|||||||||||||||||V1"))
    other = f"PID|1||{UNKNOWN_CHILD}^^^NHS^NH~777^^^R0A01^MR~634^^^GPSYSTEM^PI"
    assert b"MSA|AA" in await peer.send(adt(other, event="A31"))
    peer.writer.close()
    assert await listener.house.value("SELECT nhs_number FROM encounters") == CHILD


@pytest.mark.parametrize("word", ["UNKNOWN", "0000000", "N/A", "-"])
async def test_what_is_no_number_of_anybody_links_no_two_patients(listener: Listener, word: str) -> None:
    await listener.house.flag()
    peer = await listener.connect()
    await peer.send(adt(f"PID|1||{word}^^^R0A01^MR~{UNKNOWN_CHILD}^^^NHS^NH", "PV1|1|E" + "|" * 42 + "20260303"))
    await peer.send(adt(f"PID|1||{word}^^^R0A01^MR~{CHILD}^^^NHS^NH", "PV1|1|E" + "|" * 42 + "20260303"))
    peer.writer.close()
    assert await listener.house.value("SELECT count(*) FROM encounters") == 2
    assert await listener.house.value("SELECT count(*) FROM alerts") == 1
