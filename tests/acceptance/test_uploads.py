"""An extract comes by HTTPS, and whatever dies then: what was acknowledged is loaded, whole and once."""

import json
import os
import signal
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any

import psycopg
import pytest

from tests.acceptance.service import COLUMNS, Service
from tests.embedded.processes import eventually

ROWS = "".join(f"{number},CPP,2026-01-05,,,,Jo,Example,2018-05-06,B{number}\n" for number in ("9990000026", "9990000034"))
CONTENT = f"{COLUMNS}\n{ROWS}".encode()
WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE application_name = 'nightlight-loader' AND wait_event_type = 'Lock'
"""


def ask(service: Service, path: str, content: bytes | None = None) -> tuple[int, dict[str, Any]]:
    """GET, or POST with content, as the authority's system."""
    token = service.run("token", "amber-case").strip()
    headers = {"authorization": f"Bearer {token}", "content-type": "text/csv"}
    url = f"http://127.0.0.1:{service.ports['http']}{path}"
    with urllib.request.urlopen(urllib.request.Request(url, content, headers), timeout=120) as answer:
        return answer.status, json.loads(answer.read())


def processors_of_sessions(service: Service, name: str) -> list[set[int]]:
    """Each choice of processors that a session of that name has."""
    found = service.rows(f"SELECT pid FROM pg_stat_activity WHERE application_name = '{name}'")
    choices: list[set[int]] = []
    for (process,) in found:
        with suppress(ProcessLookupError):  # it has ended meanwhile
            choice = os.sched_getaffinity(process)
            choices += [] if choice in choices else [choice]
    return choices


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says which processors a process may use")
def test_the_loader_leaves_all_processors_but_one_to_those_who_answer(service: Service) -> None:
    everybody = os.sched_getaffinity(0)
    assert os.sched_getaffinity(service.process("listener")) == everybody
    eventually(lambda: os.sched_getaffinity(service.process("loader")) == {max(everybody)}, "the loader keeps to one")
    eventually(lambda: processors_of_sessions(service, "nightlight-loader") == [{max(everybody)}], "so do its sessions")
    assert processors_of_sessions(service, "nightlight-dispatcher") == [everybody]


def test_an_extract_that_was_acknowledged_outlives_every_process_and_is_loaded_once(service: Service) -> None:
    service.run("client", "add", "amber-case", "--authority", "301", "--scope", "system/Extract.cr")
    before = service.value("SELECT count(*) FROM flags")
    taken = service.value("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
    with psycopg.connect(service.owner_url) as owner:
        owner.execute("LOCK TABLE flags IN ACCESS EXCLUSIVE MODE")
        path = f"/authorities/301/extracts?extracted_at={taken}"
        status, upload = ask(service, path, CONTENT)
        assert status == 202
        eventually(lambda: service.value(WAITING) > 0, "the loader is in the middle of it")
        for name in ("loader", "api"):
            os.kill(service.process(name), signal.SIGKILL)
        owner.rollback()
    eventually(lambda: service.value("SELECT state FROM uploads") == "loaded", "another loader has taken over")
    assert service.value("SELECT count(*) FROM flags") == before + 2
    assert service.value("SELECT count(*) FROM extracts WHERE sent_by = 'amber-case' AND state = 'loaded'") == 1
    assert service.value("SELECT count(*) FROM upload_parts") == 0

    def is_answered() -> bool:
        try:
            return ask(service, path, CONTENT)[0] == 200
        except (OSError, urllib.error.URLError):
            return False

    eventually(is_answered, "the same again is known")
    _, status_now = ask(service, f"/authorities/301/extracts/{upload['id']}")
    assert (status_now["state"], status_now["report"]["opened"]) == ("loaded", 2)
