"""The national upload reads as its paths say, whatever else stands in it; and every broken file gets a clear answer."""

import gzip
import io
import tracemalloc
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.extract import FileFormat, Scope
from flags_store.extract_formats.opening import open_extract
from flags_store.extract_formats.reading import Terms, UnreadableExtract
from flags_store.extract_formats.v3_reader import LONGEST_TOKEN, V3Envelope, V3Reader, to_instant
from flags_store.extract_formats.v3_rows import to_day
from flags_store.extracts.codes import FileCode, NoteCode, RecordCode
from flags_store.extracts.record import ExtractRecord, Note, RowError
from tests.extracts.v3.files import (
    CHILD,
    DECLARED,
    GOOD,
    MOTHER,
    OTHER,
    a_file,
    child,
    mother,
    one_row,
    open_v3,
    plan,
    read,
    record,
    rows,
)  # fmt: skip

BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE File [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><File xmlns="urn:hl7-org:v3"><id extension="1"/><record>&c;</record></File>'
)
EXTERNAL = b'<!DOCTYPE File [<!ENTITY x SYSTEM "file:///etc/passwd">]><File><id extension="1"/><record>&x;</record></File>'
DEEP = b"<File>" + b"<a>" * 100
LONG_TAG = b'<File><id extension="1"/><a b="' + b"x" * (LONGEST_TOKEN + 200_000)

