"""What each answer of the register means for a person of an extract: one table."""

from datetime import date

import pytest

from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from domain.trace import (
    Confidentiality,
    Demographics,
    Detail,
    DetailsDiffer,
    Invalidated,
    NotFound,
    NotUnique,
    NotVerified,
    NotVerifiedReason,
    Superseded,
    Traced,
    Verified,
)
from flags_store.extracts.codes import NoteCode, RecordCode
from flags_store.extracts.matched import NOT_ASKED, Match, to_refusal
from safeguarding.extracts.match_verdicts import outcome_of, to_match
from tests.extracts.files import record

NUMBER, NEWER = NhsNumber("9990000018"), NhsNumber("9990000026")
TOLD = Demographics("Example", date(2018, 5, 6), "Ada")
R, V = Confidentiality.RESTRICTED, Confidentiality.VERY_RESTRICTED


def agreed(basis: MatchBasis = MatchBasis.TRACED, note: NoteCode | None = None, **more: object) -> Match:
    return Match(basis, note=note, asked=True, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "traced,match,outcome",
    [
        (NotFound(), Match(MatchBasis.NOT_FOUND, RecordCode.NOT_IN_PDS, asked=True), "not-in-pds"),
        (NotUnique(), Match(MatchBasis.NOT_FOUND, RecordCode.NOT_IN_PDS, asked=True), "not-in-pds"),
        (
            DetailsDiffer((Detail.BIRTH_DATE, Detail.FAMILY_NAME)),
            Match(MatchBasis.DIFFERS, RecordCode.PDS_DIFFERS, details="date of birth, family name", asked=True),
            "pds-differs",
        ),
        (
            DetailsDiffer((Detail.GIVEN_NAME,), R),
            Match(MatchBasis.DIFFERS, RecordCode.PDS_DIFFERS, sensitive=True, details="given name", asked=True),
            "pds-differs",
        ),
        (Invalidated(), Match(MatchBasis.NOT_FOUND, RecordCode.INVALIDATED, invalidated=True, asked=True), "invalidated"),
        (Verified(NUMBER, compared=True), agreed(), "traced"),
        (Verified(NUMBER, True, otherwise_spelled=True), agreed(note=NoteCode.SPELLING), "traced"),
        (Verified(NUMBER, True, R), agreed(note=NoteCode.RESTRICTED, sensitive=True), "traced"),
        (Verified(NUMBER, True, V), agreed(note=NoteCode.RESTRICTED, sensitive=True), "traced"),
        (Verified(NUMBER, True, deceased=True), agreed(note=NoteCode.DECEASED), "traced"),
        (Verified(NUMBER, compared=False), agreed(MatchBasis.CHECK_DIGIT), "check-digit"),
        (Superseded(NEWER, True), agreed(MatchBasis.SUPERSEDED, NoteCode.SUPERSEDED, successor=NEWER), "superseded"),
        (
            Superseded(NEWER, True, R),
            agreed(MatchBasis.SUPERSEDED, NoteCode.SUPERSEDED, successor=NEWER, sensitive=True),
            "superseded",
        ),
        *((NotVerified(reason), NOT_ASKED, "not-verified") for reason in NotVerifiedReason),
    ],
    ids=lambda value: repr(value) if isinstance(value, Traced) else "",
)  # fmt: skip
def test_each_answer_of_the_register_has_one_meaning(traced: Traced, match: Match, outcome: str) -> None:
    assert to_match(traced, TOLD) == match
    assert outcome_of(match) == outcome


def test_without_a_given_name_nothing_is_contradicted_and_nothing_verified() -> None:
    match = to_match(Verified(NUMBER, compared=True), Demographics("Example", date(2018, 5, 6)))
    assert match == agreed(MatchBasis.CHECK_DIGIT)


@pytest.mark.parametrize("reason", NotVerifiedReason)
def test_that_nobody_could_say_is_never_a_refusal(reason: NotVerifiedReason) -> None:
    match = to_match(NotVerified(reason), TOLD)
    assert match.refusal is None
    assert match.basis is MatchBasis.CHECK_DIGIT
    assert not match.asked


@pytest.mark.parametrize(
    "traced,field,words",
    [
        (NotFound(), "nhs_number", "PDS, the national register, knows nobody by this NHS number: check the number."),
        (
            DetailsDiffer((Detail.FAMILY_NAME, Detail.BIRTH_DATE)),
            "family_name",
            "PDS, the national register, holds another family name, date of birth under this NHS number. Check the number, too.",
        ),
        (
            DetailsDiffer((Detail.GIVEN_NAME,)),
            "given_name",
            "PDS, the national register, holds another given name under this NHS number. Check the number, too.",
        ),
    ],
    ids=["not found", "two details", "one detail"],
)
def test_a_refusal_says_which_details_differ_and_never_what_they_are(traced: Traced, field: str, words: str) -> None:
    error = to_refusal(record(), to_match(traced, TOLD))
    assert (error.field, error.reason) == (field, words)
