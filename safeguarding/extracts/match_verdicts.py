"""What an answer of the national register means for a person of an extract. Pure: a trace in, a match out.

`matching` asks and calls it, in the load and afterwards. Source: docs/facts.md, sections 3 ("Sensitive", "Adoption") and 4
("Matching").
"""

from domain.match import MatchBasis
from domain.trace import (
    Demographics,
    DetailsDiffer,
    Invalidated,
    NotFound,
    NotUnique,
    NotVerified,
    Superseded,
    Traced,
    Verified,
)
from flags_store.extracts.codes import NoteCode, RecordCode
from flags_store.extracts.matched import NOT_ASKED, Match


def to_match(traced: Traced, told: Demographics) -> Match:
    """The match of a person of whom `told` was told. NOT_ASKED where nobody could say: that is never a refusal.

    Without a given name the details cannot agree as a whole: the number is then not contradicted, and not verified either.
    """
    match traced:
        case Verified() | Superseded():
            return _agreed(traced, told)
        case DetailsDiffer():
            details = ", ".join(traced.details)
            return Match(
                MatchBasis.DIFFERS, RecordCode.PDS_DIFFERS, traced.confidentiality.is_sensitive, details=details, asked=True
            )
        case NotFound() | NotUnique():
            return Match(MatchBasis.NOT_FOUND, RecordCode.NOT_IN_PDS, asked=True)
        case Invalidated():
            return Match(MatchBasis.NOT_FOUND, RecordCode.INVALIDATED, invalidated=True, asked=True)
        case NotVerified():
            return NOT_ASKED


def _agreed(traced: Verified | Superseded, told: Demographics) -> Match:
    successor = traced.by if isinstance(traced, Superseded) else None
    if not traced.compared or not told.given_name.strip():
        basis = MatchBasis.CHECK_DIGIT
    else:
        basis = MatchBasis.SUPERSEDED if successor else MatchBasis.TRACED
    sensitive = traced.confidentiality.is_sensitive
    notes = {
        NoteCode.SUPERSEDED: successor is not None,
        NoteCode.DECEASED: traced.deceased,
        NoteCode.RESTRICTED: sensitive,
        NoteCode.SPELLING: traced.otherwise_spelled,
    }
    note = next((code for code, is_so in notes.items() if is_so), None)
    return Match(basis, None, sensitive, successor, note=note, asked=True)


def outcome_of(match: Match) -> str:
    """In one word, as it is written down; never a number or a name."""
    if not match.asked:
        return "not-verified"
    return match.refusal.value if match.refusal else match.basis.value
