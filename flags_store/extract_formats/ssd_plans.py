"""Child protection plans of a dataset: each row becomes a record of the child, or of the mother while the child is not born.

`ssd_reader` goes through them. Source: docs/facts.md, section 4 ("The open alternative").
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from domain.flag import SHOWN_AFTER_END, FlagKind
from flags_store.extract_formats.reading import Came
from flags_store.extract_formats.ssd_births import Birth, Told, birth_of, may_be_waiting
from flags_store.extract_formats.ssd_disk import Disk, DiskRow
from flags_store.extract_formats.ssd_mothers import find_relatives, mothers_are_marked, the_mother
from flags_store.extract_formats.ssd_output import Output, Said
from flags_store.extract_formats.ssd_persons import Person, find_person
from flags_store.extract_formats.ssd_tables import CP_PLANS
from flags_store.extract_formats.ssd_values import BadDateError, to_day
from flags_store.extracts.codes import NoteCode, RecordCode
from flags_store.extracts.record import ExtractRecord, Note, RowError

_OTHER_AUTHORITYS = "y"


def read_plans(disk: Disk, output: Output, taken_on: date) -> Iterator[Came]:
    """Every plan in the order of the table, and what was left out."""
    plans = _Plans(disk, output, taken_on)
    left_out = 0
    for row in disk.rows("SELECT * FROM ssd_cp_plans ORDER BY line"):
        place = f"{CP_PLANS.name} line {row['line']}"
        if row["cppl_cp_plan_ola"].casefold() == _OTHER_AUTHORITYS:
            yield Note(NoteCode.OTHER_AUTHORITYS, place)
        elif is_long_ended(row["cppl_cp_plan_end_date"], taken_on):
            left_out += 1
        else:
            yield from plans.read(row, place)
    if left_out:
        yield Note(NoteCode.LONG_ENDED, detail={"table": CP_PLANS.name, "count": left_out})


def is_long_ended(end: str, taken_on: date) -> bool:
    """Whether it ended more than 365 days before the extract was taken."""
    try:
        day = to_day(end)
    except BadDateError:
        return False
    return day is not None and day < taken_on - SHOWN_AFTER_END


class _Plans:
    def __init__(self, disk: Disk, output: Output, taken_on: date) -> None:
        self._disk, self._output, self._taken_on = disk, output, taken_on
        self._are_mothers_marked = mothers_are_marked(disk)

    def read(self, row: DiskRow, place: str) -> Iterator[Came]:
        about = {name: row[name] for name in CP_PLANS.columns}
        start, end, plan_id = (about[f"cppl_cp_plan_{name}"] for name in ("start_date", "end_date", "id"))
        said = Said(FlagKind.CPP, start, end, place, plan_id, about)
        child = find_person(self._disk, about["cppl_person_id"])
        first, second, variants = self._repeats(said.plan_id, row["line"])
        if variants > 1:
            yield self._output.reject(said, child, "start_date", RecordCode.PLAN_TWICE, first=first, second=second)
        elif first == row["line"]:
            yield from self._read_once(said, child)

    def _repeats(self, plan_id: str, line: int) -> tuple[int, int, int]:
        """The first and the last line of the plan, and how many different things they say. A plan without an id is alone."""
        found = self._disk.row(_REPEATS, plan_id) if plan_id else None
        return (found["first"], found["second"], found["variants"]) if found else (line, line, 1)

    def _read_once(self, said: Said, child: Person | None) -> Iterator[Came]:
        if child is None:
            yield self._output.reject(said, None, "local_id", RecordCode.PERSON_UNKNOWN)
            return
        if child.problem:
            yield reject_person(self._output, said, child)
            return
        told = birth_of(child, self._taken_on)
        if told.birth is Birth.UNKNOWN:
            told = birth_of(child, self._taken_on, find_relatives(self._disk, child.id).childs_dob)
        yield from self._by_birth(said, child, told)

    def _by_birth(self, said: Said, child: Person, told: Told) -> Iterator[Came]:
        if told.birth is Birth.UNKNOWN:
            yield self._output.reject(said, child, "birth_date", RecordCode.NO_BIRTH_DATE)
        elif told.birth is Birth.UNBORN and child.number:
            yield self._output.reject(said, child, "nhs_number", RecordCode.UNBORN_WITH_NUMBER)
        elif told.birth is Birth.UNBORN:
            yield self._on_mother(said, child, told)
        elif not child.number and may_be_waiting(told, said.start, self._taken_on):
            yield from self._waiting(said, child, told)
        else:
            yield self._output.record(with_birth(said, told), child)

    def _waiting(self, said: Said, child: Person, told: Told) -> Iterator[Came]:
        """A child who should be born by now: the plan stays where it is, if it is certain where that is."""
        came = self._on_mother(said, child, told)
        if isinstance(came, ExtractRecord):
            yield came
            yield Note(NoteCode.WAITING_FOR_NUMBER, said.place)
        else:
            yield self._output.record(with_birth(said, told), child)

    def _on_mother(self, said: Said, child: Person, told: Told) -> ExtractRecord | RowError:
        relatives = find_relatives(self._disk, child.id)
        mother = the_mother(relatives, are_marked=self._are_mothers_marked)
        due = told.day.isoformat() if told.day else ""
        if isinstance(mother, Person):
            about = {f"child’s {name}": value for name, value in child.sent.items()}
            on_mother = replace(said, kind=FlagKind.UCPP, about={**said.about, **about}, due=due)
            return self._output.record(with_birth(on_mother, birth_of(mother, self._taken_on)), mother)
        on_nobody = replace(said, kind=FlagKind.UCPP, about={**said.about, **child.sent}, due=due)
        lines = next((each.lines for each in relatives.known if each.problem is mother), (0, 0))
        return self._output.reject(on_nobody, None, "nhs_number", mother, first=lines[0], second=lines[1])


def reject_person(output: Output, said: Said, person: Person) -> RowError:
    """A plan of a person of whom the rows disagree."""
    assert person.problem is not None
    column = "nhs_number" if person.problem is RecordCode.TWO_NUMBERS else "local_id"
    return output.reject(said, person, column, person.problem, first=person.lines[0], second=person.lines[1])


def with_birth(said: Said, told: Told) -> Said:
    """The plan of a child who was born on the day that is told, which may be an estimated one."""
    birth = told.day.isoformat() if told.day else ""
    return replace(said, birth=birth)


_REPEATS = """
    SELECT min(line) AS first, max(line) AS second, count(DISTINCT json_array(
        cppl_person_id, day(cppl_cp_plan_start_date), day(cppl_cp_plan_end_date), cppl_cp_plan_ola)) AS variants
    FROM ssd_cp_plans WHERE cppl_cp_plan_id = ?
"""
