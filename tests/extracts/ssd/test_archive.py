"""A zip or a folder that cannot be read is refused as a whole, in words; a good one may be named and packed in many ways."""

import io
import shutil
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flags_store.extract_formats import ssd_archive
from flags_store.extract_formats.opening import open_extract
from flags_store.extract_formats.reading import UnreadableExtract
from flags_store.extract_formats.ssd_archive import table_name
from flags_store.extract_formats.ssd_reader import SsdReader
from tests.extracts.ssd.files import ADA, CHILD, EPISODE, PLAN, a_zip, dataset, files_of, read, said, terms

GOOD = files_of()
THE_PLAN = [(ADA, "CPP", "2025-12-10", None)]


def refused(content: bytes | Path) -> UnreadableExtract:
    with pytest.raises(UnreadableExtract) as caught:
        read(content)
    return caught.value


def encrypted(content: bytes) -> bytes:
    """The same zip with the mark of a password on its first file, in both places."""
    marked = bytearray(content)
    marked[6] |= 1
    marked[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(marked)


def packed_by(method: int) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as archive:
        for name, data in GOOD.items():
            archive.writestr(name, data)
    return content.getvalue()


def claims_size(content: bytes, size: int) -> bytes:
    """The same zip, whose first file claims to be so big when it is unpacked."""
    claimed = bytearray(content)
    struct.pack_into("<L", claimed, content.index(b"PK\x01\x02") + 24, size)
    return bytes(claimed)


def damaged_within(content: bytes) -> bytes:
    """The same zip with one byte of the first file's content changed, which its checksum tells."""
    spoilt = bytearray(content)
    spoilt[45] ^= 0xFF
    return bytes(spoilt)


WHOLE = dataset()
REFUSED: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "zip-damaged", "damaged or cut short"),
    "no zip": (b"nhs_number,kind\n", "zip-damaged", "damaged or cut short"),
    "cut in the middle": (WHOLE[: len(WHOLE) // 2], "zip-damaged", "make it and send it again"),
    "cut at the end": (WHOLE[:-4], "zip-damaged", "damaged or cut short"),
    "spoilt within": (damaged_within(WHOLE), "zip-damaged", "damaged or cut short"),
    "with a password": (encrypted(WHOLE), "zip-encrypted", "without one"),
    "packed with LZMA": (packed_by(zipfile.ZIP_LZMA), "zip-method", "unusual way"),
    "a bomb": (a_zip({**GOOD, "ssd_mother.csv": b"0" * (65 << 20)}), "zip-too-big", "200 times its packed size"),
    "claims to be 3 GiB": (claims_size(a_zip({"ssd_person.csv": bytes(range(256)) * 64}), 3 << 30), "zip-too-big", ""),
    "too many files": (
        a_zip({**GOOD, **{f"{number}.txt": b"" for number in range(1_000)}}), "zip-too-big", "1,000 files",
    ),
    "nobody": (a_zip({"ssd_cp_plans.csv": GOOD["ssd_cp_plans.csv"]}), "table-missing", "There is no ssd_person:"),
    "neither plans nor care": (
        a_zip({"ssd_person.csv": GOOD["ssd_person.csv"]}), "table-missing", "no ssd_cp_plans and no ssd_cla_episodes:",
    ),
    "only tables that are not read": (a_zip({"ssd_contacts.csv": b"a,b\n"}), "table-missing", "ssd_person.csv"),
    "a table twice": (a_zip({**GOOD, "dbo.SSD_PERSON.CSV": b"x"}), "table-twice", "two files of ssd_person"),
    "the same table in two folders": (a_zip({**GOOD, "old/ssd_cp_plans.csv": b"x"}), "table-twice", "of ssd_cp_plans"),
    "no header": (a_zip({**GOOD, "ssd_cp_plans.csv": b""}), "table-empty", "ssd_cp_plans is empty"),
    "nobody in either table": (dataset(plans=(), episodes=()), "no-records", "did the export run to its end"),
}  # fmt: skip


@pytest.mark.parametrize("content, code, words", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_as_a_whole_in_words(content: bytes, code: str, words: str) -> None:
    error = refused(content)
    assert error.code.value == code
    assert words in str(error)


def test_a_dataset_without_the_time_at_which_it_was_taken_is_refused() -> None:
    with pytest.raises(UnreadableExtract, match="Say when the tables were taken"):
        list(SsdReader(io.BytesIO(WHOLE), terms(at=None)).records())


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_a_zip_does_anything_but_refuse_it_or_leave_it_as_it_was(data: st.DataObject) -> None:
    spoilt = bytearray(WHOLE)
    for place in data.draw(st.lists(st.integers(0, len(WHOLE) - 1), min_size=1, max_size=6)):
        spoilt[place] = data.draw(st.integers(0, 255))
    try:
        came = read(bytes(spoilt[: data.draw(st.integers(0, len(spoilt)))]))
    except UnreadableExtract:
        return
    assert said(came) in (THE_PLAN, [])


@pytest.mark.parametrize(
    "path, table",
    [
        ("ssd_person.csv", "ssd_person"),
        ("SSD_PERSON.CSV", "ssd_person"),
        ("dbo.ssd_person.csv", "ssd_person"),
        ("ssd_development.SSD_Cp_Plans.csv", "ssd_cp_plans"),
        ("[HDM].[dbo].[ssd_mother].csv", "ssd_mother"),
        ("export/2026/ssd_legal_status.csv", "ssd_legal_status"),
        ("export\\ssd_cla_episodes.csv", "ssd_cla_episodes"),
        ("../ssd_person.csv", None),
        ("export/../../ssd_person.csv", None),
        ("/etc/ssd_person.csv", None),
        ("C:\\export\\ssd_person.csv", None),
        ("__MACOSX/ssd_person.csv", None),
        ("export/._ssd_person.csv", None),
        ("ssd_contacts.csv", None),
        ("ssd_person.xlsx", None),
        ("my ssd_person.csv", None),
        ("ssd_person.csv.bak", None),
    ],
)
def test_a_file_is_a_table_by_its_name_alone(path: str, table: str | None) -> None:
    assert table_name(path) == table


def test_what_leads_out_of_the_archive_is_passed_over() -> None:
    other = files_of(({**CHILD, "pers_surname": "Elsewhere"},))["ssd_person.csv"]
    assert said(read(a_zip({**GOOD, "../ssd_person.csv": other, "/ssd_person.csv": other}))) == THE_PLAN


def test_names_may_have_a_schema_and_capitals_and_lie_in_a_folder() -> None:
    named = {f"Export/dbo.{name.upper()}": data for name, data in GOOD.items()}
    assert said(read(a_zip({**named, "readme.txt": b"hello", "Export/ssd_contacts.csv": b"\xff"}))) == THE_PLAN


def test_a_zip_may_be_packed_or_stored() -> None:
    assert said(read(packed_by(zipfile.ZIP_STORED))) == said(read(packed_by(zipfile.ZIP_DEFLATED))) == THE_PLAN


def test_a_folder_is_read_as_a_zip_is_and_its_subfolders_and_links_are_not(tmp_path: Path) -> None:
    for name, data in GOOD.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "old").mkdir()
    shutil.copy(tmp_path / "ssd_person.csv", tmp_path / "old" / "ssd_person.csv")
    (tmp_path / "dbo.ssd_cp_plans.csv").symlink_to(tmp_path / "ssd_cp_plans.csv")
    assert said(read(tmp_path)) == THE_PLAN


@pytest.mark.parametrize("absent", ["ssd_person", "ssd_cp_plans"])
def test_a_folder_without_a_needed_table_is_refused_too(tmp_path: Path, absent: str) -> None:
    for name, data in GOOD.items():
        if name != f"{absent}.csv":
            (tmp_path / name).write_bytes(data)
    assert refused(tmp_path).code.value == "table-missing"


def test_a_folder_that_is_too_big_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, data in GOOD.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.setattr(ssd_archive, "MOST_UNPACKED", 100)
    assert refused(tmp_path).code.value == "zip-too-big"


def test_one_of_plans_and_care_is_enough() -> None:
    assert said(read(dataset(plans=None, episodes=(EPISODE,)))) == [(ADA, "LAC", "2025-06-01", None)]
    assert said(read(dataset(plans=(PLAN,)))) == THE_PLAN


def test_a_file_is_known_to_be_a_dataset_by_how_it_begins_and_a_folder_by_being_one(tmp_path: Path) -> None:
    assert isinstance(open_extract(io.BytesIO(WHOLE), terms()), SsdReader)
    assert isinstance(open_extract(tmp_path, terms()), SsdReader)
