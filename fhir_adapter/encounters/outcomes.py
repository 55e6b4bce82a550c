"""What was made of an encounter, as an OperationOutcome: what was found or why nobody can say, and how far it reaches. Pure.

The desk keeps it with the request (`to_kept`), so that the same request again is answered in the same words.
Sources: FHIR R4 OperationOutcome; docs/facts.md, section 1; docs/integration/encounter.md, section 2.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from domain.answer import Caution, CouldNotCheck, Flagged, NoneKnown, Outcome
from fhir_adapter.care import Manner
from fhir_adapter.codes import Json
from fhir_adapter.coverage import to_operation_outcome
from safeguarding.plan_words import missing_notes

NONE_KNOWN = "Checked: no plan is known to the authorities connected."
NO_CHECK = "This event calls for no check."
NOT_SHOWN = "Checked. What was found is not shown: the client does not have the scope system/Flag.rs."

_SAY_NOTHING_OF_FLAGS = frozenset({Caution.NUMBER_UNVERIFIED, Caution.TEST_STORE, Caution.SITE_ON_TRIAL, Caution.SITE_PAUSED})


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it is kept. `must_be_said` holds where even a caller who wants no body gets one."""

    outcome: Json
    must_be_said: bool


def to_kept(outcome: Outcome, notes: Sequence[str], manner: Manner, *, shows_flags: bool) -> bytes:
    """The bytes that are stored with the request. `shows_flags`: the client may read them, so it hears whether there are any."""
    issues = [_issue("warning", "informational", note) for note in notes]
    issues += _found(outcome, manner, shows_flags=shows_flags)
    must_be_said = bool(notes) or isinstance(outcome, CouldNotCheck)
    return orjson.dumps({"outcome": {"resourceType": "OperationOutcome", "issue": issues}, "must_be_said": must_be_said})


def from_kept(raw: bytes) -> Kept:
    """The stored bytes, read again."""
    return Kept(**orjson.loads(raw))


def _found(outcome: Outcome, manner: Manner, *, shows_flags: bool) -> Iterator[Json]:
    if isinstance(outcome, CouldNotCheck):
        yield _issue("warning", "incomplete", outcome.reason.words)
        yield from to_operation_outcome(outcome.coverage, (), manner)["issue"]
    elif not isinstance(outcome, Flagged | NoneKnown):
        yield _issue("information", "informational", NO_CHECK)
    elif shows_flags:
        held = outcome.flags if isinstance(outcome, Flagged) else ()
        yield _known(len(held)) if held else _issue("information", "informational", NONE_KNOWN)
        withheld = any(shown.flag.sensitive for shown in held)
        notes = missing_notes(held, {})
        yield from to_operation_outcome(outcome.coverage, outcome.cautions, manner, notes, withheld=withheld)["issue"]
    else:
        cautions = tuple(each for each in outcome.cautions if each in _SAY_NOTHING_OF_FLAGS)
        yield _issue("information", "informational", NOT_SHOWN)
        yield from to_operation_outcome(outcome.coverage, cautions, manner)["issue"]


def _known(plans: int) -> Json:
    words = "1 plan is" if plans == 1 else f"{plans} plans are"
    return _issue("warning", "informational", f"Known to social care: {words} shown by a search of Flag.")


def _issue(severity: str, code: str, words: str) -> Json:
    return {"severity": severity, "code": code, "details": {"text": words}}
