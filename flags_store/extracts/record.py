"""One record of an extract: what an authority says about one plan of one person; or why the record cannot be read.

`csv_reader` hands in the fields of a line, `reconcile` takes the records. Only what can be seen without today's date and
without what is held is checked here, so that the same line always reads the same.
Source: docs/facts.md, sections 1, 3 and 4.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from domain.errors import InvalidNhsNumber
from domain.flag import ADULT_AT, UNBORN_LONGEST, UNBORN_SHOWN_AFTER_DUE, FlagKind, birthday_in
from domain.nhs_number import NhsNumber, is_issued_in_england, is_synthetic, parse_nhs_number
from flags_store.extracts.codes import RECORD_WORDS, NoteCode, RecordCode

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
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
"""What turns a name around to who reads it is among them."""
_UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"


@dataclass(frozen=True, slots=True)
class Extras:
    """What a format knows of a record beyond the columns of CSV.

    `place`: where it stands in what was sent ("record 12"), empty where the line says it. `plan_id`: the authority's own id of the
    plan. `adopted`: care ended because the child was adopted. `sent`: the record as it was sent, where that is not the columns.
    """

    place: str = ""
    plan_id: str = ""
    adopted: bool = False
    sent: Mapping[str, str] = field(default_factory=dict)


NO_EXTRAS = Extras()


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
    extras: Extras = NO_EXTRAS


@dataclass(frozen=True, slots=True)
class RowError:
    """One record that is not loaded: where, why, in words for a person, and the record as it was sent."""

    line: int
    field: str
    code: str
    reason: str
    record: dict[str, str]
    place: str = ""
    fields: tuple[str, ...] = ()
    """The columns of CSV, where it has them all: what a person mends and sends again, with what follows of `Extras`."""
    plan_id: str = ""
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Something that is worth saying and refuses nothing: a record that was left out, or a difference. `detail`: for the words."""

    code: NoteCode
    place: str = ""
    detail: Mapping[str, str | int] = field(default_factory=dict)


def to_record(line: int, fields: tuple[str, ...], *, is_production: bool, extras: Extras = NO_EXTRAS) -> ExtractRecord | RowError:
    """The record of one line, or the first thing that is wrong with it, by column."""
    try:
        return _to_record(line, fields, is_production=is_production, extras=extras)
    except _RefusedError as refused:
        return row_error(line, fields, refused.field, refused.code, extras, **refused.words)


def row_error(
    line: int, fields: tuple[str, ...], field: str, code: RecordCode, extras: Extras = NO_EXTRAS, /, **words: object
) -> RowError:
    """An error of a line. What PostgreSQL cannot hold (NUL) or nobody would read (very long fields) is replaced or cut."""
    names = COLUMNS if len(fields) == len(COLUMNS) else [f"field {position}" for position in range(1, len(fields) + 1)]
    sent = extras.sent or dict(zip(names, fields, strict=True))
    shown = {name: _presentable(value) for name, value in sent.items()}
    whole = fields if len(fields) == len(COLUMNS) else ()
    return RowError(
        line, field, code.value, RECORD_WORDS[code].format(**words), shown, extras.place, whole, extras.plan_id, extras.adopted
    )


def to_row_error(record: ExtractRecord, field: str, code: RecordCode, **words: object) -> RowError:
    """A record that can be read, and is refused all the same."""
    return row_error(record.line, record.fields, field, code, record.extras, **words)


class _RefusedError(Exception):
    def __init__(self, field: str, code: RecordCode, **words: object) -> None:
        super().__init__(code)
        self.field, self.code, self.words = field, code, words


def _to_record(line: int, fields: tuple[str, ...], *, is_production: bool, extras: Extras) -> ExtractRecord:
    if len(fields) != len(COLUMNS):
        raise _RefusedError(WHOLE_LINE, RecordCode.WRONG_COLUMNS, found=len(fields), expected=len(COLUMNS))
    values = {name: _trimmed(value) for name, value in zip(COLUMNS, fields, strict=True)}
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
        extras=extras,
    )
    if record.delete_date is None:  # a plan that was recorded in error may be wrong in every way
        _check_sense(record)
    return record


def _trimmed(value: str) -> str:
    """Without spaces around it, and without what takes no room: of nothing but that no name is made."""
    value = value.strip()
    return value if value.isascii() else value.strip(_UNSEEN).strip()


def _check_text(values: dict[str, str]) -> None:
    if len(whole := "".join(values.values())) <= LONGEST_FIELD and not _CONTROL.search(whole):
        return  # nearly always
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
    found = _day_of(text)
    if found is None:
        raise _RefusedError(name, RecordCode.BAD_DATE)
    return found


@lru_cache(maxsize=4_096)
def _day_of(text: str) -> date | None:
    if match := _ISO.fullmatch(text):
        year, month, day = match.groups()
    elif match := _BRITISH.fullmatch(text):
        day, month, year = match.groups()
    else:
        return None
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if found.year in _YEARS else None


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
