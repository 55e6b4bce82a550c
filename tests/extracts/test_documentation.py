"""What `docs/authority-extract.md` promises is what happens."""

import re
from pathlib import Path

import pytest

from flags_store.extracts.codes import FILE_WORDS, NOTE_WORDS, RECORD_WORDS
from flags_store.extracts.record import COLUMNS
from safeguarding.extracts.loading import read_rejects
from tests.extracts.store import MONDAY, OFFICER, TUESDAY, Store

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "authority-extract.md").read_text(encoding="utf-8")


def table_below(heading: str) -> dict[str, str]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", section, re.MULTILINE))


@pytest.mark.parametrize(
    "heading, words",
    [
        ("When a whole file is refused", FILE_WORDS),
        ("When a record is rejected", RECORD_WORDS),
        ("What is said of an extract, and refuses nothing", NOTE_WORDS),
    ],
)
def test_the_page_lists_every_code_with_its_words(heading: str, words: dict[str, str]) -> None:
    assert table_below(heading) == {code.value: re.sub(r"{\w+}", "…", text) for code, text in words.items()}  # type: ignore[attr-defined]


def test_the_page_lists_every_column_in_the_order_of_the_header() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE.split("\n## ")[1], re.MULTILINE) == list(COLUMNS)
    assert f"\n  {','.join(COLUMNS)}\n" in PAGE


async def test_the_worked_example_works_as_it_is_told(store: Store) -> None:
    told = re.findall(r"^```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    for name, at, file, outcome in (("monday", MONDAY, *told[0:2]), ("tuesday", TUESDAY, *told[2:4])):
        content = (DOCS / "examples" / f"extract-{name}.csv").read_bytes()
        assert content.decode() == file
        report = await store.load(content, at)
        async with store.database.transaction() as transaction:
            rejects = await read_rejects(transaction, OFFICER, "301", report.id)
        lines = [report.words, *(f"line {each.line}, {each.field}: {each.reason} ({each.code})" for each in rejects)]
        assert "".join(f"{line}\n" for line in lines) == outcome