MALFORMED = {
    "an XML bomb": (BOMB, FileCode.UNSAFE_XML),
    "an external entity": (EXTERNAL, FileCode.UNSAFE_XML),
    "a DOCTYPE alone": (b"<!DOCTYPE File><File/>", FileCode.UNSAFE_XML),
    "cut off within a record": (GOOD[: len(GOOD) // 2], FileCode.CUT_XML),
    "cut off within a tag": (GOOD[:-3], FileCode.CUT_XML),
    "nothing after the declaration": (b'<?xml version="1.0"?>', FileCode.CUT_XML),
    "a wrong closing tag": (GOOD.replace(b"</File>", b"</Fill>"), FileCode.BROKEN_XML),
    "a second root": (GOOD + b"<File/>", FileCode.BROKEN_XML),
    "windows-1252 that says UTF-8": (GOOD.replace("’".encode(), b"\x92"), FileCode.WRONG_ENCODING),
    "UTF-8 that says UTF-16": (GOOD.replace(b'encoding="UTF-8"', b'encoding="UTF-16"'), FileCode.WRONG_ENCODING),
    "an encoding that nobody knows": (GOOD.replace(b'encoding="UTF-8"', b'encoding="x-none"'), FileCode.WRONG_ENCODING),
    "another root": (GOOD.replace(b"<File", b"<Feil").replace(b"</File", b"</Feil"), FileCode.WRONG_ROOT),
    "a page of a website": (b"<html><body>Sign in</body></html>", FileCode.WRONG_ROOT),
    "another interaction": (
        a_file(record(child(), plan()), interaction="urn:x:CP-ISNHSQuery-v1-0"),
        FileCode.UNSUPPORTED_INTERACTION,
    ),
    "another version": (GOOD.replace(b"Upload-v1-0", b"Upload-v9-9"), FileCode.UNSUPPORTED_INTERACTION),
    "another authority": (a_file(record(child(), plan()), sender="302"), FileCode.WRONG_SENDER),
    "no sequence number": (a_file(record(child(), plan()), sequence=""), FileCode.NO_SEQUENCE_NUMBER),
    "a sequence number in words": (a_file(record(child(), plan()), sequence="seven"), FileCode.NO_SEQUENCE_NUMBER),
    "no record": (a_file(), FileCode.NO_RECORDS),
    "elements without end": (DEEP, FileCode.OVERSIZED_XML),
    "a tag without end": (LONG_TAG, FileCode.OVERSIZED_XML),
}


@pytest.mark.parametrize("content, code", MALFORMED.values(), ids=MALFORMED.keys())
def test_each_broken_file_is_refused_as_a_whole_with_a_code_of_its_own(content: bytes, code: FileCode) -> None:
    with pytest.raises(UnreadableExtract) as refused:
        read(content)
    assert refused.value.code is code
    assert not any(name in str(refused.value) for name in ("Ada", "Example", CHILD, "{", "passwd"))


BAD_RECORDS = {
    "no plan": (record(child()), RecordCode.NO_PLANS),
    "nobody": (record(plan()), RecordCode.NO_PERSON),
    "child and mother": (record(child(), mother(), plan()), RecordCode.CHILD_AND_MOTHER),
    "old style": (record(child("ABCD/123456"), plan()), RecordCode.OLD_NHS_NUMBER),
    "old style, letters": (record(child("KRJQY1234"), plan()), RecordCode.OLD_NHS_NUMBER),
    "mistyped number": (record(child("9990000019"), plan()), RecordCode.BAD_NHS_NUMBER),
    "no number": (record(child(""), plan()), RecordCode.MISSING),
    "real number": (record(child("4010232137"), plan()), RecordCode.NOT_TEST_NUMBER),
    "an unknown kind": (record(child(), plan().replace("146101GB01.CPP", "146109GB01.XYZ")), RecordCode.UNKNOWN_PLAN),
    "unborn plan of a child": (record(child(), plan("UCPP")), RecordCode.PLAN_OF_ANOTHER),
    "plan of the mother": (record(mother(), plan("CPP")), RecordCode.PLAN_OF_ANOTHER),
    "no family name": (record(child(family=""), plan()), RecordCode.MISSING),
    "no start": (record(child(), plan(start="")), RecordCode.MISSING),
    "a start that is a month": (record(child(), plan(start="202501")), RecordCode.BAD_DATE),
    "a start on 30 February": (record(child(), plan(start="20250230")), RecordCode.BAD_DATE),
    "an end before the start": (record(child(), plan(end="20241231")), RecordCode.END_BEFORE_START),
    "21 plans": (record(child(), *[plan()] * 21), RecordCode.TOO_MANY_PLANS),
    "a name without end": (record(child(family="x" * 5000), plan()), RecordCode.TOO_LONG),
}


@pytest.mark.parametrize("bad, code", BAD_RECORDS.values(), ids=BAD_RECORDS.keys())
def test_a_bad_record_is_refused_by_itself_and_the_next_one_loads(bad: str, code: RecordCode) -> None:
    refused, *others = rows(a_file(bad, record(child(OTHER), plan())))
    assert refused[2:] == ("!", code)
    assert [each[2:] for each in others] == [("CPP", "2025-01-06")]
    assert [refused[1].partition(",")[0], others[0][1]] == ["record 1", "record 2, CPP"]


def test_a_record_of_an_unknown_and_a_known_plan_loads_the_known_one() -> None:
    unknown = plan().replace("146101GB01.CPP", "146109GB01.XYZ")
    assert rows(a_file(record(child(), unknown, plan("LAC")))) == [
        (1, "record 1", "!", RecordCode.UNKNOWN_PLAN), (2, "record 1, LAC", "LAC", "2025-01-06"),
    ]  # fmt: skip


def test_each_plan_becomes_a_row_with_a_number_of_its_own_and_its_place() -> None:
    assert rows(GOOD) == [
        (1, "record 1, CPP", "CPP", "2025-01-06"), (2, "record 2, LAC", "LAC", "2025-01-06"),
        (3, "record 2, CPP", "CPP", "2025-02-03"), (4, "record 3, UCPP", "UCPP", "2025-01-20"),
    ]  # fmt: skip


def test_a_row_has_all_that_the_record_says() -> None:
    came = one_row(child(given="Ada</given><given>Mary"), plan(end="20250901", delete="20250902"))
    assert isinstance(came, ExtractRecord)
    assert came.fields == (CHILD, "CPP", "2025-01-06", "2025-09-01", "2025-09-02", "", "Ada Mary", "Example", "2018-05-06", "A1")
    assert (came.end_date, came.delete_date, came.expected_delivery_date) == (date(2025, 9, 1), date(2025, 9, 2), None)
    of_mother = one_row(mother(), plan("UCPP"))
    assert isinstance(of_mother, ExtractRecord)
    assert of_mother.fields[0] == MOTHER
    assert of_mother.fields[6:] == ("Grace", "Pemberton", "1998-02-11", "A3")


def test_a_refused_row_keeps_the_ten_columns_so_that_a_person_can_mend_it() -> None:
    came = one_row(child("9990000019"), plan())
    assert isinstance(came, RowError)
    assert came.fields == ("9990000019", "CPP", "2025-01-06", "", "", "", "Ada", "Example", "2018-05-06", "A1")
    assert came.record["nhs_number"] == "9990000019"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD.replace(b' xmlns="urn:hl7-org:v3"', b""), id="no namespace"),
        pytest.param(GOOD.replace(b"urn:hl7-org:v3", b"urn:another"), id="another namespace"),
        pytest.param(
            GOOD.replace(b"<", b"<h:").replace(b"<h:/", b"</h:").replace(b"<h:?", b"<?").replace(b" xmlns=", b" xmlns:h="),
            id="prefix",
        ),
        pytest.param(
            GOOD.replace(b"<CP-ISRecord>", b"<CP-ISRecord><newThing><id extension='x'/><value value='y'/></newThing>"), id="more"
        ),
        pytest.param(GOOD.replace(b"146101GB01", b"146101GB02"), id="a later template"),
        pytest.param(GOOD.replace(b"<record>", b"\n  <!-- a record --> <record>\n"), id="white space and comments"),
        pytest.param(GOOD.decode().replace('"UTF-8"', '"UTF-16"').encode("utf-16"), id="UTF-16"),
        pytest.param(GOOD.decode().replace('"UTF-8"', '"windows-1252"').encode("cp1252"), id="windows-1252"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="a byte order mark"),
    ],
)
def test_what_is_unknown_or_written_otherwise_changes_nothing(content: bytes) -> None:
    assert content != GOOD
    assert [(each.fields) for each in read(content) if isinstance(each, ExtractRecord)] == [
        each.fields for each in read(GOOD) if isinstance(each, ExtractRecord)
    ]


