"""One record of an extract: what an authority says about one plan of one person; or why the record cannot be read.

`csv_reader` hands in the fields of a line, `reconcile` takes the records. Only what can be seen without today's date and
without what is held is checked here, so that the same line always reads the same.
Source: docs/facts.md, sections 1, 3 and 4.
"""

import re
from dataclasses import dataclass
from datetime import date

from domain.errors import InvalidNhsNumber
from domain.flag import ADULT_AT, UNBORN_LONGEST, UNBORN_SHOWN_AFTER_DUE, FlagKind, birthday_in
from domain.nhs_number import NhsNumber, is_issued_in_england, is_synthetic, parse_nhs_number
from flags_store.extract_codes import RECORD_WORDS, RecordCode

COLUMNS = (
    "nhs_number", "kind", "start_date", "end_date", "delete_date", "expected_delivery_date", "given_name", "family_name",
    "birth_date", "local_id",
)  # fmt: skip
WHOLE_LINE = "line"
"""What stands for the field where the whole line is at fault."""

LONGEST_FIELD = 100
_KEPT_OF_A_FIELD = 500
_YEARS = range(1900, 2101)
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_BRITISH = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class ExtractRecord:
    """One record. On a UCPP, number, names and birth date are the mother's. `fields` are what was sent, in file order."""

    line: int
    nhs_number: NhsNumber
    kind: FlagKind
    start_date: date
    end_date: date | None
    delete_date: date | None
    expected_delivery_date: date | None
    given_name: str
    family_name: str
    birth_date: date
    local_id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowError:
    """One record that is not loaded: where, why, in words for a person, and the record as it was sent."""

    line: int
    field: str
    code: str
    reason: str
    record: dict[str, str]


def to_record(line: int, fields: tuple[str, ...], *, is_production: bool) -> ExtractRecord | RowError:
    """The record of one line, or the first thing that is wrong with it, by column."""
    try:
        return _to_record(line, fields, is_production=is_production)
    except _RefusedError as refused:
        return row_error(line, fields, refused.field, refused.code, **refused.words)


def row_error(line: int, fields: tuple[str, ...], field: str, code: RecordCode, **words: object) -> RowError:
    """An error of a line. What PostgreSQL cannot hold (NUL) or nobody would read (very long fields) is replaced or cut."""
    names = COLUMNS if len(fields) == len(COLUMNS) else [f"field {position}" for position in range(1, len(fields) + 1)]
    sent = {name: _presentable(value) for name, value in zip(names, fields, strict=True)}
    return RowError(line, field, code.value, RECORD_WORDS[code].format(**words), sent)


def to_row_error(record: ExtractRecord, field: str, code: RecordCode, **words: object) -> RowError:
    """A record that can be read, and is refused all the same."""
    return row_error(record.line, record.fields, field, code, **words)


class _RefusedError(Exception):
    def __init__(self, field: str, code: RecordCode, **words: object) -> None:
        super().__init__(code)
        self.field, self.code, self.words = field, code, words


def _to_record(line: int, fields: tuple[str, ...], *, is_production: bool) -> ExtractRecord:
    if len(fields) != len(COLUMNS):
        raise _RefusedError(WHOLE_LINE, RecordCode.WRONG_COLUMNS, found=len(fields), expected=len(COLUMNS))
    values = {name: value.strip() for name, value in zip(COLUMNS, fields, strict=True)}
    _check_text(values)
    record = ExtractRecord(
        line=line,
        nhs_number=_number(values, is_production=is_production),
        kind=_kind(values),
        start_date=_needed_date(values, "start_date"),
        end_date=_date(values, "end_date"),
        delete_date=_date(values, "delete_date"),
        expected_delivery_date=_date(values, "expected_delivery_date"),
        given_name=values["given_name"],
        family_name=_needed(values, "family_name"),
        birth_date=_needed_date(values, "birth_date"),
        local_id=values["local_id"],
        fields=fields,
    )
    if record.delete_date is None:  # a plan that was recorded in error may be wrong in every way
        _check_sense(record)
    return record


def _check_text(values: dict[str, str]) -> None:
    for name, value in values.items():
        if len(value) > LONGEST_FIELD:
            raise _RefusedError(name, RecordCode.TOO_LONG, limit=LONGEST_FIELD)
        if _CONTROL.search(value):
            raise _RefusedError(name, RecordCode.BAD_CHARACTER)


def _number(values: dict[str, str], *, is_production: bool) -> NhsNumber:
    try:
        number = parse_nhs_number(_needed(values, "nhs_number"))
    except InvalidNhsNumber:
        raise _RefusedError("nhs_number", RecordCode.BAD_NHS_NUMBER) from None
    if is_synthetic(number) is is_production:
        code = RecordCode.TEST_NUMBER if is_production else RecordCode.NOT_TEST_NUMBER
        raise _RefusedError("nhs_number", code)
    if is_production and not is_issued_in_england(number):
        raise _RefusedError("nhs_number", RecordCode.NOT_ISSUED_NUMBER)
    return number


def _kind(values: dict[str, str]) -> FlagKind:
    try:
        return FlagKind(_needed(values, "kind").upper())
    except ValueError:
        raise _RefusedError("kind", RecordCode.UNKNOWN_KIND) from None


def _needed(values: dict[str, str], name: str) -> str:
    if not values[name]:
        raise _RefusedError(name, RecordCode.MISSING)
    return values[name]


def _needed_date(values: dict[str, str], name: str) -> date:
    return _to_date(_needed(values, name), name)


def _date(values: dict[str, str], name: str) -> date | None:
    return _to_date(values[name], name) if values[name] else None


def _to_date(text: str, name: str) -> date:
    if match := _ISO.fullmatch(text):
        year, month, day = match.groups()
    elif match := _BRITISH.fullmatch(text):
        day, month, year = match.groups()
    else:
        raise _RefusedError(name, RecordCode.BAD_DATE)
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        raise _RefusedError(name, RecordCode.BAD_DATE) from None
    if found.year not in _YEARS:
        raise _RefusedError(name, RecordCode.BAD_DATE)
    return found


def _check_sense(record: ExtractRecord) -> None:
    if record.end_date and record.end_date < record.start_date:
        raise _RefusedError("end_date", RecordCode.END_BEFORE_START)
    if record.kind is FlagKind.UCPP:
        _check_due(record)
        return
    if record.expected_delivery_date:
        raise _RefusedError("expected_delivery_date", RecordCode.DUE_DATE_NOT_UNBORN)
    if birthday_in(record.birth_date, record.birth_date.year + ADULT_AT) <= record.start_date:
        raise _RefusedError("birth_date", RecordCode.ADULT_AT_START)


def _check_due(record: ExtractRecord) -> None:
    due = record.expected_delivery_date
    if due and not record.start_date - UNBORN_SHOWN_AFTER_DUE <= due <= record.start_date + UNBORN_LONGEST:
        raise _RefusedError("expected_delivery_date", RecordCode.DUE_DATE_IMPLAUSIBLE)


def _presentable(value: str) -> str:
    shown = value.replace("\x00", "\N{SYMBOL FOR NULL}")
    return shown if len(shown) <= _KEPT_OF_A_FIELD else f"{shown[:_KEPT_OF_A_FIELD]}…"
