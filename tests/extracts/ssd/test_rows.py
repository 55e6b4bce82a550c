"""Encodings, quotation marks, columns, what is missing, dates and postcodes: each is read as it was meant, or refused in words."""

from datetime import date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flags_store.extract_formats.reading import UnreadableExtract
from flags_store.extract_formats.ssd_rows import LONGEST_LINE
from flags_store.extract_formats.ssd_tables import TABLES
from flags_store.extract_formats.ssd_values import BadDateError, to_column, to_day, to_miles, to_outward, to_value
from tests.extracts.ssd.files import (
    ADA,
    CHILD,
    PLACEMENT,
    PLAN,
    a_zip,
    dataset,
    files_of,
    only_refusal,
    read,
    records,
    refusals,
    said,
    table,
)

THE_PLAN = [(ADA, "CPP", "2025-12-10", None)]
HEADER = b"pers_person_id,pers_single_unique_id,pers_forename,pers_surname,pers_dob\r\n"
PLANS = files_of()["ssd_cp_plans.csv"]


def with_persons(content: bytes) -> bytes:
    return a_zip({"ssd_person.csv": content, "ssd_cp_plans.csv": PLANS})


def without(name: str, *columns: str) -> bytes:
    files = files_of()
    row = {"ssd_person": CHILD, "ssd_cp_plans": PLAN}[name]
    return a_zip({**files, f"{name}.csv": table(name, (row,), [each for each in row if each not in columns])})


def one_person(row: str) -> bytes:
    return with_persons(HEADER + row.encode() + b"\r\n")


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "no surname column": (
        without("ssd_person", "pers_surname"), "table-columns", "ssd_person cannot be read: there is no column pers_surname.",
    ),
    "two columns are missing": (
        without("ssd_cp_plans", "cppl_person_id", "cppl_cp_plan_end_date"), "table-columns",
        "there is no column cppl_person_id, cppl_cp_plan_end_date.",
    ),
    "no column that could hold an NHS number": (
        without("ssd_person", "pers_single_unique_id"), "table-columns", "there is no column pers_single_unique_id.",
    ),
    "a column twice": (
        with_persons(HEADER.replace(b"pers_forename", b"PERS_DOB") + b"\r\n"), "table-columns", "no column pers_forename",
    ),
    "a needed column twice": (
        with_persons(HEADER.strip() + b",Pers_Dob\r\n"), "table-columns", "the column pers_dob is there twice",
    ),
    "a quotation mark that is never closed": (
        one_person(f'C1,{ADA},"Ada,Example,2018-05-06'), "table-quotes", "ssd_person, line 2: a quotation mark is not closed",
    ),
    "a quotation mark in the wrong place": (
        one_person(f'C1,{ADA},"Ada"s,Example,2018-05-06'), "table-quotes", "ssd_person, line 2:",
    ),
    "an unclosed one that swallows what follows": (
        with_persons(HEADER + b"C0,,a,b,\r\n" + b'C1,"' + b"x" * 60 + b"\r\n" + b"C2,,a,b,\r\n" * 20_000),
        "table-quotes", "ssd_person, line 3:",
    ),
    "a line without end": (
        with_persons(HEADER + b"C" * (2 * LONGEST_LINE)), "table-line-too-long", "ssd_person, line 2: it is longer than 65536",
    ),
    "bytes of no encoding": (with_persons(HEADER + b"C1,\x81\x8d,Ada,b\xe9,\r\n"), "table-encoding", "ssd_person is neither"),
    "UTF-8 by its mark and not within": (with_persons(b"\xef\xbb\xbf" + HEADER + b"\xe9\r\n"), "table-encoding", "ssd_person"),
    "UTF-16 with half a letter": (
        with_persons((HEADER.decode() + "x").encode("utf-16") + b"\x00"), "table-encoding", "ssd_person",
    ),
}  # fmt: skip


@pytest.mark.parametrize("content, code, words", REFUSED.values(), ids=REFUSED)
def test_a_table_that_cannot_be_read_refuses_the_whole_and_says_which(content: bytes, code: str, words: str) -> None:
    with pytest.raises(UnreadableExtract) as caught:
        read(content)
    assert caught.value.code.value == code
    assert words in str(caught.value)
    assert not any(word in str(caught.value) for word in ("Ada", "Example", ADA))


