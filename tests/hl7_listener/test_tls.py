"""TLS on the listener's port: who gets no word in, what a hostile peer costs, and new certificates without a restart."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import trustme
from prometheus_client import REGISTRY

from hl7_listener import server
from hl7_listener.answered import Answered
from hl7_listener.framing import frame
from hl7_listener.sender import Sender
from hl7_listener.server import Limits, listening
from hl7_listener.tls import BadCertificate, Certificates, TlsFiles
from tests.hl7_listener.tls import NAME, PAST, Caller, Office, calling, client, fingerprint

LIMITS = Limits(
    frame_bytes=1_000_000, connections=6, connections_per_peer=3, idle_seconds=60, frame_seconds=60, handshake_seconds=60
)
HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100


@dataclass(slots=True)
class Door:
    """A running listener that sends back what it takes, and what it took from whom."""

    office: Office
    certificates: Certificates
    sock: socket.socket
    port: int
    taken: list[tuple[bytes, Sender]]


@asynccontextmanager
async def open_door(
    office: Office, limits: Limits = LIMITS, *, client_ca: bool = True, optional: bool = False, only_1_3: bool = False
) -> AsyncIterator[Door]:
    certificates = Certificates(replace(office.issue(client_ca=client_ca), optional=optional, only_1_3=only_1_3))
    taken: list[tuple[bytes, Sender]] = []

    async def answer(raw: bytes, sender: Sender) -> Answered:
        taken.append((raw, sender))
        return Answered((raw,))

    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    async with listening(sock, answer, limits, certificates):
        yield Door(office, certificates, sock, port, taken)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
async def door(office: Office) -> AsyncIterator[Door]:
    async with open_door(office) as door:
        yield door


def refused() -> float:
    return REGISTRY.get_sample_value("nightlight_mllp_refused_total", {"reason": "TLS handshake failed"}) or 0.0


def no_certificate(office: Office) -> ssl.SSLContext:
    return client(office.ca)


def another_authority(office: Office) -> ssl.SSLContext:
    return client(office.ca, trustme.CA().issue_cert("pas.amber.test"))


def expired(office: Office) -> ssl.SSLContext:
    return client(office.ca, office.leaf(not_after=PAST.replace(year=2021)))


def old_tls(office: Office) -> ssl.SSLContext:
    context = client(office.ca, office.leaf())
    context.set_ciphers("ALL:@SECLEVEL=0")  # else the client itself would refuse
    with pytest.warns(DeprecationWarning, match=r"TLSv1_1 is deprecated"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


@pytest.mark.parametrize("context_of", [no_certificate, another_authority, expired, old_tls], ids=lambda each: each.__name__)
async def test_who_does_not_prove_who_it_is_gets_no_word_in(door: Door, context_of: Callable[[Office], ssl.SSLContext]) -> None:
    before = refused()
    with suppress(OSError):  # with TLS 1.3 a client learns of it only when it reads
        async with calling(door.port, context_of(door.office)) as caller:
            assert await caller.send(b"MSH") == b""
    await hello(door)
    assert [raw for raw, _ in door.taken] == [b"hello"]
    assert refused() == before + 1


async def test_where_certificates_are_optional_one_that_is_shown_must_still_hold(office: Office) -> None:
    async with open_door(office, optional=True) as door:
        for context in (another_authority(office), expired(office)):
            with suppress(OSError):
                async with calling(door.port, context) as caller:
                    assert await caller.send(b"MSH") == b""
        leaf = office.leaf()
        for context in (client(office.ca), client(office.ca, leaf)):
            async with calling(door.port, context) as caller:
                assert await caller.send(b"MSH") == b"MSH"
    assert [(sender.certificate, sender.mutual) for _, sender in door.taken] == [(None, False), (fingerprint(leaf), True)]


async def test_a_listener_for_tls_1_3_alone_refuses_1_2(office: Office) -> None:
    async with open_door(office, only_1_3=True) as door:
        old = client(office.ca, office.leaf())
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with pytest.raises(OSError):  # noqa: PT011 -- whatever way the other end says no
            await asyncio.open_connection("127.0.0.1", door.port, ssl=old, server_hostname=NAME)
        assert await hello(door) == b"hello"
    assert [raw for raw, _ in door.taken] == [b"hello"]


async def test_plain_bytes_to_the_tls_port_are_refused(door: Door) -> None:
    before = refused()
    async with calling(door.port) as caller:
        assert await caller.send(b"MSH") == b""
    await hello(door)
    assert [raw for raw, _ in door.taken] == [b"hello"]
    assert refused() == before + 1


async def test_tls_to_the_plain_port_is_closed_at_once_instead_of_waiting_for_a_frame() -> None:
    async def answer(_: bytes, __: Sender) -> Answered:
        raise AssertionError

    sock = socket.create_server(("127.0.0.1", 0))
    async with listening(sock, answer, LIMITS):
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", sock.getsockname()[1], ssl=client(trustme.CA()), server_hostname="x")


async def test_half_open_handshakes_have_a_bound_and_stop_nobody_else(door: Door) -> None:
    hostile = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(40)]
    closed: asyncio.Queue[int] = asyncio.Queue()

    async def wait_for(number: int) -> None:
        reader, writer = hostile[number]
        writer.write(HALF_A_HELLO)
        await Caller(reader, writer).closed()
        await closed.put(number)

    waiting = [asyncio.create_task(wait_for(number)) for number in range(40)]
    for _ in range(40 - LIMITS.connections_per_peer):
        await asyncio.wait_for(closed.get(), 30)
    assert await hello(door, "127.0.0.2") == b"hello"
    assert closed.empty(), "the hospital came in while the last half-open handshakes still had their places"
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    for _, writer in hostile:
        writer.transport.abort()


@pytest.mark.parametrize("said", [b"", HALF_A_HELLO], ids=["silent", "half a hello"])
async def test_a_handshake_that_takes_too_long_gives_its_place_back(office: Office, said: bytes) -> None:
    strict = replace(LIMITS, connections_per_peer=1, handshake_seconds=0.1)
    async with open_door(office, strict) as door:
        async with calling(door.port) as silent:
            silent.writer.write(said)
            await silent.closed()
        assert await hello_in_time(door) == b"hello"


@pytest.mark.parametrize("secure", [True, False])
async def test_who_never_reads_its_acknowledgements_is_closed_and_the_others_go_on(office: Office, secure: bool) -> None:
    async def answer(raw: bytes, _: Sender) -> Answered:
        return Answered((raw,))

    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    certificates = Certificates(office.issue()) if secure else None
    context = client(office.ca, office.leaf()) if secure else None
    async with listening(sock, answer, replace(LIMITS, frame_seconds=0.2), certificates):
        async with calling(port, context) as deaf:
            deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]
            with pytest.raises(ConnectionError):
                await pour(deaf.writer, 1_000, 500_000, 30)
        async with calling(port, context) as other:
            assert await other.send(b"hello") == b"hello"


async def test_what_waits_for_an_answer_is_bounded_in_bytes() -> None:
    stuck = asyncio.Event()

    async def answer(_: bytes, __: Sender) -> Answered:
        await stuck.wait()
        return Answered()

    sock = socket.create_server(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    async with listening(sock, answer, LIMITS):
        async with calling(sock.getsockname()[1]) as caller:
            caller.writer.transport.set_write_buffer_limits(0)
            with pytest.raises(TimeoutError):
                await pour(caller.writer, 14, 999_000, 1)  # fewer than may wait by number; 14 MB by weight
        stuck.set()


async def test_tcp_itself_notices_a_peer_that_vanished(door: Door) -> None:
    assert door.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1, "accepted connections inherit it"
    assert door.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) <= 60


async def test_a_certificate_says_who_it_is(door: Door) -> None:
    leaf = door.office.leaf()
    async with calling(door.port, client(door.office.ca, leaf)) as caller:
        assert await caller.send(b"MSH") == b"MSH"
    assert door.taken == [(b"MSH", Sender("127.0.0.1", fingerprint(leaf), mutual=True))]


async def test_without_a_client_ca_nobody_is_asked_and_nobody_is_proven(office: Office) -> None:
    async with open_door(office, client_ca=False) as door, calling(door.port, client(office.ca, office.leaf())) as caller:
        assert await caller.send(b"MSH") == b"MSH"
        assert door.taken == [(b"MSH", Sender("127.0.0.1", None, mutual=False))]


async def test_a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on(door: Door) -> None:
    context = client(door.office.ca, door.office.leaf())
    async with calling(door.port, context) as old:
        assert await old.send(b"one") == b"one"
        door.office.issue()
        door.certificates.refresh()
        async with calling(door.port, context) as new:
            assert await new.send(b"two") == b"two"
            assert new.shown() != old.shown()
        assert await old.send(b"three") == b"three"


async def test_the_files_are_looked_at_without_being_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_LOOK_AT_FILES_EVERY_SECONDS", 0.01)
    async with open_door(office) as door:
        context = client(office.ca, office.leaf())
        async with calling(door.port, context) as caller:
            before = caller.shown()
        office.issue()
        shown = before
        while shown == before:
            async with calling(door.port, context) as caller:
                shown = caller.shown()


async def test_an_authority_that_was_taken_away_lets_nobody_in_any_more(door: Door) -> None:
    old_ca, old = door.office.ca, door.office.leaf()
    door.office.ca = trustme.CA()
    door.office.issue()
    door.certificates.refresh()
    async with calling(door.port, client(door.office.ca, old)) as caller:
        assert await caller.send(b"MSH") == b""
    assert old_ca is not door.office.ca
    assert await hello(door) == b"hello"


def broken_certificate(files: TlsFiles) -> None:
    files.certificate.write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")


def missing_key(files: TlsFiles) -> None:
    files.key.unlink()


def foreign_key(files: TlsFiles) -> None:
    files.key.write_bytes(trustme.CA().issue_cert("x").private_key_pem.bytes())


def locked_key(files: TlsFiles) -> None:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    key = load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))


def empty_client_ca(files: TlsFiles) -> None:
    assert files.client_ca is not None
    files.client_ca.write_text("")


BREAKERS = [broken_certificate, missing_key, foreign_key, locked_key, empty_client_ca]


@pytest.mark.parametrize("spoil", BREAKERS, ids=lambda each: each.__name__)
def test_files_that_cannot_be_used_are_refused_at_the_start_in_words(office: Office, spoil: Callable[[TlsFiles], None]) -> None:
    files = office.issue()
    spoil(files)
    with pytest.raises(BadCertificate, match="file cannot be used"):
        Certificates(files)


@pytest.mark.parametrize("spoil", BREAKERS, ids=lambda each: each.__name__)
async def test_a_broken_new_file_keeps_the_old_certificate_and_says_so(door: Door, spoil: Callable[[TlsFiles], None]) -> None:
    spoil(door.office.issue())
    door.certificates.refresh()
    assert "file cannot be used" in door.certificates.problem
    assert await hello(door) == b"hello"
    door.office.issue()
    door.certificates.refresh()
    assert door.certificates.problem == ""
    assert await hello(door) == b"hello"


def test_a_new_certificate_that_has_expired_already_is_not_taken(office: Office) -> None:
    certificates = Certificates(office.issue())
    expires_at = certificates.expires_at
    office.issue(not_after=PAST.replace(year=2021))
    certificates.refresh()
    assert certificates.problem == "the new certificate has expired"
    assert certificates.expires_at == expires_at


def test_the_first_certificate_may_have_expired_and_says_so(office: Office) -> None:
    certificates = Certificates(office.issue(not_after=PAST.replace(year=2021)))
    assert certificates.problem == "the certificate has expired"
    assert certificates.expires_at.year == 2021


async def pour(writer: asyncio.StreamWriter, frames: int, size: int, seconds: float) -> None:
    """Send frames without reading a word. Raises TimeoutError where one is not taken off our hands in time."""
    for _ in range(frames):
        writer.write(frame(b"x" * size))
        await asyncio.wait_for(writer.drain(), seconds)


async def hello(door: Door, address: str = "127.0.0.1") -> bytes:
    """What a hospital with a good certificate gets back."""
    async with calling(door.port, client(door.office.ca, door.office.leaf()), address) as caller:
        return await caller.send(b"hello")


async def hello_in_time(door: Door) -> bytes:
    """The same, tried until there is a place: a closed connection's place is free a moment after its peer hears of it.

    A hospital may be too slow for the door, too; with TLS 1.3 it learns of that when it reads, and gets nothing back.
    """
    while True:
        with suppress(OSError):
            if answered := await hello(door):
                return answered
        await asyncio.sleep(0.01)
