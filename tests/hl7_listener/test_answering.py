"""What goes back on the wire in enhanced mode, at trouble of ours, for recycled control IDs, and as each site wishes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from prometheus_client import REGISTRY

from hl7_listener.answered import ANNOUNCEMENT
from hl7_listener.answering import Answerer
from hl7_listener.framing import frame
from hl7_listener.sender import Sender
from safeguarding.desk import Desk
from safeguarding.sites import Answering, set_answering
from tests.conftest import FreshDatabase
from tests.hl7_listener.samples import sample
from tests.hl7_listener.test_listener import Listener, Peer, code_of, run_listener
from tests.safeguarding.house import CHILD, KEY, OPERATOR, House, open_house

PLAIN, MUTUAL = Sender("127.0.0.1"), Sender("127.0.0.1", mutual=True)


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(fresh_database.service_url) as house:
        yield house


@pytest.fixture
async def listener(house: House) -> AsyncIterator[Listener]:
    async with run_listener(house) as listener:
        yield listener


@asynccontextmanager
async def connected(listener: Listener) -> AsyncIterator[Peer]:
    peer = await listener.connect()
    yield peer
    peer.writer.close()


def a04(accept: str = "", application: str = "", control_id: str = "NL000417", version: str = "2.4") -> bytes:
    """The emergency of the samples with these conditions in MSH-15 and MSH-16."""
    raw = sample("a04_emergency").replace(b"NL000417", control_id.encode())
    old, new = b"|P|2.4|||||GBR|", f"|P|{version}|||{accept}|{application}|GBR|".encode()
    assert old in raw
    return raw.replace(old, new)


def without_pid(raw: bytes) -> bytes:
    return b"\r".join(line for line in raw.split(b"\r") if not line.startswith(b"PID|"))


def answerer(house: House, desk: Desk | None = None) -> Answerer:
    return Answerer(desk or house.desk, house.directory, house.database, link=lambda path: f"https://nightlight.example{path}")


def full_desk(house: House) -> Desk:
    """A desk at which nobody can wait."""
    return Desk(house.database, house.directory, KEY, queue=0)


async def choose(house: House, **wishes: bool | str) -> None:
    async with house.database.transaction() as transaction:
        await set_answering(transaction, OPERATOR, "R0A01", Answering(**wishes))  # type: ignore[arg-type]
    house.directory.forget()
    await house.directory.current()


def recycled() -> float:
    return REGISTRY.get_sample_value("nightlight_recycled_control_ids_total", {"site": "R0A01"}) or 0.0


# Enhanced mode


async def test_both_acknowledgements_come_in_their_order_and_a_repeat_gets_the_same_two(listener: Listener) -> None:
    async with connected(listener) as peer:
        accept, application = await peer.send(a04("AL", "AL")), await peer.receive()
        assert (code_of(accept), code_of(application)) == ("CA", "AA")
        assert b"MSA|CA|NL000417" in accept
        assert b"MSA|AA|NL000417" in application
        assert accept.split(b"|")[9] != application.split(b"|")[9], "each is a message of its own"
        assert (await peer.send(a04("AL", "AL")), await peer.receive()) == (accept, application)
    assert await listener.house.value("SELECT count(*) FROM accesses") == 1


@pytest.mark.parametrize("accept,application", [("NE", "NE"), ("NE", ""), ("ER", "ER")])
async def test_a_sender_that_wants_to_hear_nothing_hears_nothing_and_its_message_is_on_disk(
    listener: Listener, accept: str, application: str
) -> None:
    async with connected(listener) as peer:
        peer.writer.write(frame(a04(accept, application, "QUIET")))
        assert b"MSA|AA|LOUD" in await peer.send(a04(control_id="LOUD"))
    assert await listener.house.rows("SELECT control_id FROM inbox ORDER BY received_at") == [("QUIET",), ("LOUD",)]


async def test_what_a_person_must_mend_is_kept_although_nobody_is_told(listener: Listener) -> None:
    async with connected(listener) as peer:
        for _ in range(2):
            peer.writer.write(frame(without_pid(a04("NE", "NE", "QUIET"))))
        assert code_of(await peer.send(without_pid(a04("AL", "AL", "HELD")))) == "CE"
        assert code_of(await peer.send(without_pid(a04("SU", "AL", "HELD")))) == "AE"
        assert b"MSA|AA|LOUD" in await peer.send(a04(control_id="LOUD"))
    kept = await listener.house.rows("SELECT control_id FROM quarantine ORDER BY control_id")
    assert kept == [("HELD",), ("HELD",), ("QUIET",)]


@pytest.mark.parametrize(
    "acknowledgement",
    [
        b"MSH|^~\\&|PAS|R0A01|NL|R0A|2026||ACK^A04^ACK||P|2.4\rMSA|AA|1\r",
        b"MSH|^~\\&|PAS|R0Z99|NL|R0A|2026||ACK|X1|P|2.5|||AL|AL\rMSA|AE|1\r",
        b"BHS|^~\\&|PAS\rMSH|^~\\&|PAS|R0A01|NL|R0A|2026||ACK|X1|P|2.4\rMSA|AA|1\rBTS|1\r",
    ],
    ids=["without a control ID", "from a stranger, asking for one", "in a batch"],
)
async def test_no_acknowledgement_is_ever_acknowledged_or_held(listener: Listener, acknowledgement: bytes) -> None:
    async with connected(listener) as peer:
        peer.writer.write(frame(acknowledgement))
        assert code_of(await peer.send(a04())) == "AA"
    assert await listener.house.value("SELECT count(*) FROM quarantine") == 0


async def test_a_frame_that_is_too_long_is_rejected_in_the_senders_mode(listener: Listener) -> None:
    async with connected(listener) as peer:
        assert code_of(await peer.send(a04("AL", "NE") + b"ZZZ|" + b"x" * 30_000)) == "CR"


# Trouble of ours


@pytest.mark.parametrize(
    "accept,application,codes", [("", "", ["AR"]), ("AL", "AL", ["CR"]), ("NE", "ER", ["AR"]), ("SU", "SU", [])]
)
async def test_our_own_trouble_is_said_as_the_sender_wants_to_hear_it(
    house: House, accept: str, application: str, codes: list[str]
) -> None:
    answered = await answerer(house, full_desk(house)).answer(a04(accept, application), PLAIN)
    assert [code_of(each) for each in answered.frames] == codes
    assert not answered.close
    assert await house.value("SELECT count(*) FROM inbox") == 0


async def test_a_site_that_takes_ar_as_final_sees_the_connection_close_instead(listener: Listener) -> None:
    await choose(listener.house, silent_on_failure=True)
    real = listener.house.desk
    listener.house.desk = full_desk(listener.house)
    async with run_listener(listener.house) as troubled, connected(troubled) as peer:
        peer.writer.write(frame(a04()))
        assert await peer.closed() == b""
    async with run_listener(listener.house) as troubled, connected(troubled) as peer:
        peer.writer.write(frame(b"BHS|^~\\&|PAS\r" + a04() + b"BTS|1\r"))
        assert await peer.closed() == b""
    listener.house.desk = real
    async with connected(listener) as peer:
        assert code_of(await peer.send(a04())) == "AA"


async def test_what_nobody_will_send_again_is_tried_until_it_is_taken(house: House, fresh_database: FreshDatabase) -> None:
    async with await psycopg.AsyncConnection.connect(fresh_database.owner_url) as other:
        await other.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
        answering = asyncio.create_task(answerer(house).answer(a04("NE", "NE"), PLAIN))
        told = await answerer(house).answer(a04("AL", "NE", "TOLD"), PLAIN)
        assert [code_of(each) for each in told.frames] == ["CR"]
        assert not answering.done()
        await other.rollback()
        assert (await asyncio.wait_for(answering, 60)).frames == ()
    assert await house.rows("SELECT control_id FROM inbox") == [("NL000417",)]


async def test_where_too_many_insist_the_next_connection_closes(house: House) -> None:
    busy = answerer(house, full_desk(house))
    while not busy.insistence.places.locked():
        await busy.insistence.places.acquire()
    assert (await busy.answer(a04("NE", "NE"), PLAIN)).close


# Recycled control IDs


def other_content() -> bytes:
    return a04().replace(b"HARDING", b"HARDINGE")


async def test_a_recycled_control_id_is_answered_and_counted(listener: Listener) -> None:
    before = recycled()
    async with connected(listener) as peer:
        for message in (a04(), a04(), other_content(), other_content()):
            assert code_of(await peer.send(message)) == "AA"
    assert recycled() - before == 1
    assert await listener.house.value("SELECT count(*) FROM inbox") == 2


async def test_a_site_may_refuse_a_recycled_control_id_and_a_person_may_take_it(listener: Listener) -> None:
    await choose(listener.house, refuse_recycled=True)
    before = recycled()
    async with connected(listener) as peer:
        first = await peer.send(a04())
        refused = await peer.send(other_content())
        assert b"MSA|AE|NL000417" in refused
        assert b"205&Duplicate key identifier" in refused
        assert await peer.send(other_content()) == refused
        assert await peer.send(a04()) == first, "a repeat is no new content"
        assert recycled() - before == 2
        assert await listener.house.rows("SELECT raw, error_code FROM quarantine") == [(other_content(), "205")]
        assert await answerer(listener.house).take_again(other_content(), "127.0.0.1", None) is None
        assert code_of(await peer.send(other_content())) == "AA", "it is taken now, so that this is a repeat"
    assert await listener.house.value("SELECT count(*) FROM inbox") == 2


# Character sets


@pytest.mark.parametrize(
    "declared,wish,visit", [("", "", "V¤"), ("", "8859/15", "V€"), ("UTF-8", "8859/15", "V€"), ("8859/1", "8859/15", "V¤")]
)
async def test_a_sites_character_set_counts_where_msh_18_is_missing_or_wrong(
    listener: Listener, declared: str, wish: str, visit: str
) -> None:
    await choose(listener.house, character_set=wish)
    raw = a04().replace(b"|UNICODE|", f"|{declared}|".encode()).replace(b"V2026110500417", b"V\xa4")
    async with connected(listener) as peer:
        assert code_of(await peer.send(raw)) == "AA"
    assert await listener.house.value("SELECT reference FROM encounters") == visit


# The announcement


async def announced(house: House, raw: bytes, sender: Sender = MUTUAL) -> bytes:
    [ack] = (await answerer(house).answer(raw, sender)).frames
    assert b"MSA|AA|" in ack
    return ack


@pytest.mark.parametrize(
    "known,wanted,sender,changes",
    [
        (True, False, MUTUAL, (b"", b"")),
        (True, True, PLAIN, (b"", b"")),
        (False, True, MUTUAL, (b"", b"")),
        (True, True, MUTUAL, (b"|P|2.4|", b"|T|2.4|")),
        (True, True, MUTUAL, (b"9990000018^^^NHS^NH", b"")),
    ],
    ids=["not chosen", "without mutual TLS", "nothing known", "a test message", "could not check"],
)
async def test_nothing_is_announced_unless_all_allows_it(
    house: House, known: bool, wanted: bool, sender: Sender, changes: tuple[bytes, bytes]
) -> None:
    if known:
        await house.flag(CHILD)
    await choose(house, announce_in_ack=wanted)
    ack = await announced(house, a04().replace(*changes), sender)
    assert len(ack.split(b"\r")) == 3, ack


@pytest.mark.parametrize("version,segment", [("2.4", "NTE|1||{}"), ("2.5.1", "ERR|||0^Message accepted^HL70357|I||||{}")])
async def test_what_is_known_is_announced_in_neutral_words_with_the_banners_address(
    house: House, version: str, segment: str
) -> None:
    await house.flag(CHILD, family_name="Harding")
    await choose(house, announce_in_ack=True)
    ack = await announced(house, a04(version=version))
    encounter = await house.value("SELECT id FROM encounters")
    words = f"{ANNOUNCEMENT} https://nightlight.example/encounters/{encounter}"
    assert ack.split(b"\r")[2].decode() == segment.format(words)
    for identifying in (b"9990000018", b"HARDING", b"Amelia", b"20190304", b"V2026110500417"):
        assert identifying not in ack


async def test_what_was_announced_is_replayed_as_it_was(house: House) -> None:
    flag = await house.flag(CHILD)
    await choose(house, announce_in_ack=True)
    first = await announced(house, a04())
    await choose(house, announce_in_ack=False)
    async with house.database.transaction() as transaction:
        await transaction.execute("UPDATE flags SET end_date = start_date WHERE id = %s", (flag,))
    assert await announced(house, a04()) == first


async def test_an_accept_acknowledgement_announces_nothing(house: House) -> None:
    await house.flag(CHILD)
    await choose(house, announce_in_ack=True)
    [accept] = (await answerer(house).answer(a04("AL", "NE"), MUTUAL)).frames
    assert ANNOUNCEMENT.encode() not in accept
