"""A whole service tells a hospital's own system: of the alert, and that a social worker has answered; plain and over mutual TLS."""

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from hl7_listener.outbound_message import ANSWERED
from hl7_listener.reader import parse
from tests.acceptance.service import IDENTIFYING, Service, code_of, register, serving
from tests.acceptance.test_the_whole_walk import hidden, signed_in
from tests.embedded.processes import eventually
from tests.hl7_listener.engine import TestEngine, running_engine

DECLARED = ("--not-released", "Dr A. Example, Caldicott guardian, agreement 2026-11")


@contextmanager
def engine_beside(context: ssl.SSLContext | None = None) -> Iterator[TestEngine]:
    """The hospital's engine, in a thread of its own, until the block ends."""
    started, stop, engines = threading.Event(), threading.Event(), []

    async def serve() -> None:
        async with running_engine(context) as engine:
            engines.append(engine)
            started.set()
            while not stop.is_set():  # noqa: ASYNC110 (an event of threads)
                await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert started.wait(120)
        yield engines[0]
    finally:
        stop.set()
        thread.join(30)


class Certificates:
    """Nightlight's files, and the engine's context, which demands our certificate."""

    def __init__(self, folder: Path) -> None:
        ca, self.files = trustme.CA(), {}
        ours = ca.issue_cert("nightlight.test")
        for name, blob in (("CA", ca.cert_pem), ("CERTIFICATE", ours.cert_chain_pems[0]), ("KEY", ours.private_key_pem)):
            blob.write_to_path(str(folder / f"{name}.pem"))
            self.files[f"NIGHTLIGHT_OUTBOUND_{name}_FILE"] = str(folder / f"{name}.pem")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.verify_mode = ssl.CERT_REQUIRED
        ca.issue_cert("localhost").configure_cert(self.context)
        ca.configure_trust(self.context)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("t"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, certificates: Certificates) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("d") / "data", certificates.files, "demo") as service:
        eventually(lambda: "Ctrl-C stops everything" in service.log.read_text(), "the story is told")
        yield service


@pytest.mark.parametrize("tls", [False, True])
def test_an_alert_and_its_answer_reach_the_hospitals_own_system(demo: Service, certificates: Certificates, tls: bool) -> None:
    visit = 501 + tls
    with engine_beside(certificates.context if tls else None) as engine:
        place = ("--to", f"{'localhost' if tls else '127.0.0.1'}:{engine.port}", *(["--tls"] if tls else []))
        assert "who declared" in demo.run("site", "outbound", "R0A01", *place, status=1)
        demo.run("site", "outbound", "R0A01", *place, *DECLARED)
        until_told(demo, engine, visit)

        raised = [parse(message) for message in engine.received]
        assert {message.required("PV1").component(19, 1) for message in raised} == {f"V{visit}"}
        [alert] = [
            str(alert)
            for (alert,) in demo.rows(
                f"""
                SELECT a.id FROM alerts a JOIN encounters e ON e.id = a.encounter_id
                WHERE e.reference = 'V{visit}' AND a.authority_code = '301'
                """
            )
        ]
        with signed_in(demo, "social-worker-301") as worker:
            page = worker.get(f"/alerts/{alert}")
            answer = {**hidden(page.text), "answer": "will-ring", "text": "Ringing at ten"}
            assert worker.post(f"/alerts/{alert}", data=answer).status_code == 200
        eventually(lambda: any(ANSWERED.encode() in message for message in engine.received), "the answer is told")

        told = b"".join(engine.received)
        assert b"Ringing" not in told
        assert not [word for word in IDENTIFYING[2:] if word.encode() in told.lower()], "no name, date of birth or address"
        assert engine.connections == 1, "one connection serves them all"
        state = f"SELECT DISTINCT state FROM deliveries WHERE alert_id = '{alert}' AND channel = 'hl7'"
        eventually(lambda: demo.rows(state) == [("delivered",)], "both are written down as delivered")
        demo.environment["COLUMNS"] = "250"  # a table that does not break its lines
        assert "Hospital system delivered" in demo.run("alerts")
        demo.run("site", "outbound", "R0A01", "--off")
    assert not [word for word in IDENTIFYING if word in demo.log.read_text().lower().partition("ctrl-c stops everything")[2]]


def until_told(demo: Service, engine: TestEngine, visit: int) -> None:
    """Register the child once the listener has read that the site is told: it reads such things every few seconds."""
    other = visit * 10

    def told_of_another() -> bool:
        nonlocal other
        other += 1
        with demo.connect() as hospital:
            assert code_of(hospital.send(register(other))) == "AA"
        return bool(demo.value(f"SELECT count(*) FROM deliveries d JOIN alerts a ON a.id = d.alert_id JOIN encounters e "
                               f"ON e.id = a.encounter_id WHERE d.channel = 'hl7' AND e.reference = 'V{other}'"))  # fmt: skip

    eventually(told_of_another, "the site is told")
    waiting = "SELECT count(*) FROM deliveries WHERE channel = 'hl7' AND state = 'pending'"
    eventually(lambda: demo.value(waiting) == 0, "they have gone")
    engine.received.clear()
    with demo.connect() as hospital:
        assert code_of(hospital.send(register(visit))) == "AA"
    eventually(lambda: bool(engine.received), "the alert is told")
