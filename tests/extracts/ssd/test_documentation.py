"""What the page on the dataset promises of tables, columns, notes and limits is what the code reads."""

import re

from flags_store.extract_formats.ssd_archive import MOST_FILES, MOST_RATIO, MOST_UNPACKED
from flags_store.extract_formats.ssd_tables import TABLES
from flags_store.extracts.codes import NOTE_WORDS, NoteCode, RecordCode
from tests.extracts.ssd.test_load_dataset import EXAMPLE, PAGE

TEXT = PAGE.read_text(encoding="utf-8")


def section(heading: str) -> str:
    return TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_the_page_lists_every_table_and_column_and_marks_what_is_needed() -> None:
    listed = dict(re.findall(r"^\| `(ssd_\w+)` \| (.+) \|$", section("What is read"), re.MULTILINE))
    assert set(listed) == set(TABLES)
    for name, cell in listed.items():
        assert set(re.findall(r"`(\w+_\w+)`", cell)) == set(TABLES[name].columns), name
        assert set(re.findall(r"\*\*`(\w+)`\*\*", cell)) == set(TABLES[name].needed), name


def test_the_page_lists_what_is_noted_with_its_words() -> None:
    listed = dict(re.findall(r"^\| `([^`]+)` \| (.+) \|$", section("What the report says besides"), re.MULTILINE))
    assert listed == {code: re.sub(r"{\w+}", "…", NOTE_WORDS[NoteCode(code)]) for code in listed}
    assert len(listed) == 10


def test_every_code_that_the_page_names_is_one() -> None:
    named = set(re.findall(r"rejected \(([^)]+)\)", TEXT)) | set(re.findall(r"said \(([^)]+)\)", TEXT))
    codes = {code for each in named for code in re.findall(r"`([a-z-]+)`", each)}
    assert codes <= {code.value for code in [*RecordCode, *NoteCode]}
    assert len(codes) >= 14


def test_the_page_names_the_limits_that_hold() -> None:
    assert f"{MOST_FILES:,} files and unpack to {MOST_UNPACKED >> 30} GiB, and a table to {MOST_RATIO} times" in TEXT


def test_everybody_in_the_example_is_invented() -> None:
    numbers = re.findall(r"\b9\d{2} ?\d{3} ?\d{4}\b", "".join(path.read_text(encoding="utf-8") for path in EXAMPLE.iterdir()))
    assert len(numbers) > 5
    assert all(number.startswith("999") for number in numbers)
