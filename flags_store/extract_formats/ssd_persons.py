"""The persons of a dataset: rows that agree become one person, rows that do not are work for a person; and their NHS numbers.

`ssd_reader` calls `merge_persons` once; `ssd_plans`, `ssd_unborn` and `ssd_care` then ask for `find_person`.
Source: docs/facts.md, section 4 ("Repeated persons that agree merge; that disagree are rejected").
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from domain.names import same_name
from flags_store.extract_formats.ssd_disk import Disk, DiskRow
from flags_store.extract_formats.ssd_values import BadDateError, to_column, to_day
from flags_store.extracts.codes import RecordCode


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `number` is whatever stands for the NHS number; empty is missing. Dates are as they were sent.

    `problem` says that the rows disagree, `lines` of which the first two that do: then nothing about the person can be used.
    """

    id: str
    number: str
    forename: str
    surname: str
    dob: str
    expected: str
    death: str
    is_mother: str
    problem: RecordCode | None = None
    lines: tuple[int, int] = (0, 0)

    @property
    def sent(self) -> dict[str, str]:
        """What is known, under the names of the dataset."""
        return {
            "pers_person_id": self.id, "pers_single_unique_id": self.number, "pers_forename": self.forename,
            "pers_surname": self.surname, "pers_dob": self.dob, "pers_expected_dob": self.expected,
        }  # fmt: skip


def merge_persons(disk: Disk, taken_on: date) -> None:
    """Make one person of the rows of each id. An identifier counts if it is valid on the day the extract was taken."""
    disk.put("BEGIN")
    rows = disk.rows("SELECT * FROM ssd_person WHERE pers_person_id <> '' ORDER BY pers_person_id, line")
    for person_id, same in groupby(rows, key=lambda row: row["pers_person_id"]):
        linked = disk.rows("SELECT * FROM ssd_linked_identifiers WHERE link_person_id = ? ORDER BY line", person_id)
        person = merged(person_id, same, [each["link_identifier_value"] for each in linked if is_valid(each, taken_on)])
        disk.put(
            _PUT, person.id, person.number, person.forename, person.surname, person.dob, person.expected, person.death,
            person.is_mother, person.problem and person.problem.value, *person.lines,
        )  # fmt: skip
    disk.put("COMMIT")


def find_person(disk: Disk, person_id: str) -> Person | None:
    """The person with this id, or None where ssd_person has nobody."""
    row = disk.row("SELECT * FROM somebody WHERE id = ?", person_id)
    if row is None:
        return None
    return Person(
        row["id"], row["number"], row["forename"], row["surname"], row["dob"], row["expected"], row["death"], row["is_mother"],
        RecordCode(row["problem"]) if row["problem"] else None, (row["first"], row["second"]),
    )  # fmt: skip


def merged(person_id: str, rows: Iterable[DiskRow], linked_numbers: Iterable[str]) -> Person:
    """One person of all rows with this id, and of the NHS numbers that another table gives."""
    values = dict.fromkeys(_AGREE, "")
    first, clash = 0, 0
    for row in rows:
        first = first or row["line"]
        for name, agree in _AGREE.items():
            came = row[name]
            if came and values[name] and not agree(came, values[name]):
                clash = clash or row["line"]
            elif came:
                values[name] = min(came, values[name] or came)
    numbers = {to_digits(each) for each in (*(values.pop(name) for name in _NUMBERS), *linked_numbers)} - {""}
    problem = RecordCode.PERSONS_DIFFER if clash else RecordCode.TWO_NUMBERS if len(numbers) > 1 else None
    forename, surname, dob, expected, death, is_mother = values.values()
    number = min(numbers, default="")
    return Person(person_id, number, forename, surname, dob, expected, death, is_mother, problem, (first, clash))


def is_valid(identifier: DiskRow, on: date) -> bool:
    """Whether a linked identifier is valid on the day; a date that is missing limits nothing, one that is no date everything."""
    try:
        since, until = to_day(identifier["link_valid_from_date"]), to_day(identifier["link_valid_to_date"])
    except BadDateError:
        return False
    return (since is None or since <= on) and (until is None or on <= until)


def to_digits(number: str) -> str:
    """A number without the spaces and hyphens that people put into it."""
    return re.sub(r"[\s-]", "", number)


def _same_number(one: str, other: str) -> bool:
    return to_digits(one) == to_digits(other)


def _same_day(one: str, other: str) -> bool:
    return to_column(one) == to_column(other)


def _same_letter(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


_PUT = "INSERT INTO somebody VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_NUMBERS = ("pers_single_unique_id", "pers_common_child_id")
_AGREE: dict[str, Callable[[str, str], bool]] = {
    "pers_single_unique_id": _same_number,
    "pers_common_child_id": _same_number,
    "pers_forename": same_name,
    "pers_surname": same_name,
    "pers_dob": _same_day,
    "pers_expected_dob": _same_day,
    "pers_death_date": _same_day,
    "pers_is_mother": _same_letter,
}