def test_ids_in_the_other_order_are_told_apart_by_what_they_say() -> None:
    swapped = child().replace(
        '<id root="2.16.840.1.113883.2.1.4.1"', '<id root="local" extension="A9"/><id root="2.16.840.1.113883.2.1.4.1"'
    )
    came = one_row(swapped, plan())
    assert isinstance(came, ExtractRecord)
    assert (came.nhs_number, came.local_id) == (CHILD, "A9")


def test_the_envelope_is_what_the_file_says_of_itself() -> None:
    reader = open_v3(GOOD)
    assert reader.envelope == V3Envelope(
        FileFormat.V3,
        Scope.PARTIAL,
        7,
        datetime(2025, 9, 1, 6, 30, tzinfo=UTC),
        3,
        "301",
        {"EC": "01632 961301", "WP": "01632 960301"},
    )
    before = reader.envelope
    assert len(list(reader.records())) == 4
    assert reader.envelope == before


def test_a_count_that_differs_is_said_and_refuses_nothing() -> None:
    *loaded, note = read(a_file(record(child(), plan()), quantity="5"))
    assert len(loaded) == 1
    assert note == Note(NoteCode.QUANTITY_DIFFERS, detail={"said": 5, "found": 1})


@pytest.mark.parametrize("authority, refused", [("301", False), ("706", True)])
def test_the_file_of_another_authority_is_refused_before_any_record(authority: str, refused: bool) -> None:
    if refused:
        with pytest.raises(UnreadableExtract) as error:
            open_v3(GOOD, authority)
        assert error.value.code is FileCode.WRONG_SENDER
    else:
        assert open_v3(GOOD, authority).envelope.authority_code == authority


