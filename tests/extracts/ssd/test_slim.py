"""What is kept of a dataset before it is loaded: the same to read, without anything that must not be stored."""

import csv
import io
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flags_store.extract_formats.reading import UnreadableExtract
from flags_store.extract_formats.ssd_slim import write_slim
from flags_store.extract_formats.ssd_tables import TABLES
from tests.extracts.ssd.files import (
    CHILD,
    EPISODE,
    IDENTIFIER,
    IS_MOTHER,
    PLACEMENT,
    PLAN,
    STATUS,
    UNBORN,
    UNBORN_PLAN,
    WOMAN,
    a_zip,
    dataset,
    files_of,
    read,
    refusals,
)

EVERYTHING: dict[str, Any] = {
    "persons": ({**CHILD, "pers_ethnicity": "SECRET"}, WOMAN, UNBORN),
    "plans": (PLAN, UNBORN_PLAN, {**PLAN, "cppl_person_id": "C9"}),
    "episodes": (EPISODE,), "mothers": (IS_MOTHER,), "statuses": (STATUS,),
    "placements": ({**PLACEMENT, "clap_cla_placement_postcode": "ZZ1 9QJ", "clap_cla_placement_urn": "SECRET"},),
    "identifiers": (IDENTIFIER, {**IDENTIFIER, "link_identifier_type": "YOT Number", "link_identifier_value": "SECRET"}),
}  # fmt: skip


def slim(content: bytes) -> bytes:
    target = io.BytesIO()
    write_slim(io.BytesIO(content), target)
    return target.getvalue()


def unpacked(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


@pytest.mark.parametrize("content", [b"PK", dataset()[:-30], a_zip({"ssd_person.csv": b'a,"b\n'})], ids=["no zip", "cut", "quotes"])
def test_what_nobody_could_read_is_refused_at_once(content: bytes) -> None:
    with pytest.raises(UnreadableExtract):
        slim(content)


def test_neither_other_tables_nor_columns_nor_identifiers_nor_whole_postcodes_are_kept() -> None:
    sent = a_zip({**files_of(**EVERYTHING), "ssd_contacts.csv": b"SECRET", "notes.txt": b"SECRET"})
    kept = unpacked(slim(sent))
    assert "ZZ1" in kept
    assert [word for word in ("SECRET", "9QJ", "YOT", "ethnicity") if word in kept] == []


def test_what_is_kept_is_read_as_what_was_sent() -> None:
    sent = dataset(**EVERYTHING)
    assert read(slim(sent)) == read(sent)
    assert len(read(sent)) > 4


def test_rows_stay_on_their_lines_and_broken_ones_stay_broken() -> None:
    plans = (
        b'note,cppl_cp_plan_id,cppl_person_id,cppl_cp_plan_start_date,cppl_cp_plan_end_date\r\n'
        b'"two\r\nlines",P1,C1,2025-12-10,\r\n\r\n,"P\n2",C9,2025-01-01,\r\nSECRET,P3\r\n,P4,C8,"2025-\r01",\r\n,P5,C7,2025-01-01,\r\n'
    )  # fmt: skip
    sent = a_zip({**files_of(), "ssd_cp_plans.csv": plans})
    assert read(slim(sent)) == read(sent)
    assert [each.place for each in refusals(read(sent))] == [f"ssd_cp_plans line {line}" for line in (7, 5, 8, 10)]
    assert "SECRET" not in unpacked(slim(sent))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_any_encoding_becomes_utf_8(encoding: str) -> None:
    persons = files_of(({**CHILD, "pers_surname": "O’Núñez"},))["ssd_person.csv"].decode().encode(encoding)
    sent = a_zip({**files_of(), "ssd_person.csv": persons})
    assert "O’Núñez" in unpacked(slim(sent))
    assert read(slim(sent)) == read(sent)


def test_the_same_tables_make_the_same_bytes_however_they_were_packed() -> None:
    files = files_of(**EVERYTHING)
    named_otherwise = {f"export/dbo.{name.upper()}": data for name, data in reversed(files.items())}
    assert slim(a_zip(files)) == slim(a_zip(named_otherwise)) == slim(slim(a_zip(files)))


def test_a_table_without_a_header_or_a_needed_column_is_left_to_the_reader() -> None:
    for table in (b"", b"a,b\n1,2\n"):
        with pytest.raises(UnreadableExtract, match="ssd_cp_plans"):
            read(slim(a_zip({**files_of(), "ssd_cp_plans.csv": table})))


FIELDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(FIELDS, min_size=4, max_size=7), max_size=8), st.sampled_from(["\r\n", "\n"]))
def test_whatever_stands_in_the_fields_what_is_kept_reads_the_same(rows: list[list[str]], end: str) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(["note", *TABLES["ssd_cp_plans"].columns])
    writer.writerows(rows)
    sent = a_zip({**files_of(episodes=(EPISODE,)), "ssd_cp_plans.csv": text.getvalue().encode()})
    assert read(slim(sent)) == read(sent)


def test_a_table_of_which_hardly_anything_is_read_is_no_bomb_once_it_is_slim() -> None:
    others = [{**IDENTIFIER, "link_identifier_type": "YOT Number", "link_identifier_value": f"{each:x}"} for each in range(200_000)]
    sent = dataset(identifiers=(IDENTIFIER, *others))
    assert read(slim(sent)) == read(sent) != []
