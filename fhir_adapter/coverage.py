"""How far an answer reaches, said in every Bundle as an OperationOutcome entry: who was asked, when, and what to mind.

`searchset` puts it beside the matches. The same words come back for the same coverage, so they are rendered once.
Sources: FHIR R4 Bundle (search mode outcome), value set issue-type (incomplete, suppressed); design facts, section 1.
"""

from collections.abc import Iterator
from functools import lru_cache
from uuid import uuid4

import orjson

from domain.answer import Caution, Coverage, Feed
from fhir_adapter.care import Manner
from fhir_adapter.codes import Json


@lru_cache(maxsize=64)
def outcome_entry(coverage: Coverage, cautions: tuple[Caution, ...], manner: Manner, *, withheld: bool) -> orjson.Fragment:
    """The entry as JSON. `withheld` says that something was held back from the matches."""
    outcome = to_operation_outcome(coverage, cautions, manner, withheld=withheld)
    entry = {"fullUrl": f"urn:uuid:{uuid4()}", "resource": outcome, "search": {"mode": "outcome"}}
    return orjson.Fragment(orjson.dumps(entry))


def to_operation_outcome(coverage: Coverage, cautions: tuple[Caution, ...], manner: Manner, *, withheld: bool = False) -> Json:
    """One issue a sentence: cautions first, then coverage, each authority's last confirmation, and how the look counted."""
    return {"resourceType": "OperationOutcome", "issue": list(_issues(coverage, cautions, manner, withheld=withheld))}


def _issues(coverage: Coverage, cautions: tuple[Caution, ...], manner: Manner, *, withheld: bool) -> Iterator[Json]:
    for caution in cautions:
        yield _issue("warning", "informational", caution.words)
    if withheld:
        yield _issue("warning", "suppressed", "Sensitive: who is responsible and since when are withheld.")
    for sentence in coverage.sentences:
        if coverage.fully_checked:
            yield _issue("information", "informational", sentence)
        else:
            yield _issue("warning", "incomplete", sentence)
    for feed in coverage.feeds:
        yield _last_confirmation(feed)
    yield _issue("information" if manner.as_asked else "warning", "informational", manner.words)


def _last_confirmation(feed: Feed) -> Json:
    at = feed.last_extracted_at
    said = f"{at:%Y-%m-%d %H:%M} UTC" if at else "never"
    words = f"{feed.authority_code} - {feed.authority_name}: last confirmed {said}."
    return _issue("warning", "incomplete", words) if feed.late else _issue("information", "informational", words)


def _issue(severity: str, code: str, words: str) -> Json:
    return {"severity": severity, "code": code, "details": {"text": words}}
