"""The containers' health checks, against the real thing and against nothing."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import psycopg
import pytest

from nightlight.supervisor.health import main
from tests.conftest import FreshDatabase


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


@pytest.mark.parametrize("name, variable", [("api", "NIGHTLIGHT_HTTP"), ("listener", "NIGHTLIGHT_MLLP")])
def test_what_does_not_answer_is_not_well(monkeypatch: pytest.MonkeyPatch, name: str, variable: str) -> None:
    monkeypatch.setenv(variable, f"127.0.0.1:{free_port()}")
    with pytest.raises(SystemExit, match=f"{name} is not well: "):
        main(name)


@pytest.mark.parametrize("name", ["dispatcher", "loader"])
def test_who_has_no_fresh_heartbeat_is_not_well(monkeypatch: pytest.MonkeyPatch, fresh_database: FreshDatabase, name: str) -> None:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    beat(fresh_database, "somebody-else", seconds_ago=0)
    with pytest.raises(SystemExit, match="no fresh heartbeat"):
        main(name)
    beat(fresh_database, name, seconds_ago=3600)
    with pytest.raises(SystemExit, match="no fresh heartbeat"):
        main(name)
    beat(fresh_database, name, seconds_ago=0)
    main(name)


def test_no_password_is_in_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", f"postgresql://u:hunter2@127.0.0.1:{free_port()}/none")
    with pytest.raises(SystemExit) as answer:
        main("dispatcher")
    assert str(answer.value) == "dispatcher is not well: OperationalError"


@pytest.mark.parametrize("status", [200, 503])
def test_an_api_is_well_when_live_answers_200(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/live" else 500)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Api) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("NIGHTLIGHT_HTTP", f"0.0.0.0:{server.server_port}")
        try:
            if status == 200:
                main("api")
            else:
                with pytest.raises(SystemExit, match="/live answers 503"):
                    main("api")
        finally:
            server.shutdown()


def test_a_listener_that_takes_connections_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv("NIGHTLIGHT_MLLP", f"127.0.0.1:{listening.getsockname()[1]}")
        main("listener")


def beat(database: FreshDatabase, process: str, seconds_ago: float) -> None:
    with psycopg.connect(database.service_url) as connection:
        connection.execute(
            """
            INSERT INTO heartbeats (process, instance, beat_at)
            VALUES (%s, 'here', now() - make_interval(secs => %s))
            ON CONFLICT (process, instance) DO UPDATE SET beat_at = excluded.beat_at
            """,
            (process, seconds_ago),
        )
