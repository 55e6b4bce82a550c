"""The main job, end to end on a whole service: an extract, an ADT message, an alert, the screen, an e-mail, a lookup, an answer.

The pages are used as a browser without JavaScript uses them; tests/api drives the same pages in a real one.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.nhs_number import to_spaced
from nightlight.demo.sample import CHILD, COLUMNS, MOTHER, invented_number
from tests.acceptance.service import IDENTIFYING, Service, code_of, register, serving
from tests.embedded.processes import ROOT, eventually, processes_about

LATE_CHILD = invented_number(9_000)
PATIENT = 120.0


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> object:
    with serving(tmp_path_factory.mktemp("d") / "data", {}, "demo") as service:
        eventually(lambda: "Ctrl-C stops everything" in service.log.read_text(), "the story is told")
        yield service


def test_every_start_of_the_demo_tells_the_whole_story_and_a_second_one_keeps_the_data(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = tmp_path_factory.mktemp("d") / "data"
    for start in (1, 2):
        with serving(data, {}, "demo") as service:
            eventually(lambda: service.log.read_text().count("Ctrl-C stops everything") == start, "the story is told")  # noqa: B023
            story = service.log.read_text()
            assert service.value("SELECT count(*) FROM alerts") == 2 * start, "two authorities hold a plan for the child"
            assert service.value("SELECT count(*) FROM authorities") == 3
    assert story.count("First start") == 1
    for said in ("Acknowledged: AA", "KNOWN TO SOCIAL CARE", "Ambershire County Council", "Worklist", "social-worker-301", "Next"):
        assert story.count(said) >= 2, said
    assert to_spaced(CHILD) in story


def test_a_second_service_on_the_same_data_is_refused_in_one_line(demo: Service) -> None:
    said = demo.run("serve", status=1)
    assert len(said.strip().splitlines()) == 1
    assert "nightlight:" in said


def test_a_busy_port_names_the_remedy_in_one_line(demo: Service, tmp_path: Path) -> None:
    said = demo.run("serve", "--http", f"127.0.0.1:{demo.ports['http']}", "--data", str(tmp_path / "other"), status=1)
    assert len(said.strip().splitlines()) == 1
    assert "--http" in said


def test_a_child_is_seen_told_of_and_answered_for(demo: Service) -> None:
    with demo.connect() as engine:
        assert code_of(engine.send(register(77))) == "AA"
    [(encounter,)] = demo.rows("SELECT id FROM encounters WHERE reference = 'V77'")
    [(alert,)] = demo.rows(f"SELECT id FROM alerts WHERE encounter_id = '{encounter}' AND authority_code = '301'")

    with signed_in(demo, "social-worker-301") as worker, signed_in(demo, "clinician") as clinician:
        assert str(alert) in worker.get("/worklist").text
        banner = f"/encounters/{encounter}"
        assert "not yet acknowledged" in details(clinician, banner).lower() or "nobody has read" in details(clinician, banner)

        assert "Front door team" in worker.get("/telling").text
        page = worker.get(f"/alerts/{alert}")
        assert "harding" in page.text.lower()
        sent = worker.post(f"/alerts/{alert}", data={**hidden(page.text), "answer": "will-ring", "text": "Ringing at ten"})
        assert sent.status_code == 200

        shown = details(clinician, banner)
        assert "We will ring you" in shown
        assert "Ringing at ten" in shown
        assert "Alex Amber" in shown

    demo.rows("UPDATE deliveries SET next_attempt_at = now() WHERE channel = 'email' AND state = 'pending'")  # the office opens
    eventually(
        lambda: demo.value(f"SELECT state FROM deliveries WHERE alert_id = '{alert}' AND channel = 'email'") == "sent", "mail"
    )
    letters = [path.read_text() for path in sorted((demo.data / "mail").glob("*.eml"))]
    mine = [letter for letter in letters if str(alert) in letter]
    assert len(mine) == 1
    assert not [word for word in IDENTIFYING if word in mine[0].lower()]


def test_what_one_may_not_see_is_the_same_as_what_is_not_there(demo: Service) -> None:
    [(alert,), *_] = demo.rows("SELECT id FROM alerts WHERE authority_code = '301'")
    nowhere = "01a20000-0000-7000-8000-000000000000"
    with signed_in(demo, "social-worker-303") as stranger, signed_in(demo, "clinician") as clinician:
        for client in (stranger, clinician):
            hidden_one, missing = client.get(f"/alerts/{alert}"), client.get(f"/alerts/{nowhere}")
            assert without_nonce(hidden_one.text) == without_nonce(missing.text)
            assert hidden_one.status_code == missing.status_code == 404


def test_the_lookup_the_command_and_the_banner_say_the_same(demo: Service) -> None:
    token = demo.run("token", "amber-ehr").strip()
    bundle = lookup(demo, token, CHILD)
    flags = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "Flag"]
    plans = [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "CarePlan"]
    checked = json.loads(demo.run("check", CHILD, "--json"))
    assert checked["answer"] == "flagged"
    assert len(flags) == 1
    assert {flag["kind"] for flag in checked["flags"]} == {"CPP", "LAC"}
    assert len(plans) == 2

    unknown = invented_number(1_000)
    assert lookup(demo, token, unknown)["total"] == 0
    assert json.loads(demo.run("check", unknown, "--json"))["answer"] == "none-known"
    refused = httpx.post(f"{web(demo)}/FHIR/R4/Flag/_search", data={"patient": CHILD}, timeout=PATIENT)
    assert refused.status_code == 401
    assert "not an NHS number" in demo.run("check", "999 000 0019", status=1) or "digit" in demo.run(
        "check", "9990000019", status=1
    )


def test_a_flag_that_arrives_while_the_child_is_in_the_department_raises_the_late_alert(demo: Service, tmp_path: Path) -> None:
    with demo.connect() as engine:
        assert code_of(engine.send(register(88).replace(CHILD.encode(), LATE_CHILD.encode()))) == "AA"
    assert demo.value("SELECT count(*) FROM alerts JOIN encounters e ON e.id = encounter_id WHERE e.reference = 'V88'") == 0
    extract = tmp_path / "late.csv"
    extract.write_text(",".join(COLUMNS) + f"\n{LATE_CHILD},CPP,2026-01-05,,,,Noor,Late,2016-04-05,A-9\n")
    demo.run("extract", "load", str(extract), "--authority", "301")
    late = "SELECT count(*) FROM alerts JOIN encounters e ON e.id = encounter_id WHERE e.reference = 'V88' AND reason = 'late-flag'"
    eventually(lambda: demo.value(late) == 1, "the late alert")


def test_good_records_load_and_bad_ones_are_named(demo: Service, tmp_path: Path) -> None:
    extract = tmp_path / "mixed.csv"
    good = f"{MOTHER},LAC,2026-02-01,,,,Joanne,Penrose,1998-02-11,Z-1".replace("LAC", "UCPP")
    extract.write_text(",".join(COLUMNS) + f"\n9990000019,CPP,2026-01-05,,,,A,B,2016-04-05,A-9\n{good}\n")
    said = demo.run("extract", "load", str(extract), "--authority", "303", status=2)
    assert "line 2" in said
    assert "nhs_number" in said
    nonsense = tmp_path / "nonsense.csv"
    nonsense.write_text("not,an,extract\n")
    assert "nightlight:" in demo.run("extract", "load", str(nonsense), "--authority", "303", status=1)


def test_sent_files_are_acknowledged_one_by_one(demo: Service, tmp_path: Path) -> None:
    said = demo.run("send", *map(str, sorted(Path(ROOT, "docs", "examples").glob("*.hl7"))), status=0)
    assert "MSA|AA|" in said
    bad = tmp_path / "bad.hl7"
    bad.write_text("MSH|^~\\&|PAS|R0A01|NIGHTLIGHT|R0A|20260101||ORU^R01|X1|P|2.5\n")
    assert "MSA|AE|X1" in demo.run("send", str(bad), status=1)


def test_alerts_are_listed_without_a_patient(demo: Service) -> None:
    rows = json.loads(demo.run("alerts", "--authority", "301", "--json"))
    assert rows
    assert {"state", "site", "encounter", "deliveries"} <= set(rows[0])
    text = json.dumps(rows).lower() + demo.run("alerts").lower()
    assert not [word for word in IDENTIFYING if word in text]


def test_health_is_proven_by_traffic(demo: Service) -> None:
    def ready() -> dict[str, Any]:
        answer: dict[str, Any] = get(demo, "/ready").json()
        return answer

    eventually(lambda: "R0A01" in get(demo, "/ready").text, "the site's last message is known")
    eventually(lambda: ready()["status"] == "ready", "every process was heard")
    assert ready()["sites"]["R0A01"]["last_message_seconds"] is not None
    assert ready()["authorities"]["301"]["last_extract_seconds"] is not None
    assert get(demo, "/live").status_code == 200
    assert "nightlight_" in get(demo, "/metrics").text


def test_a_backup_brings_everything_back(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    data, file = tmp_path_factory.mktemp("b") / "data", tmp_path / "store.backup"
    with serving(data, {}) as service:
        service.furnish(tmp_path)
        service.until_taken(register(1))
        before = {table: service.value(f"SELECT count(*) FROM {table}") for table in ("flags", "alerts", "inbox", "accesses")}
        service.run("backup", str(file))
        assert "stop it first" in service.run("restore", str(file), "--yes", status=1)
        service.until_taken(register(2))
        environment = service.environment
    done = subprocess.run(
        [sys.executable, "-m", "nightlight", "restore", str(file), "--yes"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with serving(data, {}) as service:
        assert {table: service.value(f"SELECT count(*) FROM {table}") for table in before} == before
        assert code_of(service.until_taken(register(3))) == "AA"


def test_nothing_is_left_when_the_service_is_killed_outright(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("k") / "data"
    with serving(data, {}) as service:
        os.kill(service.ports["pid"], signal.SIGKILL)
        eventually(lambda: not processes_about(str(data)), "every child has gone with its parent")


def web(service: Service) -> str:
    return f"http://127.0.0.1:{service.ports['http']}"


def get(service: Service, path: str) -> httpx.Response:
    return httpx.get(f"{web(service)}{path}", timeout=PATIENT)


def lookup(service: Service, token: str, number: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    found = httpx.post(f"{web(service)}/FHIR/R4/Flag/_search", data={"patient": number}, headers=headers, timeout=PATIENT)
    assert found.status_code == 200, found.text
    bundle: dict[str, Any] = found.json()
    return bundle


@contextmanager
def signed_in(service: Service, subject: str) -> Iterator[httpx.Client]:
    """Somebody who signed in at the local provider, by choosing the name as a person does."""
    with httpx.Client(base_url=web(service), follow_redirects=True, timeout=PATIENT, headers={"Origin": web(service)}) as client:
        sign_in(service, client, subject)
        yield client


def sign_in(service: Service, client: httpx.Client, subject: str) -> None:
    page = client.get("/sign-in")
    if "oauth2/authorize" not in str(page.url):
        page = client.post("/sign-in", data=hidden(page.text)) if "<form" in page.text else page
    assert "oauth2/authorize" in str(page.url), page.url
    home = client.post(str(page.url), data={"sub": subject})
    assert home.status_code == 200, home.text
    assert str(home.url).startswith(web(service)), home.url


def hidden(page: str) -> dict[str, str]:
    fields = re.findall(r'<input[^>]*type="hidden"[^>]*>', page)
    names = {re.search(r'name="([^"]*)"', each)[1]: re.search(r'value="([^"]*)"', each) for each in fields}  # type: ignore[index]
    return {name: unescape(value[1]) if value else "" for name, value in names.items()}


def without_nonce(page: str) -> str:
    """Each answer has a nonce of its own; nothing else may differ."""
    return re.sub(r'nonce="[^"]*"', "", page)


def details(client: httpx.Client, path: str) -> str:
    """The banner with its details, as a clinician asks for them."""
    page = client.get(path)
    assert page.status_code == 200
    assert "Harding" not in page.text, "neutral at rest"
    shown = client.post(f"{path}/details", data=hidden(page.text))
    assert shown.status_code == 200, shown.text
    return unescape(shown.text)
