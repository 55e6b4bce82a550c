"""Schemathesis asks a running Nightlight thousands of things by its OpenAPI document, and is answered as that says.

No answer is 5xx, of a status, type, header or shape that is not described; what the document forbids is refused, what needs a
token is refused without one, and a method that is not described is not served.
"""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.service import Service
from tests.conformance.hospital import CHILD, NOBODY, base_of, origin_of, token_of
from tests.conformance.programs import Programs

Json = dict[str, Any]

SEED = "20261122"
SECONDS = 1500
OPTIONS = (
    "--seed", SEED, "--max-examples", "5", "--phases", "examples,coverage,fuzzing", "--no-shrink", "--continue-on-failure",
    "--checks", "all",
    # OpenAPI cannot say that one of six spellings is wanted, nor that the tenth digit checks the nine before it.
    "--exclude-checks", "positive_data_acceptance",
    "--report", "json", "--report-json-path", "report.json", "--no-color",
)  # fmt: skip


pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * SECONDS)]  # thousands of requests, on a machine that may be busy


@pytest.fixture(scope="module")
def document(hospital: Service) -> Json:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{base_of(hospital)}/openapi.json", timeout=120) as response:
        served: Json = json.load(response)
    return served


def ask_everything(programs: Programs, hospital: Service, document: Json, folder: Path, *options: str) -> tuple[str, Json]:
    """What Schemathesis printed, and its report."""
    (folder / "openapi.json").write_text(json.dumps(document))
    bearer = f"Authorization: Bearer {token_of(hospital)}"
    given = ("openapi.json", "--url", origin_of(hospital), "--header", bearer)
    done = programs.run_program("st", "run", *given, *OPTIONS, *options, folder=folder, seconds=SECONDS)
    report: Json = json.loads((folder / "report.json").read_text())
    return done.stdout, report


def with_numbers(document: Json) -> Json:
    """The document with two numbers that are held or not: by chance alone, hardly one number in ten is valid, and none held."""
    numbered: Json = json.loads(json.dumps(document))
    for by_method in numbered["paths"].values():
        for described in by_method.values():
            for parameter in described.get("parameters", ()):
                if parameter.get("name") == "patient":
                    parameter["schema"]["enum"] = [CHILD, NOBODY]
    return numbered


def test_nothing_is_answered_otherwise_than_the_document_says(
    programs: Programs, hospital: Service, document: Json, tmp_path: Path
) -> None:
    printed, report = ask_everything(programs, hospital, with_numbers(document), tmp_path)
    assert report["failures"] == report["errors"] == [], printed
    assert (report["exit_code"], report["complete"]) == (0, True), printed
    described = sum(len(by_method) for by_method in document["paths"].values())
    assert report["operations"]["tested"] == described
    assert report["test_cases"]["generated"] > 50 * described
    ends = ("/Flag", "/Flag/_search", "/CareTeam", "/CareTeam/_search")
    searches = [name for name in report["valid_rates"] if name.endswith(ends)]
    assert len(searches) == 4
    assert all(report["valid_rates"][name]["examples"]["accepted"] for name in searches)


def test_it_finds_an_answer_that_is_not_described(programs: Programs, hospital: Service, document: Json, tmp_path: Path) -> None:
    lying = with_numbers(document)
    bundle = lying["components"]["schemas"]["Bundle"]["properties"]
    bundle["total"] = {"const": 7}
    only = ("--include-path", "/FHIR/R4/CareTeam", "--phases", "examples")
    _, report = ask_everything(programs, hospital, lying, tmp_path, *only)
    assert report["exit_code"] == 1
    assert len(report["failures"]) == 1
