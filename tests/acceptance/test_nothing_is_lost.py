"""Whatever dies, at the worst moment: nothing that was acknowledged is lost, nothing is told twice, no log knows a patient."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable
from pathlib import Path

import psycopg
import pytest
from aiosmtpd.controller import Controller

from tests.acceptance.conftest import OwnServers
from tests.acceptance.service import IDENTIFYING, Service, code_of, register, serving
from tests.alerts.mail import Mailbox, reserve_port, url_of
from tests.embedded.processes import eventually

ALERTS = "SELECT count(*) FROM alerts"
COMMIT_GATE = 424_242
"""An advisory lock on which the test makes every commit of a message wait."""


def test_same_control_id_twice_gives_the_same_ack_and_one_alert(service: Service) -> None:
    message = register(1)
    with service.connect() as one, service.connect() as other:
        assert one.send(message) == other.send(message)
    assert service.value(ALERTS) == 1
    assert service.value("SELECT count(*) FROM accesses WHERE encounter_id IS NOT NULL") == 1


def test_a_listener_killed_before_the_commit_has_done_nothing_and_the_repeat_is_taken(service: Service) -> None:
    message, listener = register(1), service.process("listener")
    with service.connect() as engine, psycopg.connect(service.owner_url) as owner:
        owner.execute("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE")
        engine.sock.sendall(b"\x0b" + message + b"\x1c\r")
        eventually(lambda: _desk_waits(service), "the desk stands before its commit")
        os.kill(listener, signal.SIGKILL)
        with pytest.raises(ConnectionError):
            engine.receive()
        owner.rollback()
    assert code_of(service.until_taken(message)) == "AA"
    assert service.value(ALERTS) == 1
    assert service.value("SELECT count(*) FROM inbox") == 1


def test_a_listener_killed_between_commit_and_ack_gives_the_repeat_the_same_and_one_alert(service: Service) -> None:
    message, listener = register(1), service.process("listener")
    _gate_commits(service)
    with service.connect() as engine, psycopg.connect(service.owner_url, autocommit=True) as owner:
        owner.execute("SELECT pg_advisory_lock(%s)", (COMMIT_GATE,))
        engine.sock.sendall(b"\x0b" + message + b"\x1c\r")
        eventually(lambda: _desk_waits(service), "the commit stands at the gate")
        os.kill(listener, signal.SIGSTOP)
        owner.execute("SELECT pg_advisory_unlock(%s)", (COMMIT_GATE,))
        eventually(lambda: service.value("SELECT count(*) FROM inbox") == 1, "it is committed")
        os.kill(listener, signal.SIGKILL)
        with pytest.raises(ConnectionError):
            engine.receive()
    stored = service.value("SELECT convert_from(acknowledgement, 'UTF8') FROM inbox")
    assert service.until_taken(message) == stored
    assert service.value(ALERTS) == 1
    assert service.value("SELECT count(*) FROM deliveries WHERE channel = 'screen'") == 1


def test_while_postgres_is_away_messages_are_rejected_and_then_everything_is_taken(
    service: Service, own_servers: OwnServers
) -> None:
    messages = [register(number) for number in range(3)]
    own_servers.postgres.stop()
    with service.connect() as engine:
        assert [code_of(engine.send(message)) for message in messages] == ["AR"] * 3
        own_servers.postgres.start()
        for message in messages:
            service.until_taken(message)
    assert service.value(ALERTS) == 3
    assert service.value("SELECT count(*) FROM inbox") == 3


def test_postgres_stopped_hard_in_the_middle_of_a_stream_loses_nothing_and_doubles_nothing(
    service: Service, own_servers: OwnServers
) -> None:
    messages = [register(number) for number in range(60)]
    codes = []
    with service.connect() as engine:
        for number, message in enumerate(messages):
            if number == 20:
                own_servers.kill_postgres()
            if number == 40:
                own_servers.postgres.stop()
                own_servers.postgres.start()
            codes.append(code_of(engine.send(message)))
    for message in messages:
        service.until_taken(message)
    assert codes[0] == "AA"
    assert "AR" in codes
    assert service.value(ALERTS) == 60
    assert service.value("SELECT count(*) FROM inbox") == 60
    assert service.value("SELECT count(*) FROM deliveries WHERE channel = 'screen'") == 60


def test_with_valkey_stopped_alerts_still_arrive(own_servers: OwnServers, place: Path, tmp_path: Path) -> None:
    mailbox, port = Mailbox(), reserve_port()
    with serving(place, {**own_servers.settings, "NIGHTLIGHT_SMTP_URL": url_of(port)}) as service:
        service.furnish(tmp_path)
        own_servers.valkey.stop()
        with _mail_server(mailbox, port):
            assert code_of(service.until_taken(register(1))) == "AA"
            eventually(lambda: mailbox.received, "the e-mail goes out")
        assert service.value("SELECT state FROM deliveries WHERE channel = 'email'") == "sent"
        assert "waiting" not in service.run("alerts")


def test_with_the_mail_server_down_it_is_delivered_once_after_it_returns(
    own_servers: OwnServers, place: Path, tmp_path: Path
) -> None:
    mailbox, port = Mailbox(), reserve_port()
    with serving(place, {**own_servers.settings, "NIGHTLIGHT_SMTP_URL": url_of(port)}) as service:
        service.furnish(tmp_path)
        service.until_taken(register(1))
        failed = "SELECT count(*) FROM attempts WHERE outcome = 'temporary-failure'"
        eventually(lambda: service.value(failed) > 0, "an attempt failed and is written down")
        assert service.value("SELECT state FROM deliveries WHERE channel = 'email'") == "pending"
        with _mail_server(mailbox, port):
            eventually(lambda: mailbox.received, "it is delivered")
            eventually(lambda: service.value("SELECT state FROM deliveries WHERE channel = 'email'") == "sent", "and written down")
        assert len(mailbox.received) == 1
        text = mailbox.received[0].decode().lower()
        assert not [word for word in (*IDENTIFYING, "amber royal") if word in text]


def test_no_log_of_ours_or_of_the_database_knows_a_patient(service: Service, own_servers: OwnServers, tmp_path: Path) -> None:
    with service.connect() as engine:
        engine.send(register(1))
        engine.send(register(1).replace(b"\rPID", b"\rZZZ"))
        engine.send(register(2).replace(b"|R0A01|", b"|R0Z99|", 1))
        engine.send(register(3).replace(b"HARDING", b"HARDING\\X00\\\\X00\\"))
        engine.sock.sendall(b"\x0b" + register(4)[:200])
    bad = tmp_path / "bad.csv"
    bad.write_text("nonsense\n9990000018,Amelia\n")
    service.run("extract", "load", str(bad), "--authority", "301", status=1)
    service.run("check", "999 000 0018")
    with psycopg.connect(service.owner_url) as owner, service.connect() as engine:
        owner.execute("LOCK TABLE accesses IN ACCESS EXCLUSIVE MODE")
        assert code_of(engine.send(register(5))) == "AR", "the desk gives up, in time"
        owner.rollback()
    own_servers.kill_postgres()
    with service.connect() as engine:
        engine.send(register(6))
    own_servers.postgres.stop()
    own_servers.postgres.start()
    service.until_taken(register(6))
    logs = [path for folder in (service.data.parent, own_servers.folder) for path in folder.rglob("*.log*")]
    assert len(logs) >= 2, logs
    for log in logs:
        text = log.read_text(errors="replace").lower()
        assert not [word for word in IDENTIFYING if word in text], log
    assert "database away" in service.log.read_text()


def _desk_waits(service: Service) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nightlight-listener' AND wait_event_type = 'Lock'"
    return bool(service.value(waiting))


def _gate_commits(service: Service) -> None:
    """Make the COMMIT of a message wait for the gate: the moment between the last statement and the end of the commit."""
    with psycopg.connect(service.owner_url, autocommit=True) as owner:
        owner.execute(
            f"""
            CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 SET transaction_timeout = 0 AS $$
            BEGIN PERFORM pg_advisory_xact_lock_shared({COMMIT_GATE}); RETURN NULL; END $$
            """
        )
        owner.execute(
            """
            CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON inbox DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION wait_at_gate()
            """
        )


class _mail_server(Controller):  # noqa: N801 -- reads as a verb where it is used
    """The mail server of a mailbox on the port that was reserved for it, which stays ours all the time."""

    def __init__(self, mailbox: Mailbox, reserved: socket.socket) -> None:
        super().__init__(mailbox, hostname="127.0.0.1", port=reserved.getsockname()[1], ready_timeout=60)
        self._reserved = reserved

    def _create_server(self) -> Awaitable[asyncio.AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._reserved)

    def __enter__(self) -> None:
        self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
