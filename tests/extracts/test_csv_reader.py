"""Bytes to records: one bad line costs itself, one bad file costs nothing but itself, and nothing else is ever raised."""

import io
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flags_store.extract_formats.csv_reader import LONGEST_LINE, read_records
from flags_store.extract_formats.reading import UnreadableExtract
from flags_store.extracts.record import COLUMNS, ExtractRecord, RowError
from tests.extracts.files import HEADER, a_file, read, row


@pytest.mark.parametrize(
    "content, code, line, words",
    [
        (b"", "empty-file", None, "The file is empty."),
        (f"{HEADER}\n".encode(), "no-records", None, "no records"),
        (f"{HEADER}\r\n\r\n,,,,,,,,,\r\n".encode(), "no-records", None, "no records"),
        (a_file(row(), header=HEADER.replace("kind", "type")), "wrong-header", 1, "column 2 must be kind, and something else"),
        (
            a_file(row(), header=HEADER.replace("kind,start_date", "start_date,kind")),
            "wrong-header",
            1,
            "column 2 must be kind, not start_date",
        ),
        (a_file(row(), header=HEADER.removesuffix(",local_id")), "wrong-header", 1, "column 10 must be local_id."),
        (a_file(row(), header=f"{HEADER},postcode"), "wrong-header", 1, "11 columns instead of 10"),
        (a_file(row(), header=HEADER.replace(",", ";")), "wrong-header", 1, "commas between"),
        (a_file(row(), header=f'"{HEADER}'), "wrong-header", 1, "quotation mark"),
        (a_file(row(), end="\r"), "wrong-header", 1, "LF or CR LF"),
        (a_file(row()).decode().encode("utf-16-le"), "wrong-header", 1, "UTF-16"),
        (a_file(row()).decode().encode("utf-16"), "not-utf8", 1, "Line 1 is not UTF-8"),
        (a_file(row(), row(given_name="Zoë")).decode().encode("cp1252"), "not-utf8", 3, "Line 3 is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_where(content: bytes, code: str, line: int | None, words: str) -> None:
    with pytest.raises(UnreadableExtract) as refused:
        read(content)
    assert (refused.value.code, refused.value.line) == (code, line)
    assert words in str(refused.value)


def test_the_error_of_a_file_without_a_header_names_no_child() -> None:
    with pytest.raises(UnreadableExtract) as refused:
        read(f"{row()}\n{row()}\n".encode())
    assert "999" not in str(refused.value)
    assert "Ada" not in str(refused.value)


@pytest.mark.parametrize(
    "bad, field, code",
    [
        (row()[:-3], "line", "wrong-columns"),
        (row() + ",", "line", "wrong-columns"),
        (row(given_name='"Ada'), "line", "bad-quotes"),
        (row(given_name='"Ada"x'), "line", "bad-quotes"),
        (row(given_name="A\x00da"), "given_name", "bad-character"),
        (row(given_name='"A\rda"'), "given_name", "bad-character"),
        (row(local_id="x" * 101), "local_id", "too-long"),
        (row(local_id="x" * LONGEST_LINE), "line", "line-too-long"),
        ("é" * LONGEST_LINE, "line", "line-too-long"),
    ],
)
def test_a_bad_line_costs_only_itself(bad: str, field: str, code: str) -> None:
    before, error, after = read(a_file(row(), bad, row()))
    assert isinstance(before, ExtractRecord)
    assert isinstance(after, ExtractRecord)
    assert isinstance(error, RowError)
    assert (error.line, error.field, error.code, after.line) == (3, field, code, 4)


def test_the_rejected_record_is_kept_as_it_was_sent_as_far_as_it_can_be_kept() -> None:
    nul, long = read(a_file(row(given_name=" A\x00da"), row(nhs_number="1" * 90, local_id="y" * 2_000)))
    assert isinstance(nul, RowError)
    assert isinstance(long, RowError)
    assert nul.record["given_name"] == " A␀da"
    assert list(nul.record) == list(COLUMNS)
    assert long.record["nhs_number"] == "1" * 90
    assert long.record["local_id"] == "y" * 500 + "…"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_quotes_marks_and_line_ends_make_no_difference(mark: bytes, end: str) -> None:
    quoted = ",".join(f'"{value}"' for value in row(given_name="Ada").split(","))
    header = ",".join(f'"{name}"' for name in COLUMNS)
    plain, *more = read(mark + a_file(row(), quoted, "", header=header, end=end) + row().encode())
    assert isinstance(plain, ExtractRecord)
    assert [each.fields for each in more if isinstance(each, ExtractRecord)] == [plain.fields] * 2
    assert [each.line for each in more] == [3, 5]


def test_a_quoted_field_holds_commas_and_quotation_marks() -> None:
    [record] = read(a_file(row(given_name='"Tomos, ""Tom"""')))
    assert isinstance(record, ExtractRecord)
    assert record.given_name == 'Tomos, "Tom"'


@given(st.binary() | st.text().map(str.encode))
@example(b'"\n')
@example(b"\xef\xbb\xbf")
def test_no_bytes_raise_anything_but_the_named_error(content: bytes) -> None:
    try:
        read(content)
    except UnreadableExtract as refused:
        assert str(refused)  # noqa: PT017


@given(st.lists(st.binary(max_size=200) | st.text(alphabet='0123456789,"-/ 9CPL\x00\r', max_size=80).map(str.encode)))
@example([b"9" * LONGEST_LINE])
@example([b'"' * LONGEST_LINE])
def test_below_a_good_header_every_line_becomes_a_record_or_an_error(lines: list[bytes]) -> None:
    content = f"{HEADER}\n".encode() + b"\n".join(lines)
    try:
        came = read(content)
    except UnreadableExtract as refused:
        assert refused.code in {"not-utf8", "no-records"}  # noqa: PT017
    else:
        assert 0 < len(came) <= len(content.split(b"\n")) - 1
        assert all("\x00" not in str(each.record) for each in came if isinstance(each, RowError))


class Endless(io.RawIOBase):
    """A line without end, as far as anybody reads."""

    def __init__(self, content: bytes, more: int) -> None:
        self.content, self.more = io.BytesIO(content), more

    def readline(self, limit: int | None = -1, /) -> bytes:
        assert limit is not None
        assert limit > 0, "never asks for a line of any length"
        line = self.content.readline(limit)
        if line or self.more <= 0:
            return line
        self.more -= limit
        return b"x" * limit


def test_a_line_of_a_gigabyte_is_never_in_memory() -> None:
    tracemalloc.start()
    try:
        [error] = read_records(Endless(a_file(), 1_000_000_000), is_production=False)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(error, RowError)
    assert error.code == "line-too-long"
    assert peak < 1_000_000
