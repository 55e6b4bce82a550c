"""The hazard log: its form, and that every file and every test that it names is there."""

import re

import pytest

from tests.docs.reading import ROOT, every_test, page, rows

LOG = page("hazard-log.md")
SECTIONS = re.findall(r"^## (H-\d\d) (.+?)\n(.*?)(?=^## |\Z)", LOG, re.MULTILINE | re.DOTALL)
PARTS = ("Cause", "Effect", "Control", "Test", "Residual")
SEVERITIES = {"catastrophic", "major", "considerable", "significant", "minor"}
STATES = {"controlled", "partly controlled", "open"}


def test_hazards_are_numbered_without_a_gap() -> None:
    assert [number for number, _, _ in SECTIONS] == [f"H-{number:02d}" for number in range(1, len(SECTIONS) + 1)]


def test_the_list_at_the_top_is_the_list_of_the_sections() -> None:
    listed = [(re.sub(r"\[(.*?)\].*", r"\1", number), title) for number, title, _, _ in rows(LOG)]
    assert listed == [(number, title) for number, title, _ in SECTIONS]


def test_severity_and_state_are_words_of_the_page() -> None:
    assert {severity for _, _, severity, _ in rows(LOG)} <= SEVERITIES
    assert {state for _, _, _, state in rows(LOG)} <= STATES


@pytest.mark.parametrize("number, title, text", SECTIONS, ids=[number for number, _, _ in SECTIONS])
class TestEveryHazard:
    def test_says_everything_in_order(self, number: str, title: str, text: str) -> None:
        assert re.findall(r"^\* \*\*(\w+)\.\*\*", text, re.MULTILINE) == list(PARTS), f"{number} {title}"

    def test_names_tests_that_are_there(self, number: str, title: str, text: str) -> None:
        named = re.findall(r"`(tests/[\w/]+\.py::\w+)`", text)
        assert named, f"{number} {title} has no test"
        assert [name for name in named if name not in every_test()] == []

    def test_names_files_that_are_there(self, number: str, title: str, text: str) -> None:
        control = text[text.index("**Control.**") : text.index("**Test.**")]
        named = re.findall(r"`([\w/.-]+/[\w.-]+\.(?:py|sql|yml))`", control)
        linked = re.findall(r"\]\(([\w/.-]+\.md)", control)
        assert named or linked, f"{number} {title} names no file"
        assert [name for name in named if not (ROOT / name).is_file()] == []

    def test_an_open_risk_says_so(self, number: str, title: str, text: str) -> None:
        [state] = [state for listed, _, _, state in rows(LOG) if number in listed]
        residual = text[text.index("**Residual.**") :]
        assert state != "open" or "open" in residual, f"{number} {title}"


def test_every_hazard_that_is_named_elsewhere_is_in_the_log() -> None:
    numbers = {number for number, _, _ in SECTIONS}
    files = [path for room in ROOT.iterdir() if room.is_dir() and room.name in ROOMS for path in room.rglob("*.py")]
    for path in (*files, *(ROOT / "docs").rglob("*.md"), ROOT / "CHANGELOG.md"):
        named = set(re.findall(r"\bH-\d\d\b", path.read_text(encoding="utf-8")))
        assert named <= numbers, path


ROOMS = {
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
}
