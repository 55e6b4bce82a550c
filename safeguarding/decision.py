"""Deciding: what the flags that were found mean for the answer, and who must be told. Pure.

`patients_seen` and the sweep pass values in and write what comes out. Source: docs/facts.md, sections 1 to 3.
"""

from collections.abc import Sequence
from datetime import date

from domain.answer import Answer, Caution, CouldNotCheck, CouldNotCheckReason, Coverage, Flagged, NoneKnown, ShownFlag
from domain.encounter import Encounter, EncounterState, Identity
from domain.flag import NEWBORN, Flag, Standing
from domain.names import details_differ
from domain.nhs_number import NhsNumber

_ALIAS_CAUTIONS = {
    "superseded": Caution.NUMBER_SUPERSEDED,
    "successor": Caution.NUMBER_SUCCEEDED,
    "merged": Caution.NUMBERS_MERGED,
    NEWBORN: Caution.NEWBORN,
}


def decide_answer(
    identity: Identity,
    number: NhsNumber | None,
    flags: Sequence[Flag],
    coverage: Coverage,
    encounter: Encounter | None,
    today: date,
    *,
    is_production: bool,
) -> Answer:
    """One of the three answers that can never be taken for one another. `flags` are those that are shown today."""
    encounter_id = encounter.id if encounter else None
    if number is None and not flags:
        return CouldNotCheck(_why_not(identity, encounter), coverage, encounter_id)
    cautions = _all_cautions(identity, encounter, flags, is_production=is_production)
    if not flags:
        return NoneKnown(cautions, coverage, encounter_id)
    shown = tuple(ShownFlag(flag, flag.standing(today), flag.ended_for_age(today)) for flag in flags)
    return Flagged(shown, cautions, coverage, encounter_id)


def decide_whom_to_tell(
    encounter: Encounter | None, flags: Sequence[Flag], today: date, *, just_identified: bool = False
) -> dict[str, Flag]:
    """Each authority that must be told of the encounter, with the flag that it holds; empty where nobody must.

    Only open plans alert, never a private service, never a test message; and only unscheduled encounters that are not over,
    but for one whose patient is `just_identified` after having left, or known for the first time as its mother's baby.
    """
    if encounter is None or not tells(encounter):
        return {}
    if encounter.state is not EncounterState.OPEN and not (just_identified and encounter.state is EncounterState.CLOSED):
        return {}
    return {flag.authority_code: flag for flag in reversed(flags) if flag.standing(today) is Standing.OPEN}


def tells(encounter: Encounter) -> bool:
    """Whether the encounter is of a kind that authorities hear of, and that enters the shared history."""
    return encounter.unscheduled and not encounter.test and not encounter.care_setting.is_private


def identity_cautions(identity: Identity, flags: Sequence[Flag]) -> tuple[Caution, ...]:
    """What the asker's own words give cause for. Kept with the encounter, since the names themselves are not."""
    differ = (Caution.DETAILS_DIFFER,) if any(details_differ(identity, flag) for flag in flags) else ()
    return (*differ, Caution.NUMBER_UNVERIFIED) if identity.unverified else differ


def _all_cautions(
    identity: Identity, encounter: Encounter | None, flags: Sequence[Flag], *, is_production: bool
) -> tuple[Caution, ...]:
    kept = [Caution(word) for word in encounter.cautions.split(",") if word] if encounter else []
    alias = [_ALIAS_CAUTIONS[flag.alias_note] for flag in flags if flag.alias_note in _ALIAS_CAUTIONS]
    doubtful = [Caution.MATCH_DOUBTFUL] if any(flag.match.is_doubtful for flag in flags) else []
    test = [] if is_production else [Caution.TEST_STORE]
    return tuple(dict.fromkeys([*alias, *identity_cautions(identity, flags), *doubtful, *kept, *test]))


def _why_not(identity: Identity, encounter: Encounter | None) -> CouldNotCheckReason:
    kept = CouldNotCheckReason(encounter.could_not_check) if encounter and encounter.could_not_check else None
    return identity.no_number or kept or CouldNotCheckReason.NO_NUMBER
