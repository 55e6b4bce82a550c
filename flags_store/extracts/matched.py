"""What asking the national register about one person of an extract came to, as the pipeline takes it.

`safeguarding.extracts.matching` makes it of a trace, `stage` keeps it, `intake` writes it. Source: docs/facts.md, sections 3 and 4.
"""

from dataclasses import dataclass

from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from flags_store.extracts.codes import NoteCode, RecordCode
from flags_store.extracts.record import ExtractRecord, RowError, to_row_error


@dataclass(frozen=True, slots=True)
class Match:
    """`refusal`: why a record of this person opens nothing; what is held already goes on showing, with its doubtful basis.

    `sensitive`: loads masked. `successor`: the number that replaced the one that was sent. `invalidated`: withdrawn and sealed.
    `details`: which differ ("family name, date of birth"), never what they are. `asked`: the register has said so in this load.
    `lapsed`: what it said once was about other details, and nobody could be asked about these yet.
    """

    basis: MatchBasis = MatchBasis.CHECK_DIGIT
    refusal: RecordCode | None = None
    sensitive: bool = False
    successor: NhsNumber | None = None
    invalidated: bool = False
    note: NoteCode | None = None
    details: str = ""
    asked: bool = False
    lapsed: bool = False


NOT_ASKED = Match()


def to_refusal(record: ExtractRecord, match: Match) -> RowError:
    """The row error of a record whose person the register refuses (`match.refusal` is set)."""
    assert match.refusal is not None
    return to_row_error(record, field_of(match), match.refusal, details=match.details)


def field_of(match: Match) -> str:
    """The column that is at fault: the first of the details that differ, else the number."""
    return _FIELDS[match.details.partition(",")[0]] if match.details else "nhs_number"


_FIELDS = {"family name": "family_name", "given name": "given_name", "date of birth": "birth_date"}
