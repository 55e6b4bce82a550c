"""docs/integration/pds.md: what it tells to set and to type works, what it says is asked is asked, no answer is left out."""

import re
import shlex
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from domain.trace import Demographics, NotVerifiedReason
from fhir_adapter.pds import open_trace
from nightlight.cli import app
from nightlight.demo.pds_people import PEOPLE
from runtime.settings import PREFIX, Settings
from safeguarding.tracing import WORDS
from tests.conftest import FreshDatabase
from tests.fhir_adapter.pds.register import environment, open_register, register_in_a_thread

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "integration" / "pds.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_every_setting_of_pds_is_named_and_no_other() -> None:
    [block] = [block for block in BLOCKS if block.startswith("NIGHTLIGHT_")]
    named = {line.partition("=")[0] for line in block.splitlines()}
    assert named == {PREFIX + name.upper() for name in Settings.model_fields if name.startswith("pds_")}


def test_every_outcome_is_in_the_table_and_no_other() -> None:
    table = PAGE[PAGE.index("| PDS answers |") : PAGE.index("Names are compared")]
    assert set(re.findall(r"^\|[^|]*\| `([\w-]+)` \|", table, re.MULTILINE)) == {
        *WORDS.values(),
        *(reason.value for reason in NotVerifiedReason),
        "deceased",
    }


async def test_what_the_page_says_is_asked_is_asked() -> None:
    told = Demographics("Harding", date(2019, 3, 4), "Amelia")
    async with open_register(PEOPLE) as register, open_trace(register.access()) as trace:
        await trace.find(told)
        await trace.verify(PEOPLE[0].number, told)
    assert list(register.stand_in.asked) == re.findall(r"^\| `GET (/Patient.*?)` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", [line for block in BLOCKS for line in block.splitlines() if line.startswith("nightlight ")])
def test_every_command_of_the_page_verifies_somebody(
    line: str, fresh_database: FreshDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NIGHTLIGHT_DATABASE_URL", fresh_database.service_url)
    monkeypatch.setenv("NIGHTLIGHT_DATA_DIR", str(tmp_path))
    with register_in_a_thread(PEOPLE) as register:
        for name, value in environment(register, tmp_path).items():
            monkeypatch.setenv(name, value)
        done = CliRunner().invoke(app, shlex.split(line)[1:])
    assert done.exit_code == 0, done.output
    assert done.output.startswith("Verified: ")
