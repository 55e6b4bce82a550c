"""The import contracts: the house keeps them, and each of them would notice if it did not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = (
    "alerts",
    "api",
    "domain",
    "fhir_adapter",
    "flags_store",
    "hl7_listener",
    "mesh_mailbox",
    "nightlight",
    "runtime",
    "safeguarding",
)
LINT = [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(LINT, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every room with nothing in it, under the real contracts."""
    house = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", house)
    shutil.copytree(ROOT / "tools", house / "tools")
    for room in ROOMS:
        (house / room).mkdir()
        (house / room / "__init__.py").touch()
    return house


@pytest.mark.parametrize(
    "room, imported, contract",
    [
        ("domain", "runtime", "Calls only go down the house"),
        ("safeguarding", "hl7_listener", "Calls only go down the house"),
        ("hl7_listener", "fhir_adapter", "Calls only go down the house"),
        ("flags_store", "alerts", "Calls only go down the house"),
        ("api", "nightlight", "Calls only go down the house"),
        ("api", "flags_store", "Only safeguarding opens the two rooms"),
        ("hl7_listener", "alerts", "Only safeguarding opens the two rooms"),
        ("domain", "redis", "The words are pure"),
        ("domain", "pydantic", "The words are pure"),
        ("safeguarding", "hl7apy", "hl7apy stays in hl7_listener"),
        ("nightlight", "hl7apy", "hl7apy stays in hl7_listener"),
        ("api", "hl7_listener", "The HL7 reader stays in hl7_listener"),
        ("api", "fhir", "fhir.resources stays in fhir_adapter"),
        ("nightlight", "fastapi", "FastAPI stays in api and fhir_adapter"),
    ],
)
def test_a_broken_contract_is_named(empty_house: Path, room: str, imported: str, contract: str) -> None:
    wrong = empty_house / room / "wrong.py"
    wrong.write_text(f"import {imported}\n")
    try:
        linted = lint(empty_house)
    finally:
        wrong.unlink()
    assert linted.returncode == 1
    assert f"{contract} BROKEN" in linted.stdout
    assert f"{room}.wrong -> {imported}" in linted.stdout


@pytest.mark.parametrize(
    "room, imported", [("domain", "json"), ("safeguarding", "alerts"), ("nightlight", "hl7_listener"), ("api", "fastapi")]
)
def test_what_is_allowed_passes(empty_house: Path, room: str, imported: str) -> None:
    right = empty_house / room / "right.py"
    right.write_text(f"import {imported}\n")
    try:
        linted = lint(empty_house)
    finally:
        right.unlink()
    assert linted.returncode == 0


def test_the_house_keeps_its_contracts() -> None:
    linted = lint(ROOT)
    assert linted.returncode == 0, linted.stdout
