"""The client against engines on real sockets, ordinary and hostile: whose acknowledgement counts, and what becomes of the rest."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from prometheus_client import REGISTRY

from domain.alert import AttemptOutcome
from domain.channel import Attempted
from hl7_listener.framing import END, frame
from hl7_listener.outbound_client import LONGEST_ACK, Engine, EngineLine, read_acknowledgement
from hl7_listener.outbound_tls import ClientFiles, client_context, stays_here
from hl7_listener.tls import BadCertificate
from tests.hl7_listener.engine import Answering, TestEngine, ack, control_id_in, running_engine

DELIVERED = Attempted(AttemptOutcome.DELIVERED)
PATIENT = 30.0
"""Longer than any test takes: what ends a wait is the engine, never the clock."""
IMPATIENT = 0.2


def message(control_id: str = "M1") -> bytes:
    return rf"MSH|^~\&|NIGHTLIGHT|NIGHTLIGHT|PAS|R0A01|20261121||ORU^R01|{control_id}|P|2.4{chr(13)}".encode()


def temporary(detail: str) -> Attempted:
    return Attempted(AttemptOutcome.TEMPORARY, detail)


@asynccontextmanager
async def line_to(engine: TestEngine, seconds: float = PATIENT, files: ClientFiles | None = None) -> AsyncIterator[EngineLine]:
    line = EngineLine(Engine("R0A01", "localhost" if files else "127.0.0.1", engine.port, files), seconds)
    try:
        yield line
    finally:
        line.close()


def answers(*content: bytes, close: bool = False) -> Answering:
    async def answering(_: bytes, writer: asyncio.StreamWriter) -> None:
        for each in content:
            writer.write(each)
            await writer.drain()
        if close:
            writer.close()

    return answering


async def once(answering: Answering, seconds: float = PATIENT) -> Attempted:
    async with running_engine(answering=answering) as engine, line_to(engine, seconds) as line:
        return await line.send(message(), "M1")


def dropped(reason: str) -> float:
    return REGISTRY.get_sample_value("nightlight_outbound_acks_dropped_total", {"site": "R0A01", "reason": reason}) or 0.0


# What each code means


@pytest.mark.parametrize(
    "code,outcome,detail",
    [
        ("AA", AttemptOutcome.DELIVERED, ""),
        ("CA", AttemptOutcome.SENT, ""),
        ("AE", AttemptOutcome.PERMANENT, "ack-ae"),
        ("CE", AttemptOutcome.PERMANENT, "ack-ce"),
        ("AR", AttemptOutcome.TEMPORARY, "ack-ar"),
        ("CR", AttemptOutcome.TEMPORARY, "ack-cr"),
        ("ZZ", AttemptOutcome.TEMPORARY, "ack-unclear"),
        ("aa", AttemptOutcome.DELIVERED, ""),
    ],
)
async def test_an_acknowledgement_is_taken_by_its_code(code: str, outcome: AttemptOutcome, detail: str) -> None:
    assert await once(answers(ack(code, "M1"))) == Attempted(outcome, detail)


# What is no acknowledgement of this message


@pytest.mark.parametrize(
    "first",
    [
        ack("AE", "M0"),
        ack("AA", "M11") + ack("AA", ""),
        frame(b""),
        frame(b"no HL7 at all"),
        frame(b"MSH|^~\\&|||||||ADT^A01|M1|P|2.4\r"),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 3_000,
        b"\x0bMSH|^~\\&|cut" + ack("AR", "M2"),
    ],
)
async def test_what_answers_another_message_or_none_is_passed_over(first: bytes) -> None:
    assert await once(answers(first, ack("AA", "M1"))) == DELIVERED


async def test_only_somebody_elses_acknowledgement_is_no_acknowledgement() -> None:
    assert await once(answers(ack("AA", "M0")), IMPATIENT) == temporary("no-ack")


async def test_a_late_acknowledgement_is_counted_and_never_taken_for_the_next_message() -> None:
    """The first message's acknowledgement comes in front of the second's, on the same connection."""

    async def answering(taken: bytes, writer: asyncio.StreamWriter) -> None:
        if control_id_in(taken) == "M1":
            writer.write(ack("AA", "M1") + ack("AE", "M1"))
        else:
            writer.write(ack("AA", "M1"))
            writer.write(ack("AR", "M2"))

    before = dropped("other")
    async with running_engine(answering=answering) as engine, line_to(engine) as line:
        assert await line.send(message("M1"), "M1") == DELIVERED
        assert await line.send(message("M2"), "M2") == temporary("ack-ar")
        assert engine.connections == 1
    assert dropped("other") - before == 2


async def test_two_acknowledgements_of_one_message_are_one() -> None:
    async with running_engine(answering=answers(ack("AA", "M1") + ack("AE", "M1"))) as engine, line_to(engine) as line:
        assert await line.send(message(), "M1") == DELIVERED


# What goes wrong on the way


async def test_nobody_listens() -> None:
    async with running_engine() as engine:
        pass
    async with line_to(engine) as line:
        assert await line.send(message(), "M1") == temporary("no-connection")


async def test_an_engine_that_never_answers_is_given_up_for_now_and_called_anew() -> None:
    async with running_engine(answering=answers()) as engine, line_to(engine, IMPATIENT) as line:
        assert await line.send(message("M1"), "M1") == temporary("no-ack")
        assert await line.send(message("M2"), "M2") == temporary("no-ack")
        while engine.connections < 2:  # noqa: ASYNC110 (it may be given up before it was taken)
            await asyncio.sleep(0.001)
        assert engine.connections == 2


async def test_a_close_in_the_middle_of_an_acknowledgement_is_none() -> None:
    assert await once(answers(ack("AA", "M1")[:-3], close=True)) == temporary("lost-connection")


async def test_a_slow_engine_may_send_byte_by_byte() -> None:
    async def answering(_: bytes, writer: asyncio.StreamWriter) -> None:
        for byte in ack("AA", "M1"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)

    assert await once(answering) == DELIVERED


@pytest.mark.parametrize("closed", [True, False])
async def test_an_answer_without_end_costs_bounded_memory_and_is_none(closed: bool) -> None:
    async with (
        running_engine(answering=answers(b"\x0bMSH|" + b"x" * (4 * LONGEST_ACK), close=closed)) as engine,
        line_to(engine) as line,
    ):
        assert await line.send(message(), "M1") == temporary("ack-too-long")
        engine.answering = answers(ack("AA", "M2"))
        assert await line.send(message("M2"), "M2") == DELIVERED, "the next one has a connection of its own"


async def test_who_gives_up_waiting_leaves_no_acknowledgement_behind_for_the_next() -> None:
    async with running_engine(answering=answers()) as engine, line_to(engine) as line:
        sending = asyncio.create_task(line.send(message("M1"), "M1"))
        while not engine.received:  # noqa: ASYNC110
            await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        engine.answering = answers(ack("AA", "M2"))
        assert await line.send(message("M2"), "M2") == DELIVERED
        assert engine.connections == 2


# One connection that stays


async def test_one_connection_serves_many_messages() -> None:
    async with running_engine() as engine, line_to(engine) as line:
        for number in range(5):
            assert await line.send(message(f"M{number}"), f"M{number}") == DELIVERED
        assert engine.connections == 1


async def test_messages_go_one_after_another() -> None:
    async with running_engine() as engine, line_to(engine) as line:
        sent = await asyncio.gather(*(line.send(message(f"M{number}"), f"M{number}") for number in range(20)))
        assert set(sent) == {DELIVERED}
        assert engine.control_ids == [f"M{number}" for number in range(20)]
        assert engine.most_at_work == 1


async def test_a_connection_that_the_engine_has_closed_is_opened_again() -> None:
    async with running_engine(answering=answers(ack("AA", "M1"), close=True)) as engine, line_to(engine) as line:
        assert await line.send(message(), "M1") == DELIVERED
        while engine.open_now:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        engine.answering = answers(ack("AA", "M2"))
        again = await line.send(message("M2"), "M2")
        if again != DELIVERED:  # the close was still on its way: the dispatcher tries again
            assert again == temporary("lost-connection")
            again = await line.send(message("M2"), "M2")
        assert again == DELIVERED


# TLS


class Trust:
    """Certificates of an engine, of Nightlight, and of somebody else."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ca, self.other = folder, trustme.CA(), trustme.CA()
        self.ours = self.ca.issue_cert("nightlight.test")

    def server(self, name: str = "localhost", *, mutual: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(name).configure_cert(context)
        if mutual:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def files(self, ca: trustme.CA | None = None, *, mutual: bool = False) -> ClientFiles:
        paths = [self.folder / name for name in ("ca.pem", "certificate.pem", "key.pem")]
        (ca or self.ca).cert_pem.write_to_path(str(paths[0]))
        self.ours.cert_chain_pems[0].write_to_path(str(paths[1]))
        self.ours.private_key_pem.write_to_path(str(paths[2]))
        return ClientFiles(*paths) if mutual else ClientFiles(paths[0])


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return Trust(tmp_path)


async def over_tls(context: ssl.SSLContext, files: ClientFiles) -> tuple[Attempted, list[bytes]]:
    async with running_engine(context) as engine, line_to(engine, files=files) as line:
        return await line.send(message(), "M1"), engine.received


async def test_an_engine_of_another_authority_gets_nothing(trust: Trust) -> None:
    assert await over_tls(trust.server(), trust.files(trust.other)) == (temporary("tls-failed"), [])


async def test_an_engine_of_another_name_gets_nothing(trust: Trust) -> None:
    assert await over_tls(trust.server("elsewhere.test"), trust.files()) == (temporary("tls-failed"), [])


async def test_an_engine_that_wants_a_certificate_gets_nothing_from_who_has_none(trust: Trust) -> None:
    attempted, received = await over_tls(trust.server(mutual=True), trust.files())
    assert attempted.outcome is AttemptOutcome.TEMPORARY
    assert received == []


@pytest.mark.parametrize("mutual", [False, True])
async def test_an_engine_that_is_who_it_says_is_told(trust: Trust, mutual: bool) -> None:
    attempted, received = await over_tls(trust.server(mutual=mutual), trust.files(mutual=mutual))
    assert attempted == DELIVERED
    assert received == [message()]


async def test_a_plain_engine_gets_nothing_over_tls(trust: Trust) -> None:
    # Read as bytes, not as frames: a hello is half random, and by chance has the marks of a frame in it.
    received = bytearray()

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.extend(await reader.read(65_536))
        writer.write(ack("AA", "M1"))
        received.extend(await reader.read(65_536))
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server, line_to(TestEngine(server.sockets[0].getsockname()[1]), files=trust.files()) as line:
        assert await line.send(message(), "M1") == temporary("tls-failed")
    assert received
    assert b"NIGHTLIGHT" not in received


async def test_files_that_cannot_be_used_need_a_person_and_good_ones_are_taken_without_a_restart(trust: Trust) -> None:
    files = trust.files(mutual=True)
    assert files.key is not None
    key = files.key.read_bytes()
    files.key.write_text("spoilt")
    async with running_engine(trust.server(mutual=True)) as engine, line_to(engine, files=files) as line:
        assert await line.send(message(), "M1") == Attempted(AttemptOutcome.PERMANENT, "tls-files")
        files.key.write_bytes(key)
        assert await line.send(message(), "M1") == DELIVERED


@pytest.mark.parametrize("missing", ["ca", "certificate", "key"])
def test_a_file_that_is_missing_is_said(trust: Trust, missing: str) -> None:
    files = trust.files(mutual=True)
    getattr(files, missing).unlink()
    with pytest.raises(BadCertificate, match="NIGHTLIGHT_OUTBOUND"):
        client_context(files)


def test_a_certificate_without_its_key_is_said(trust: Trust) -> None:
    files = trust.files(mutual=True)
    with pytest.raises(BadCertificate, match="needs its key"):
        client_context(ClientFiles(files.ca, files.certificate))


@pytest.mark.parametrize(
    "host,here",
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("10.1.2.3", False), ("localhost.evil", False)],
)
def test_only_this_machine_is_here(host: str, here: bool) -> None:
    assert stays_here(host) is here


@pytest.mark.parametrize("payload", [b"", b"MSA|AA|M1", b"MSH|^~\\&|||||||ACK|1|P|2.4\r", END * 3])
def test_what_is_no_acknowledgement_has_no_code(payload: bytes) -> None:
    assert read_acknowledgement(payload) == ("", "")
