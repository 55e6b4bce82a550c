"""Dispatchers, databases and receivers are killed at random while children arrive: everybody is told once, and nobody is forgotten.

`make chaos` lets it rage for five minutes, in an order of its own. NIGHTLIGHT_CHAOS_SEED repeats one; empty, chance chooses.
"""

import os
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.chaos.people import Hospital, SocialWorker, Working
from tests.acceptance.chaos.receivers import Host, Loop, MailHost, MeshHost, NotifyHost, WebhookHost
from tests.acceptance.chaos.trouble import Chaos, troubles_of
from tests.acceptance.service import Service, serving
from tests.alerts.notify_stand_in import KEY, TEXT_TEMPLATE
from tests.embedded.processes import ROOT, eventually
from tests.mesh.sandbox import AMBERSHIRE, OURS, PASSWORD, SHARED_KEY, Sandbox, running_sandbox

SECONDS = float(os.environ.get("NIGHTLIGHT_CHAOS_SECONDS", "20"))
SEED = int(os.environ.get("NIGHTLIGHT_CHAOS_SEED", "706") or random.SystemRandom().randrange(1_000_000))
PATIENCE = 150.0
DISPATCHERS = 3

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(SECONDS + 420),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),  # who is killed in the middle of a word closes nothing
]


@pytest.fixture
def sandbox(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(pytestconfig, tmp_path_factory.mktemp("mailboxes"), "CHAOS WAS NOT TRIED, WITHOUT MESH") as sandbox:
        yield sandbox


@pytest.fixture
def hosts(sandbox: Sandbox) -> Iterator[dict[str, Host]]:
    """Those who are told, by the channel that tells them."""
    loop = Loop()
    mail, webhook, notify = MailHost(loop), WebhookHost(loop), NotifyHost(loop)
    for host in (mail, webhook, notify):
        host.start()
    yield {"email": mail, "webhook": webhook, "sms": notify, "mesh": MeshHost(sandbox)}
    mail.stop()
    webhook.stop()
    notify.close()
    loop.close()


@pytest.fixture
def service(
    hosts: dict[str, Host], sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> Iterator[Service]:
    """A service with several dispatchers and servers of its own, whose authority is told by every channel."""
    mail, webhook, notify = hosts["email"], hosts["webhook"], hosts["sms"]
    assert isinstance(mail, MailHost)
    assert isinstance(notify, NotifyHost)
    assert isinstance(webhook, WebhookHost)
    with ExitStack() as held:
        issuer = held.enter_context(_provider())
        settings = {
            "NIGHTLIGHT_DISPATCHERS": str(DISPATCHERS),
            "NIGHTLIGHT_OIDC_ISSUER": issuer,
            "NIGHTLIGHT_OIDC_CLIENT_SECRET": "of-no-worth-on-loopback",
            "NIGHTLIGHT_SMTP_URL": mail.url,
            "NIGHTLIGHT_PRIVATE_ENDPOINTS": f"127.0.0.1:{webhook.server.port}",
            "NIGHTLIGHT_NOTIFY_URL": notify.url,
            "NIGHTLIGHT_NOTIFY_API_KEY": KEY,
            "NIGHTLIGHT_NOTIFY_SMS_TEMPLATE_ID": TEXT_TEMPLATE,
            "NIGHTLIGHT_MESH_URL": sandbox.url,
            "NIGHTLIGHT_MESH_MAILBOX": OURS,
            "NIGHTLIGHT_MESH_PASSWORD": PASSWORD,
            "NIGHTLIGHT_MESH_SHARED_KEY": SHARED_KEY,
            "NIGHTLIGHT_MESH_TIMEOUT_SECONDS": "5",
        }
        service = held.enter_context(serving(tmp_path_factory.mktemp("c") / "data", settings))
        service.furnish(tmp_path)
        service.run("authority", "details", "301", "--mesh-mailbox", AMBERSHIRE)
        _add_contacts(service, webhook.server.url)
        yield service


def test_whatever_is_killed_everybody_is_told_once_and_every_answer_is_kept_once(service: Service, hosts: dict[str, Host]) -> None:
    chaos = Chaos(troubles_of(service, hosts), SEED, SECONDS)
    print(f"NIGHTLIGHT_CHAOS_SEED={SEED}")
    hospital, worker = Hospital(service), SocialWorker(service)
    at_work = [Working("hospital", hospital.send_next, 0.2), Working("social worker", worker.answer_all, 0.3)]
    with closing(worker):
        for each in at_work:
            each.begin()
        chaos.rage()
        for each in at_work:
            each.finish()
        print(f"{hospital.taken} children were registered")
        _eventually(lambda: _count(service, "alerts") == hospital.taken, "every child who was registered is told of", chaos)
        _eventually(worker.answer_all, "every alert is answered", chaos)
        _eventually(lambda: _count(service, "deliveries WHERE state = 'pending'") == 0, "nothing waits any more", chaos)

    problems = [problem for channel, host in hosts.items() for problem in _differences(service, channel, host.times())]
    answers = service.rows("SELECT alert_id, count(*) FROM alert_events WHERE event = 'acknowledge' GROUP BY alert_id")
    problems += [f"alert {alert} was answered {times} times" for alert, times in answers if times != 1]
    assert len(answers) == hospital.taken
    assert not problems, "\n".join([f"seed {SEED}", *chaos.told, *problems])
    assert service.value("SELECT count(*) FROM deliveries WHERE state NOT IN ('sent', 'delivered')") == 0
    assert service.value("SELECT count(*) FROM alerts WHERE state <> 'acknowledged'") == 0


def _differences(service: Service, channel: str, came: Counter[str]) -> Iterator[str]:
    """Every delivery that the receiver does not know, and everything it received that is no delivery; each with its history."""
    print(f"{channel}: {len(came)} deliveries, and {came.total() - len(came)} repeats that their ids make one")
    sent = {str(delivery) for (delivery,) in service.rows(f"SELECT id FROM deliveries WHERE channel = '{channel}'")}
    assert sent
    for lost in sorted(sent - set(came)):
        history = service.rows(
            f"SELECT attempted_at, number, outcome, detail FROM attempts WHERE delivery_id = '{lost}' ORDER BY attempted_at"
        )
        row = service.rows(f"SELECT state, claims, attempts, created_at, sent_at FROM deliveries WHERE id = '{lost}'")
        yield f"{channel}: {lost} never came: {row} {history}"
    yield from (f"{channel}: {strange} came and is no delivery" for strange in sorted(set(came) - sent))


def _count(service: Service, what: str) -> int:
    """How many there are; none can be counted while the database is away."""
    try:
        return int(service.value(f"SELECT count(*) FROM {what}"))
    except psycopg.Error:
        return -1


def _eventually(holds: Callable[[], object], what: str, chaos: Chaos) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "\n".join([f"it never came to pass: {what}", f"seed {SEED}", *chaos.told])
        time.sleep(0.2)


def _add_contacts(service: Service, url: str) -> None:
    """The office team is told by e-mail, by a webhook and by text message."""
    [(webhook,)] = service.rows(
        f"INSERT INTO webhooks (authority_code, name, url, added_by) VALUES ('301', 'Ours', '{url}', 'test') RETURNING id"
    )
    service.rows(
        f"""
        WITH team AS (
            INSERT INTO teams (authority_code, code, name, duty) VALUES ('301', 'office', 'office team', 'office') RETURNING id
        )
        INSERT INTO team_contacts (team_id, position, channel, address)
        SELECT id, position, channel, address
        FROM team, (VALUES (1, 'email', 'duty@ambershire.example'), (2, 'webhook', '{webhook}'), (3, 'sms', '07700900123'))
             AS contacts (position, channel, address)
        """
    )


@contextmanager
def _provider() -> Iterator[str]:
    """The provider at which the social worker signs in; its address."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        process = subprocess.Popen(
            [sys.executable, "-m", "nightlight.demo.local_services", "provider"],
            env={**os.environ, "NIGHTLIGHT_PROVIDER_FD": str(sock.fileno())},
            cwd=ROOT,
            pass_fds=(sock.fileno(),),
        )
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
    try:
        eventually(lambda: process.poll() is not None or _answers(address), "the provider answers")
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _answers(address: str) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), timeout=5).close()
    except OSError:
        return False
    return True
