"""The codes with which an extract or one of its records is refused, and the words that go with each: one table.

`csv_reader`, `extract_record` and `reconcile` refuse with them; reports show both. `docs/authority-extract.md` lists the
same table, and a test compares them. National codes (CPR, CPF) are another list, for another door.
"""

from enum import StrEnum


class FileCode(StrEnum):
    """Why a whole file is refused; nothing of it is loaded."""

    EMPTY_FILE = "empty-file"
    WRONG_HEADER = "wrong-header"
    NOT_UTF8 = "not-utf8"
    NO_RECORDS = "no-records"


class RecordCode(StrEnum):
    """Why one record is refused; the others load."""

    LINE_TOO_LONG = "line-too-long"
    WRONG_COLUMNS = "wrong-columns"
    BAD_QUOTES = "bad-quotes"
    BAD_CHARACTER = "bad-character"
    TOO_LONG = "too-long"
    MISSING = "missing"
    BAD_NHS_NUMBER = "bad-nhs-number"
    NOT_TEST_NUMBER = "not-test-number"
    TEST_NUMBER = "test-number"
    NOT_ISSUED_NUMBER = "not-issued-number"
    UNKNOWN_KIND = "unknown-kind"
    BAD_DATE = "bad-date"
    END_BEFORE_START = "end-before-start"
    DUE_DATE_NOT_UNBORN = "due-date-not-unborn"
    DUE_DATE_IMPLAUSIBLE = "due-date-implausible"
    ADULT_AT_START = "adult-at-start"
    START_IN_FUTURE = "start-in-future"
    BIRTH_IN_FUTURE = "birth-in-future"
    DELETE_IN_FUTURE = "delete-in-future"
    TWO_PEOPLE = "two-people"
    CONTRADICTION = "contradiction"
    NOT_HELD = "not-held"
    OVERLAP = "overlap"
    TOO_MANY = "too-many"


FILE_WORDS = {
    FileCode.EMPTY_FILE: "The file is empty.",
    FileCode.WRONG_HEADER: "The first line is not the header that is expected: {problem}.",
    FileCode.NOT_UTF8: "Line {line} is not UTF-8: save the file as “CSV UTF-8”.",
    FileCode.NO_RECORDS: "The file has a header and no records: did the export run to its end?",
}
RECORD_WORDS = {
    RecordCode.LINE_TOO_LONG: "The line is longer than {limit} bytes.",
    RecordCode.WRONG_COLUMNS: "The line has {found} fields; it must have {expected}.",
    RecordCode.BAD_QUOTES: "A quotation mark is not closed on its line, or stands in the wrong place.",
    RecordCode.BAD_CHARACTER: "The field holds a control character, such as a line break, a tab or a NUL.",
    RecordCode.TOO_LONG: "The field is longer than {limit} characters.",
    RecordCode.MISSING: "The field is empty, and is needed.",
    RecordCode.BAD_NHS_NUMBER: "This is not an NHS number: 10 digits are needed, of which the last checks the others.",
    RecordCode.NOT_TEST_NUMBER: "This store holds invented people only: their NHS numbers begin with 999.",
    RecordCode.TEST_NUMBER: "NHS numbers that begin with 999 belong to invented people; this store holds real ones.",
    RecordCode.NOT_ISSUED_NUMBER: "NHS numbers of this range, or of one digit repeated, are not issued in England.",
    RecordCode.UNKNOWN_KIND: "The kind must be CPP, LAC or UCPP.",
    RecordCode.BAD_DATE: "This is not a date from 1900 to 2100, written 2026-03-01 or 01/03/2026.",
    RecordCode.END_BEFORE_START: "The plan ends before it starts.",
    RecordCode.DUE_DATE_NOT_UNBORN: "Only the plan of an unborn child (UCPP) has an expected delivery date.",
    RecordCode.DUE_DATE_IMPLAUSIBLE: "The expected delivery date must lie between 28 days before the start and 308 after it.",
    RecordCode.ADULT_AT_START: "By the date of birth, the person was 18 or older when the plan started.",
    RecordCode.START_IN_FUTURE: "The plan starts in the future: send it from that day on.",
    RecordCode.BIRTH_IN_FUTURE: "The date of birth lies in the future: for an unborn child, send UCPP with the mother’s.",
    RecordCode.DELETE_IN_FUTURE: "The delete date lies in the future.",
    RecordCode.TWO_PEOPLE: "Records of this NHS number give different dates of birth: whose number is it?",
    RecordCode.CONTRADICTION: "Line {other} says something else about the same plan; neither is loaded.",
    RecordCode.NOT_HELD: "There is no such plan to delete: no {kind} of this person starts on this day.",
    RecordCode.OVERLAP: "A {kind} that starts on {start} stands in the way: end it, delete it, or correct this start.",
    RecordCode.TOO_MANY: "The file has more than {limit} records of this NHS number; none of them is loaded.",
}
