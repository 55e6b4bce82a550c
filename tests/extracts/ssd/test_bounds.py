"""No small zip becomes a big one in memory or in time, whatever it says of itself."""

import io
import struct
import zipfile

import pytest

from flags_store.extract_formats import ssd_rows
from flags_store.extract_formats.reading import UnreadableExtract
from flags_store.extract_formats.ssd_slim import write_slim
from tests.extracts.ssd.files import a_zip, dataset, files_of, read, said

PLANS = b"cppl_cp_plan_id,cppl_person_id,cppl_cp_plan_start_date,cppl_cp_plan_end_date\r\n"


def two_ends(files: int) -> bytes:
    """A zip whose end says one file, and whose other end (ZIP64), which counts, says as many as there are."""
    names = [f"f{number:05}".encode() for number in range(files)]
    head = struct.Struct("<4s4B4HL2L5H2L")
    listed = b"".join(head.pack(b"PK\1\2", 20, 3, 20, *[0] * 8, len(name), *[0] * 6) + name for name in names)
    long_end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, files, files, len(listed), 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(listed), 1)
    return listed + long_end + locator + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 46, 0, 0)


def with_plans(plans: bytes) -> bytes:
    return a_zip({**files_of(), "ssd_cp_plans.csv": PLANS + plans})


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableExtract) as refused:
        read(content)
    with pytest.raises(UnreadableExtract):
        write_slim(io.BytesIO(content), io.BytesIO())
    return refused.value.code.value


def test_a_second_end_of_the_directory_that_says_more_files_counts() -> None:
    assert refusal(two_ends(1_001)) == "zip-too-big"


def test_a_second_end_that_stands_elsewhere_is_refused() -> None:
    content = two_ends(3)
    at = content.rfind(b"PK\x06\x07")
    assert refusal(content[:at] + b"between" + content[at:]) == "zip-method"


def test_a_zip_with_a_second_end_that_is_right_is_read() -> None:
    whole = dataset()
    at = whole.rfind(b"PK\x05\x06")
    _, _, _, _, files, size, start, _ = struct.unpack_from("<4s4H2LH", whole, at)
    long_end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, files, files, size, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at, 1)
    long = whole[:at] + long_end + locator + whole[at:]
    assert len(zipfile.ZipFile(io.BytesIO(long)).infolist()) == files
    assert said(read(long)) == said(read(whole)) != []


def test_a_row_may_have_line_breaks_but_has_an_end() -> None:
    commas = b"," * 30_000
    assert refusal(with_plans(b'P1,"' + b'\n",' * 1 + commas + b'"' + (b'\n"' + commas + b'"') * 50)) == "table-line-too-long"
    assert said(read(with_plans(b'"P\n\n1",C1,2025-12-10,\n'))) != []


def test_a_table_of_nothing_but_empty_lines_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssd_rows, "MOST_LINES", 1_000)
    assert refusal(with_plans(b"\n" * 1_001)) == "too-much"
