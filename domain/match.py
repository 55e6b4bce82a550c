"""A match: what it rests on that a plan was filed under the right NHS number. It is stored with the flag, and shown.

`safeguarding.extracts.matching` decides it from a trace. Source: docs/facts.md, sections 3 and 4 ("Matching").
"""

from enum import StrEnum


class MatchBasis(StrEnum):
    """What the number of a flag rests on, from nothing but its check digit to the register's own record.

    `TRACED`: number, surname, given name and date of birth agree with PDS. `SUPERSEDED`: they do, under a newer number.
    `DIFFERS`, `NOT_FOUND`: the plan was held when PDS said otherwise; it goes on showing, and is work for a person.
    """

    CHECK_DIGIT = "check-digit"
    TRACED = "traced"
    SUPERSEDED = "superseded"
    DIFFERS = "differs"
    NOT_FOUND = "not-found"

    @property
    def words(self) -> str:
        """For a clinician."""
        return _WORDS[self]

    @property
    def is_doubtful(self) -> bool:
        """Whether the register contradicts it: then the identity must be verified before anybody acts."""
        return self in {MatchBasis.DIFFERS, MatchBasis.NOT_FOUND}


_WORDS = {
    MatchBasis.CHECK_DIGIT: "NHS number not verified with PDS: check digit only",
    MatchBasis.TRACED: "NHS number, name and date of birth agree with PDS",
    MatchBasis.SUPERSEDED: "Name and date of birth agree with PDS, under a newer NHS number",
    MatchBasis.DIFFERS: "PDS holds other details under this NHS number: verify identity",
    MatchBasis.NOT_FOUND: "PDS does not know this NHS number: verify identity",
}
