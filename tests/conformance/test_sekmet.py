"""SEKMET, a hospital information system made for testing, works through what Nightlight supports, step by step."""

import json
from pathlib import Path
from typing import Any

from tests.acceptance.service import Service
from tests.conformance.hospital import base_of, token_of
from tests.conformance.programs import Programs

SCENARIOS = Path(__file__).parent / "scenarios"
Json = dict[str, Any]


def play(programs: Programs, scenario: str, peer: Json, folder: Path, *options: str, **settings: Any) -> dict[str, str]:
    """Every step of a scenario by its name, and what became of it."""
    given = {"data_dir": str(folder), "peers": {"nightlight": peer}, **settings}
    (folder / "settings.yaml").write_text(json.dumps(given))  # JSON is YAML
    done = programs.run_program(
        "sekmet", "scenario", "run", str(SCENARIOS / scenario), "--peer", "nightlight", "--config", "settings.yaml",
        "--report-dir", "reports", *options, folder=folder,
    )  # fmt: skip
    [report] = folder.glob("reports/*/*.json")
    [played] = json.loads(report.read_text())
    assert played["status"] == "passed", done.stdout
    return {step["name"]: step["status"] for step in played["steps"]}


def test_what_is_supported_passes_its_smoke_test(hospital: Service, programs: Programs, tmp_path: Path) -> None:
    peer = {"base_url": base_of(hospital), "auth": {"type": "bearer", "token": token_of(hospital)}}
    steps = play(programs, "smoke.yaml", peer, tmp_path, "--no-serve")
    assert len(steps) == 9
    assert set(steps.values()) == {"passed"}
