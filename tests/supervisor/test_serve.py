"""The supervisor with real processes: readiness, restarts, draining, and nothing left behind however it ends."""

import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from nightlight.embedded import find
from tests.embedded.processes import ROOT, another_python, eventually, processes_about

SERVE = f"""
import sys
from pathlib import Path
from nightlight.supervisor import Child, More, serve
from runtime.logs import configure
from runtime.settings import load_settings

configure("INFO", "serve")

async def when_ready(ports):
    print("ready", flush=True)

place = Path(sys.argv[1])
child = {str(ROOT / "tests" / "supervisor" / "child.py")!r}
command = lambda name: (sys.executable, child, str(place), name)
broken = (sys.executable, "-c", "raise SystemExit(3)", str(place))
children = tuple(
    Child(name, broken if name in sys.argv[2:] else command(name), (socket,))
    for name, socket in (("api", "http"), ("listener", "mllp"))
)
try:
    serve(load_settings(http="127.0.0.1:0", mllp="127.0.0.1:0", data_dir=place), More(when_ready=when_ready), children)
except Exception as error:
    print(type(error).__name__, error, flush=True)
print("stopped", flush=True)
"""

NAMED_SERVERS = {
    "NIGHTLIGHT_DATABASE_URL": "postgresql:///named",
    "NIGHTLIGHT_REDIS_URL": "redis://named",
}


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder; at the end no process of it may be left."""
    place = tmp_path_factory.mktemp("s") / "data"
    yield place
    eventually(lambda: not processes_about(str(place)), "no process is left")


@pytest.fixture
def named_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that the settings name; they are not started, and the small children do not use them."""
    for name, value in NAMED_SERVERS.items():
        monkeypatch.setenv(name, value)


@contextmanager
def serving(place: Path, *failing: str) -> Iterator[subprocess.Popen[str]]:
    with another_python(SERVE, str(place), *failing) as supervisor:
        yield supervisor


def line(supervisor: subprocess.Popen[str]) -> str:
    assert supervisor.stdout is not None
    return supervisor.stdout.readline().strip()


def ports(place: Path) -> dict[str, int]:
    read: dict[str, int] = json.loads((place / "ports.json").read_text())
    return read


def ask(place: Path, path: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", ports(place)["http"], timeout=120)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


@pytest.mark.usefixtures("named_servers")
def test_a_child_that_cannot_start_ends_the_service_with_its_name(place: Path) -> None:
    with serving(place, "api") as supervisor:
        assert line(supervisor) == ("NotReady the service did not become ready: api ended 5 times; its own lines say why")
        assert line(supervisor) == "stopped"


@pytest.mark.usefixtures("named_servers")
def test_once_ready_ports_json_says_where(place: Path) -> None:
    with serving(place) as supervisor:
        assert line(supervisor) == "ready"
        assert ports(place)["pid"] == supervisor.pid
        assert ask(place, "/live") == "ok"
        assert not (place / "postgres").exists()


@pytest.mark.usefixtures("named_servers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_drains_every_child_and_removes_ports_json(place: Path, number: signal.Signals) -> None:
    with serving(place) as supervisor:
        assert line(supervisor) == "ready"
        eventually(lambda: len(list(place.glob("up-*"))) == 2, "both children can hear signals")
        supervisor.send_signal(number)
        assert line(supervisor) == "stopped"
        assert supervisor.wait() == 0
    assert sorted(path.name for path in place.glob("drained-*")) == ["drained-api", "drained-listener"]
    assert not (place / "ports.json").exists()


@pytest.mark.usefixtures("named_servers")
def test_a_killed_child_is_started_again_and_refuses_nobody(place: Path) -> None:
    with serving(place) as supervisor:
        assert line(supervisor) == "ready"
        before = ask(place, "/pid")
        os.kill(before, signal.SIGKILL)
        eventually(lambda: before not in processes_about(str(place)), "the child has gone")
        after = ask(place, "/pid")  # asked while no child may be there: the socket is the supervisor's
        assert after != before


@pytest.mark.usefixtures("named_servers")
def test_no_child_outlives_a_killed_supervisor(place: Path) -> None:
    with serving(place) as supervisor:
        assert line(supervisor) == "ready"
        supervisor.kill()
        supervisor.wait()
        eventually(lambda: not processes_about(str(place)), "the children have ended")


@pytest.mark.usefixtures("named_servers")
def test_no_service_outlives_the_make_that_started_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTLIGHT_EXIT_WITH_PARENT", "1")
    starter = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SERVE!r}, sys.argv[1]])"
    with another_python(starter, str(place)) as parent:
        assert line(parent) == "ready"
        parent.kill()
        parent.wait()
        eventually(lambda: not processes_about(str(place)), "the service has ended")
        assert not (place / "ports.json").exists()


@pytest.mark.usefixtures("named_servers")
def test_the_owner_s_url_goes_to_no_child(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTLIGHT_OWNER_DATABASE_URL_FILE", os.devnull)
    with serving(place) as supervisor:
        assert line(supervisor) == "ready"
        environment = ask(place, "/environment")
    assert [name for name in environment if "OWNER" in name] == []
    assert environment["NIGHTLIGHT_DATABASE_URL"] == NAMED_SERVERS["NIGHTLIGHT_DATABASE_URL"]


def test_without_named_servers_embedded_ones_serve_and_are_migrated(place: Path) -> None:
    with serving(place) as supervisor:
        assert line(supervisor) == "ready"
        servers = find(place)
        assert servers is not None
        with psycopg.connect(servers.service_url) as connection:
            assert connection.execute("SELECT kind FROM store").fetchone() == ("test",)
        assert ask(place, "/environment")["NIGHTLIGHT_DATABASE_URL"] == servers.service_url


def test_a_killed_database_is_started_again_at_the_same_place(place: Path) -> None:
    with serving(place) as supervisor:
        assert line(supervisor) == "ready"
        servers = find(place)
        assert servers is not None
        before = int((place / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(before, signal.SIGKILL)

        def answers() -> bool:
            try:
                with psycopg.connect(servers.service_url) as connection:
                    return connection.execute("SELECT 1").fetchone() == (1,) and before not in processes_about(str(place))
            except psycopg.OperationalError:
                return False

        eventually(answers, "the database answers again")


def test_nothing_at_all_outlives_a_killed_service(place: Path) -> None:
    with serving(place) as supervisor:
        assert line(supervisor) == "ready"
        supervisor.kill()
        supervisor.wait()
        eventually(lambda: not processes_about(str(place)), "children and servers have ended")
