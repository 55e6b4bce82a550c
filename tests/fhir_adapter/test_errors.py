"""The table of refusals, held against a second one typed by hand."""

import pytest

from fhir_adapter.errors import KINDS, Kind, Refused, could_not_check
from tests.fhir_adapter.validity import check_valid

BY_HAND = {
    (400, "INVALID_SEARCH_DATA", "invalid"),
    (400, "PRECONDITION_FAILED", "invalid"),
    (401, "ACCESS_DENIED", "login"),
    (403, "ACCESS_DENIED", "forbidden"),
    (404, "RESOURCE_NOT_FOUND", "not-found"),
    (404, "INVALIDATED_RESOURCE", "deleted"),
    (405, "UNSUPPORTED_SERVICE", "not-supported"),
    (406, "UNSUPPORTED_SERVICE", "not-supported"),
    (409, "RESOURCE_VERSION_MISMATCH", "conflict"),
    (412, "RESOURCE_VERSION_MISMATCH", "conflict"),
    (413, "INVALID_SEARCH_DATA", "too-long"),
    (415, "UNSUPPORTED_SERVICE", "not-supported"),
    (429, "TOO_MANY_REQUESTS", "throttled"),
    (503, "UNABLE_TO_CALL_SERVICE", "transient"),
}


def test_the_table_is_the_one_that_was_agreed() -> None:
    assert {(kind.status, kind.spine_code, kind.issue_type) for kind in KINDS} == BY_HAND
    assert len(KINDS) == len(BY_HAND)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.status}-{kind.spine_code}")
def test_every_refusal_is_a_valid_operation_outcome(kind: Kind) -> None:
    outcome = Refused(kind, "What to do.").to_operation_outcome()
    check_valid(outcome)
    [issue] = outcome["issue"]
    [coding] = issue["details"]["coding"]
    assert coding["system"] == "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"
    assert issue["severity"] == "error"


def test_could_not_check_says_that_it_is_no_answer() -> None:
    refused = could_not_check()
    assert refused.kind.status == 503
    assert "We could not check" in refused.words
    assert "CP-IS" in refused.words
