"""What a dataset becomes: records of the ten columns, and rejected ones, numbered as they come.

`ssd_plans` and `ssd_care` make them here, so that both refuse in the same words. Numbers are running ones, since a record is made
of rows of several tables; the place says where its own row stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from domain.flag import FlagKind
from flags_store.extract_formats.ssd_persons import Person
from flags_store.extract_formats.ssd_values import to_column, to_words
from flags_store.extracts.codes import RecordCode
from flags_store.extracts.record import ExtractRecord, Extras, RowError, row_error, to_record


@dataclass(frozen=True, slots=True)
class Said:
    """One plan or period of care of one person, dates as they were sent or ISO. `about` is the row as it was sent."""

    kind: FlagKind
    start: str
    end: str
    place: str
    plan_id: str
    about: Mapping[str, str]
    due: str = ""
    birth: str = ""
    adopted: bool = False


@dataclass(slots=True)
class Output:
    """Makes records and rejected records, and numbers them."""

    is_production: bool
    _lines: "count[int]" = field(default_factory=lambda: count(1))

    def record(self, said: Said, person: Person) -> ExtractRecord | RowError:
        """The record, or why it cannot be one."""
        if not person.number:
            code = RecordCode.NO_NHS_NUMBER_OF_MOTHER if said.kind is FlagKind.UCPP else RecordCode.NO_NHS_NUMBER
            return self.reject(said, person, "nhs_number", code)
        if not person.surname:
            return self.reject(said, person, "family_name", RecordCode.NO_NAME)
        fields, extras = _fields(said, person), _extras(said, person)
        return to_record(next(self._lines), fields, is_production=self.is_production, extras=extras)

    def reject(self, said: Said, person: Person | None, column: str, code: RecordCode, **words: object) -> RowError:
        """A record that is refused, with all that a person needs to mend it."""
        fields, extras = _fields(said, person), _extras(said, person)
        return row_error(next(self._lines), fields, column, code, extras, **words)

    def reject_row(self, table: str, line: int, found: int, expected: int) -> RowError:
        """A row that cannot be told into columns: nothing of it is kept but where it stands."""
        extras = Extras(f"{table} line {line}")
        return row_error(next(self._lines), (), "line", RecordCode.WRONG_COLUMNS, extras, found=found, expected=expected)


def _fields(said: Said, person: Person | None) -> tuple[str, ...]:
    """The ten columns, in the order of `record.COLUMNS`."""
    number, given, family, birth, local_id = ("",) * 5
    if person:
        number, given, family, local_id = person.number, person.forename, person.surname, person.id
        birth = said.birth or person.dob
    return (
        number, said.kind.value, to_column(said.start), to_column(said.end), "", to_column(said.due), given, family,
        to_column(birth), local_id,
    )  # fmt: skip


def _extras(said: Said, person: Person | None) -> Extras:
    """What PostgreSQL cannot hold (NUL) is replaced, here as in `record.row_error`."""
    sent = {**(person.sent if person else {}), **said.about}
    shown = {name: value.replace("\x00", "\N{SYMBOL FOR NULL}") for name, value in sent.items() if value}
    return Extras(said.place, to_words(said.plan_id), said.adopted, shown)