def test_a_row_with_another_number_of_fields_is_rejected_by_its_place_and_nothing_of_it_is_kept() -> None:
    plans = PLANS + b"P9,C1,2025-01-01\r\n"
    came = read(a_zip({**files_of(), "ssd_cp_plans.csv": plans}))
    assert said(came) == THE_PLAN
    [refusal] = refusals(came)
    assert (refusal.code, refusal.place, refusal.record) == ("wrong-columns", "ssd_cp_plans line 3", {})
    assert refusal.reason == "The line has 3 fields; it must have 5."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_each_table_may_have_an_encoding_and_line_ends_of_its_own(encoding: str, end: str) -> None:
    persons = files_of(({**CHILD, "pers_forename": "Zoë", "pers_surname": "O’Núñez"},))["ssd_person.csv"].decode()
    content = persons.replace("\r\n", end).encode(encoding)
    [record] = records(read(with_persons(content)))
    assert (record.given_name, record.family_name) == ("Zoë", "O’Núñez")


def test_lines_may_end_in_different_ways_and_empty_ones_are_passed_over() -> None:
    content = HEADER + f"C0,,A,B,\nC1,{ADA},Ada,Example,2018-05-06\r\n\r\n,,,,\n".encode()
    assert said(read(with_persons(content))) == THE_PLAN


def test_a_field_may_hold_a_comma_a_quotation_mark_and_a_line_break_and_places_are_those_of_the_file() -> None:
    persons = HEADER + f'C0,,"two\nlines",B,\r\nC1,{ADA},Ada,"O""Neill, the younger",2018-05-06\r\n'.encode()
    plans = PLANS.replace(b"P1,", b'"P\n1",', 1) + b"P2,C7,2025-01-01,NULL,N\r\n"
    came = read(a_zip({"ssd_person.csv": persons, "ssd_cp_plans.csv": plans}))
    [record] = records(came)
    assert (record.family_name, record.extras.plan_id, record.extras.place) == ('O"Neill, the younger', "P1", "ssd_cp_plans line 2")
    [stranger] = refusals(came)
    assert (stranger.code, stranger.place) == ("person-unknown", "ssd_cp_plans line 4")


def test_a_control_character_in_a_name_rejects_the_record_and_none_gets_any_further() -> None:
    refusal = only_refusal(read(dataset(({**CHILD, "pers_forename": "A\x00da"},), ({**PLAN, "cppl_cp_plan_id": "P\x00\n1"},))))
    assert (refusal.code, refusal.field) == ("bad-character", "given_name")
    assert refusal.record["pers_forename"] == "A␀da"
    assert "\x00" not in repr(refusal)


def test_columns_stand_in_any_order_and_others_are_not_looked_at() -> None:
    persons = (
        f"PERS_SURNAME,pers_upn, pers_dob ,pers_forename,Pers_Common_Child_ID,pers_person_id\nExample,,2018-05-06,Ada,{ADA},C1\n"
    )
    [record] = records(read(with_persons(persons.encode())))
    assert record.nhs_number == ADA
    assert not any("upn" in name for name in record.extras.sent)


@pytest.mark.parametrize("table_name", sorted(TABLES))
def test_every_needed_column_is_one_that_is_read(table_name: str) -> None:
    assert set(TABLES[table_name].needed) <= set(TABLES[table_name].columns)


@pytest.mark.parametrize(
    "missing", ["", "  ", "NULL", "SSD_PH", "PLACEHOLDER_DATA", "1900-01-01", "1900-01-01 00:00:00.000", "01/01/1900"]
)
def test_each_word_for_missing_is_missing(missing: str) -> None:
    assert to_value(missing) == ""
    assert to_day(missing) is None
    plan = {**PLAN, "cppl_cp_plan_end_date": missing, "cppl_cp_plan_ola": missing}
    assert said(read(dataset(plans=(plan,)))) == THE_PLAN


