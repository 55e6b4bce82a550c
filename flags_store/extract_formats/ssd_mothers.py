"""The mother of a child who is not born: the one person who can be her, or why nobody can tell.

`ssd_plans` asks, since the plan of an unborn child is held on the mother's NHS number. Fathers stand in the same table, a child can
have several rows, and a mother can be absent from ssd_person: then nobody guesses. Source: docs/facts.md, section 4 ("Unborn").
"""

from dataclasses import dataclass

from flags_store.extract_formats.ssd_disk import Disk
from flags_store.extract_formats.ssd_persons import Person, find_person
from flags_store.extracts.codes import RecordCode

MOST_RELATIVES = 50
_YES = "y"


@dataclass(frozen=True, slots=True)
class Relatives:
    """Who ssd_mother names for a child: those who are in ssd_person, whether others are not, and the date that it gives."""

    known: tuple[Person, ...]
    has_strangers: bool
    childs_dob: str


def find_relatives(disk: Disk, child_id: str) -> Relatives:
    """Whoever is named as the child's mother; a child is not its own."""
    rows = list(disk.rows(_RELATIVES, child_id, MOST_RELATIVES))
    people = [find_person(disk, person_id) for person_id in sorted({row["moth_person_id"] for row in rows})]
    dobs = sorted({row["moth_childs_dob"] for row in rows} - {""})
    known = tuple(person for person in people if person)
    return Relatives(known, len(known) < len(people), dobs[0] if len(dobs) == 1 else "")


def mothers_are_marked(disk: Disk) -> bool:
    """Whether the dataset marks mothers at all; where it does, nobody else is one."""
    return disk.row("SELECT 1 FROM somebody WHERE is_mother IN ('y', 'Y') LIMIT 1") is not None


def the_mother(relatives: Relatives, *, are_marked: bool) -> Person | RecordCode:
    """Who she is, or why nobody can tell."""
    if not relatives.known:
        return RecordCode.NO_MOTHER
    if relatives.has_strangers:
        return RecordCode.MOTHER_UNCLEAR
    mothers = [each for each in relatives.known if each.is_mother.casefold() == _YES] if are_marked else relatives.known
    if len(mothers) != 1:
        return RecordCode.MOTHER_UNCLEAR
    return mothers[0].problem or mothers[0]


_RELATIVES = """
    SELECT DISTINCT moth_person_id, moth_childs_dob FROM ssd_mother
    WHERE moth_childs_person_id = ?1 AND moth_person_id NOT IN ('', ?1) LIMIT ?2
"""
