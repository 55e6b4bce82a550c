"""Searchsets of AuditEvents: the shared history as the desk's answer allows it, and a page of the trail. Pure.

`handler` calls it after the commit. Of a sensitive person the list is held back, which is said, and has no `total`: 0 would be an
answer. Sources: FHIR R4 Bundle (searchset, paging); CP-IS FHIR API guides, "Data mapping"; docs/facts.md, sections 1 and 3.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from domain.answer import Caution, Flagged, NoneKnown
from fhir_adapter.audit_events import accesses, changes
from fhir_adapter.audit_events.pages import page_word
from fhir_adapter.audit_events.search import PAGE, HistorySearch, TrailAsked
from fhir_adapter.care import Manner
from fhir_adapter.codes import TEST_DATA, Json
from fhir_adapter.coverage import to_operation_outcome
from runtime.ids import uuid7
from safeguarding.access_history import Access, is_withheld
from safeguarding.trail import Change, TrailPage

WITHHELD = "Sensitive: who looked at this person is withheld."
OF_THE_TRAIL = "The whole trail: looks and changes, newest first. Reading it has been written down."


@dataclass(frozen=True, slots=True)
class Reading(Manner):
    """How a history is read, whatever the header asks."""

    @property
    def words(self) -> str:
        """For the outcome entry."""
        return "Reading the access history tells nobody and does not enter it; it is audited."


def to_history(answer: Flagged | NoneKnown, history: Sequence[Access], asked: HistorySearch, base_url: str, at: datetime) -> Json:
    """The newest accesses, with the PractitionerRole of each where that was asked for."""
    withheld = is_withheld(answer)
    view = accesses.View(base_url, for_auditor=False, with_roles=asked.with_roles)
    held = answer.flags if isinstance(answer, Flagged) else ()
    numbers = {shown.flag.person_id: shown.flag.subject_number for shown in held}
    shown = () if withheld else history[: asked.count]
    entries = [_entry(accesses.to_audit_event(each, _number_of(each, numbers), view), "match", base_url) for each in shown]
    if asked.with_roles:
        entries += [_entry(accesses.to_practitioner_role(each), "include", base_url) for each in shown]
    outcome = to_operation_outcome(answer.coverage, answer.cautions, Reading(unscheduled=False, as_asked=True))
    if withheld:
        outcome["issue"].insert(0, _issue("warning", "suppressed", WITHHELD))
    return {
        **_bundle(at, is_test=Caution.TEST_STORE in answer.cautions),
        **({} if withheld else {"total": len(history)}),
        "link": [{"relation": "self", "url": asked.self_link}],
        "entry": [*entries, _outcome(outcome)],
    }


def _number_of(access: Access, numbers: Mapping[UUID, str]) -> str | None:
    return numbers.get(access.person_id) if access.person_id else None


def to_trail(page: TrailPage, asked: TrailAsked, base_url: str, at: datetime, *, is_test: bool) -> Json:
    """One page. It has no `total`, which nobody could count without reading it all."""
    view = accesses.View(base_url, for_auditor=True)
    link = [{"relation": "self", "url": asked.self_link}]
    if page.next_before:
        word = page_word(asked.search, page.next_before, asked.count)
        link.append({"relation": "next", "url": f"{base_url}/AuditEvent?{PAGE}={word}"})
    issue = _issue("information", "informational", OF_THE_TRAIL)
    return {
        **_bundle(at, is_test=is_test),
        "link": link,
        "entry": [
            *(_entry(_to_event(row, view), "match", base_url) for row in page.rows),
            _outcome({"resourceType": "OperationOutcome", "issue": [issue]}),
        ],
    }


def _to_event(row: Access | Change, view: accesses.View) -> Json:
    if isinstance(row, Change):
        return changes.to_audit_event(row, view.base_url)
    return accesses.to_audit_event(row, row.nhs_number, view)


def _bundle(at: datetime, *, is_test: bool) -> Json:
    meta: dict[str, Any] = {"meta": {"security": [TEST_DATA]}} if is_test else {}
    return {"resourceType": "Bundle", "id": uuid7(), **meta, "type": "searchset", "timestamp": at}


def _entry(resource: Json, mode: str, base_url: str) -> Json:
    full_url = f"{base_url}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": full_url, "resource": resource, "search": {"mode": mode}}


def _outcome(outcome: Json) -> Json:
    return {"fullUrl": f"urn:uuid:{uuid4()}", "resource": outcome, "search": {"mode": "outcome"}}


def _issue(severity: str, code: str, words: str) -> Json:
    return {"severity": severity, "code": code, "details": {"text": words}}