def test_a_name_that_only_looks_like_a_word_for_missing_is_a_name() -> None:
    assert [to_value(name) for name in ("Null", "null", "Nullah", "SSD")] == ["Null", "null", "Nullah", "SSD"]


@pytest.mark.parametrize(
    "text",
    [
        "2024-12-10", "2024-12-10 00:00:00.000", "2024-12-10 23:59:59", "2024-12-10T23:59:59.9999999", "2024-12-10 00:00",
        "10/12/2024", "10/12/2024 00:00:00", "2024-12-10T23:30:00Z", "2024-12-10 23:30:00 +01:00", " 2024-12-10 ",
    ],
)  # fmt: skip
def test_a_date_is_its_calendar_day_whatever_its_time_and_zone(text: str) -> None:
    assert to_day(text) == date(2024, 12, 10)


@pytest.mark.parametrize(
    "text", ["2024-13-10", "2024-02-30", "12/31/2024", "10-12-2024", "10/12/24", "20241210", "Y", "2024-12-10x", "45636"]
)
def test_what_is_no_date_is_refused_in_its_record(text: str) -> None:
    with pytest.raises(BadDateError):
        to_day(text)
    refusal = only_refusal(read(dataset(plans=({**PLAN, "cppl_cp_plan_start_date": text},))))
    assert (refusal.code, refusal.field) == ("bad-date", "start_date")


@given(st.dates(date(1901, 1, 1), date(2100, 12, 31)), st.times())
def test_every_day_reads_the_same_in_every_way_of_writing_it(day: date, at: time) -> None:
    written = (f"{day}", f"{datetime.combine(day, at)}", f"{day:%d/%m/%Y}", f"{datetime.combine(day, at).isoformat()}Z")
    assert [to_day(text) for text in written] == [day] * 4
    assert {to_column(text) for text in written} == {day.isoformat()}


@given(st.text(max_size=30))
def test_no_text_is_read_as_a_date_by_accident_or_breaks_the_reading(text: str) -> None:
    try:
        day = to_day(text)
    except BadDateError:
        assert to_column(text) == text
        return
    assert day is None or any(character.isdigit() for character in text)


@given(
    st.text(st.characters(codec="cp1252", categories=["L"]), min_size=1, max_size=20),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be"]),
)
def test_every_name_comes_through_every_encoding(name: str, encoding: str) -> None:
    persons = files_of(({**CHILD, "pers_surname": f"Q{name}"},))["ssd_person.csv"].decode()
    assert [each.family_name for each in records(read(with_persons(persons.encode(encoding))))] == [f"Q{name}"]


@pytest.mark.parametrize(
    "postcode, outward",
    [
        ("ZZ1 2AB", "ZZ1"), ("zz12ab", "ZZ1"), ("Z1 1AA", "Z1"), ("ZZ99 9ZZ", "ZZ99"), ("Z1Z 1ZZ", "Z1Z"), ("ZZ1Z 1ZZ", "ZZ1Z"),
        ("ZZ1", "ZZ1"), ("ZZ99", "ZZ99"), ("", ""), ("ZZZ", ""), ("12 Invented Road", ""), ("ZZ1 2AB extra", ""), ("NULL", ""),
    ],
)  # fmt: skip
def test_of_a_postcode_the_first_half_is_read_and_nothing_of_what_is_none(postcode: str, outward: str) -> None:
    assert to_outward(postcode) == outward


@pytest.mark.parametrize(
    "text, miles",
    [("12.5", 12.5), ("0", 0.0), ("999.9", None), ("999.9000", None), ("", None), ("far", None), ("-1", None), ("nan", None)],
)
def test_a_distance_is_a_number_of_miles_or_unknown(text: str, miles: float | None) -> None:
    assert to_miles(text) == miles


def test_nothing_that_comes_out_holds_the_second_half_of_a_postcode() -> None:
    placement = {**PLACEMENT, "clap_cla_placement_postcode": "ZZ1 9QJ"}
    came = read(dataset(placements=(placement, {**placement, "clap_cla_placement_start_date": "never"})))
    assert "9QJ" not in "".join(map(repr, came))