def test_an_xml_file_is_opened_as_v3() -> None:
    reader = open_extract(io.BytesIO(GOOD), Terms("301", DECLARED, is_production=False))
    assert isinstance(reader, V3Reader)


DAYS = {
    "20250701": "2025-07-01",
    "20250701120000": "2025-07-01",
    "202507011200": "2025-07-01",
    "20250630233000+0000": "2025-07-01",
    "20250701003000+0100": "2025-07-01",
    "20250630223000.123+0000": "2025-06-30",
    "20250101000000-0100": "2025-01-01",
    "20250101000000+0100": "2024-12-31",
    "": "",
    "2025": "2025",
    "20250701250000": "20250701250000",
    "20250230": "2025-02-30",
    "1 July 2025": "1 July 2025",
    "00000000000000": "00000000000000",
    "99991231235959-2359": "99991231235959-2359",
}


@pytest.mark.parametrize("timestamp, day", DAYS.items(), ids=[each or "empty" for each in DAYS])
def test_a_timestamp_is_the_day_in_england(timestamp: str, day: str) -> None:
    assert to_day(timestamp) == day


@pytest.mark.parametrize(
    "timestamp, instant",
    [
        ("20250901073000+0100", datetime(2025, 9, 1, 6, 30, tzinfo=UTC)),
        ("20250901063000.5-0030", datetime(2025, 9, 1, 7, 0, tzinfo=UTC)),
        ("20250901063000", None), ("20250901", None), ("", None), ("20251301063000+0000", None), ("20250901063000+9900", None),
    ],
)  # fmt: skip
def test_an_instant_needs_its_offset(timestamp: str, instant: datetime | None) -> None:
    assert to_instant(timestamp) == instant


@given(st.text(max_size=40))
def test_no_text_of_a_timestamp_raises(timestamp: str) -> None:
    assert isinstance(to_day(timestamp), str)
    assert to_instant(timestamp) is None or to_instant(timestamp).tzinfo is UTC  # type: ignore[union-attr]


@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=4))
def test_a_damaged_file_is_read_or_refused_and_never_anything_else(at: int, damage: bytes) -> None:
    found: list[object] = []
    with suppress(UnreadableExtract):
        found = [*read(GOOD[:at] + damage + GOOD[at + len(damage) :])]
        assert found
    assert all(isinstance(each, ExtractRecord | RowError | Note) for each in found)


@given(st.integers(1, len(GOOD) - 1))
def test_where_the_file_is_cut_into_pieces_changes_nothing(at: int) -> None:
    pieces = iter([GOOD[:at], GOOD[at:], b"", b""])

    class Pieces(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return next(pieces)

    reader = V3Reader(Pieces(), Terms("301", DECLARED, is_production=False))  # type: ignore[arg-type]
    assert list(reader.records()) == read(GOOD)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    one, head, tail = record(child(), plan()).encode(), *a_file().split(b"</File>")[:1], b"</File>"

    def peak(count: int) -> int:
        file = tmp_path / "upload.xml.gz"
        with gzip.open(file, "wb", 1) as out:
            out.write(head.replace(b'Quantity value="0"', b'Quantity value="%d"' % count))
            for _ in range(count):
                out.write(one)
            out.write(tail)
        with gzip.open(file) as stream:
            reader = V3Reader(stream, Terms("301", DECLARED, is_production=False))  # type: ignore[arg-type]
            tracemalloc.start()
            found = sum(1 for _ in reader.records())
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert found == count
        return most

    few, many = peak(500), peak(4_000)
    assert many < few + 200_000


@pytest.mark.parametrize("encoding", ["utf-7", "shift_jis", "rot13", "zlib", "none-such"])
def test_an_encoding_that_no_parser_reads_is_refused_in_words_and_not_tried_again_and_again(encoding: str) -> None:
    with pytest.raises(UnreadableExtract) as refused:
        read(a_file(record(child(), plan()), before=f'<?xml version="1.0" encoding="{encoding}"?>'))
    assert refused.value.code.value == "wrong-encoding"
