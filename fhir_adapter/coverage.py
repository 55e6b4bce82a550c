"""How far an answer reaches, said in every Bundle as an OperationOutcome entry: who was asked, when, and what to mind.

`searchset` puts it beside the matches. It is the longest part of a Bundle and seldom changes, so it is rendered once.
Sources: FHIR R4 Bundle (search mode outcome), value set issue-type (incomplete, suppressed); docs/facts.md, section 1.
"""

from collections.abc import Iterator
from uuid import uuid4

import orjson

from domain.answer import Caution, Coverage, Feed
from fhir_adapter.care import Manner
from fhir_adapter.codes import Json


class OutcomeEntries:
    """The entries for the newest coverage, as JSON; when another coverage comes, those of the last one go."""

    def __init__(self) -> None:
        self._coverage = Coverage(())
        self._rendered: dict[tuple[tuple[Caution, ...], Manner, bool, tuple[str, ...]], orjson.Fragment] = {}

    def entry(
        self, coverage: Coverage, cautions: tuple[Caution, ...], manner: Manner, notes: tuple[str, ...] = (), *, withheld: bool
    ) -> orjson.Fragment:
        """The entry. `withheld` says that something was held back from the matches, `notes` what became of the search itself."""
        if coverage is not self._coverage and coverage != self._coverage:
            self._rendered.clear()
        self._coverage = coverage
        key = (cautions, manner, withheld, notes)
        if key not in self._rendered:
            outcome = to_operation_outcome(coverage, cautions, manner, notes, withheld=withheld)
            entry = {"fullUrl": f"urn:uuid:{uuid4()}", "resource": outcome, "search": {"mode": "outcome"}}
            self._rendered[key] = orjson.Fragment(orjson.dumps(entry))
        return self._rendered[key]


def to_operation_outcome(
    coverage: Coverage, cautions: tuple[Caution, ...], manner: Manner, notes: tuple[str, ...] = (), *, withheld: bool = False
) -> Json:
    """One issue a sentence: cautions first, then how far the answer reaches, then how the look was taken."""
    issues = [
        *_cautions(cautions, withheld=withheld),
        *(_issue("warning", "informational", note) for note in notes),
        *_reach(coverage),
        _issue("information" if manner.as_asked else "warning", "informational", manner.words),
    ]
    return {"resourceType": "OperationOutcome", "issue": issues}


def _cautions(cautions: tuple[Caution, ...], *, withheld: bool) -> Iterator[Json]:
    yield from (_issue("warning", "informational", caution.words) for caution in cautions)
    if withheld:
        yield _issue("warning", "suppressed", "Sensitive: who is responsible and since when are withheld.")


def _reach(coverage: Coverage) -> Iterator[Json]:
    """The sentences that every answer must say; the first one's diagnostics give each authority's last confirmation."""
    first, *others = coverage.sentences
    yield _reaching(coverage, first) | (
        {"diagnostics": "; ".join(_last_confirmation(feed) for feed in coverage.feeds)} if coverage.feeds else {}
    )
    yield from (_reaching(coverage, sentence) for sentence in others)


def _reaching(coverage: Coverage, sentence: str) -> Json:
    if coverage.fully_checked:
        return _issue("information", "informational", sentence)
    return _issue("warning", "incomplete", sentence)


def _last_confirmation(feed: Feed) -> str:
    at = feed.last_extracted_at
    return f"{feed.authority_code} - {feed.authority_name} last confirmed {f'{at:%Y-%m-%d %H:%M} UTC' if at else 'never'}"


def _issue(severity: str, code: str, words: str) -> Json:
    return {"severity": severity, "code": code, "details": {"text": words}}
