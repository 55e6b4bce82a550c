"""Filters, summaries and elements of a search: what they leave out, and what nothing may ever leave out. No database."""

from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import Any
from uuid import UUID

import orjson
import pytest
from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import strategies as st

from domain.answer import Caution, Flagged, NoneKnown
from fhir_adapter.errors import INVALID_SEARCH, Kind, Refused
from fhir_adapter.filters import FILTERS, to_filter, to_span
from fhir_adapter.narrowing import narrow
from fhir_adapter.search import Search, parse_search
from fhir_adapter.searchset import to_searchset
from fhir_adapter.summary import IN_SUMMARY, MANDATORY
from tests.fhir_adapter.held import CHILD, FRESH, around, flagged, second, shown
from tests.fhir_adapter.validity import check_valid

Json = dict[str, Any]
OTHER_PERSON = UUID("01990000-0000-7000-8000-000000000002")


def asked(resource: str = "Flag", *pairs: tuple[str, str], strict: bool = True) -> Search:
    return parse_search(resource, [("patient", "9990000018"), *pairs], strict=strict)


def answered(answer: Flagged | NoneKnown, search: Search) -> tuple[Json, frozenset[str]]:
    """The Bundle as it goes out, and what was not applied."""
    narrowed = narrow(search, answer, around())
    bundle = to_searchset(search.resource, narrowed.answer, replace(around(), notes=narrowed.notes, shape=search.shape))
    rendered: Json = orjson.loads(orjson.dumps(bundle))
    return rendered, narrowed.not_applied


def modes(bundle: Json) -> list[str]:
    return [entry["search"]["mode"] for entry in bundle["entry"]]


def words(bundle: Json) -> str:
    [outcome] = [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == "outcome"]
    return " ".join(issue["details"]["text"] for issue in outcome["issue"])


TWO_PLANS = flagged(shown(), second(authority_code="302", start_date=date(2025, 1, 1), end_date=date(2026, 2, 1)))


@pytest.mark.parametrize("value", ["", "x", "2026-13", "2026-02-30", "ge", "xx2026", "2026-1-1", "2026-01-01T", "99999", "0000"])
@pytest.mark.parametrize("name", ["date", "_lastUpdated"])
def test_what_is_no_date_is_refused(name: str, value: str) -> None:
    with pytest.raises(Refused) as refused:
        asked("Flag", (name, value))
    assert refused.value.kind is INVALID_SEARCH


@pytest.mark.parametrize(
    "name, value",
    [("_count", "-1"), ("_count", "x"), ("_count", ""), ("_count", "9" * 10), ("_summary", "all"), ("_summary", ""),
     ("_elements", ""), ("_elements", "a b"), ("_elements", "a,,b"), ("_include", "Flag:subject"), ("_include", "Patient:link")],
)  # fmt: skip
def test_a_value_that_is_not_understood_is_refused_where_handling_is_strict(name: str, value: str) -> None:
    with pytest.raises(Refused):
        asked("Flag", (name, value))


def test_an_include_that_is_not_here_is_missing_from_the_link() -> None:
    assert asked("Flag", ("_include", "Flag:subject"), strict=False).used == (("patient", "9990000018"),)


@pytest.mark.parametrize("value", ["Flag:detail", "flag:detail", "CarePlan:care-team", "*", "Flag:detail:CarePlan"])
def test_an_include_of_what_comes_along_is_taken(value: str) -> None:
    for name in ("_include", "_include:iterate"):
        assert (name, value) in asked("Flag", (name, value)).used


def test_summary_and_elements_do_not_go_together() -> None:
    with pytest.raises(Refused):
        asked("Flag", ("_elements", "code"), ("_summary", "true"))


@pytest.mark.parametrize(
    "name, value",
    [("_id", "x"), ("identifier", "9990000018"), ("identifier", "urn:x|1"), ("date", "2030"), ("date", "eb2020"),
     ("status", "inactive"), ("status", "entered-in-error")],
)  # fmt: skip
@pytest.mark.parametrize("resource", ["Flag", "CareTeam"])
def test_no_filter_makes_a_known_child_look_unknown(resource: str, name: str, value: str) -> None:
    bundle, not_applied = answered(flagged(shown()), asked(resource, (name, value)))
    assert bundle["total"] == 1
    assert not_applied == frozenset({name})
    assert "would leave out all that is held: they were not applied" in words(bundle)
    check_valid(bundle)


def test_a_filter_on_nobody_known_changes_nothing() -> None:
    bundle, not_applied = answered(NoneKnown((), FRESH), asked("Flag", ("date", "2030")))
    assert (bundle["total"], not_applied, modes(bundle)) == (0, frozenset(), ["outcome"])


@pytest.mark.parametrize(
    "name, value, left",
    [
        ("status", "active", 1),
        ("status", "http://hl7.org/fhir/care-team-status|inactive", 1),
        ("status", "active,inactive", 2),
        ("date", "ge2026-03-01", 1),
        ("date", "lt2026-01-01", 1),
        ("date", "ap2026-01", 2),
        ("date", "sa2025-12-31", 1),
        ("date", "eb2026-02-02", 1),
        ("date", "gt2024", 2),
        ("date", "ne2025", 2),
        ("_id", str(CHILD.id), 1),
        ("identifier", f"urn:uuid:{CHILD.id}", 1),
        ("identifier", f"urn:ietf:rfc:3986|urn:uuid:{CHILD.id}", 1),
        ("identifier", "urn:ietf:rfc:3986|", 2),
        ("_lastUpdated", "gt2020", 2),
    ],
)
def test_a_filter_leaves_what_passes_and_says_what_it_left_out(name: str, value: str, left: int) -> None:
    bundle, _ = answered(TWO_PLANS, asked("CareTeam", (name, value)))
    assert bundle["total"] == left
    assert ("left out 1 of what is held" in words(bundle)) is (left == 1)
    check_valid(bundle)


def test_what_comes_with_a_flag_that_is_left_out_is_left_out_too() -> None:
    both = flagged(shown(), second(person_id=OTHER_PERSON, start_date=date(2025, 1, 1), end_date=date(2026, 2, 1)))
    bundle, _ = answered(both, asked("Flag", ("status", "active")))
    assert modes(bundle) == ["match", "include", "include", "outcome"]


@pytest.mark.parametrize("value", ["2030", "eb2020", "sa2030"])
def test_days_that_are_withheld_are_not_told_by_a_search_for_them(value: str) -> None:
    hidden = flagged(shown(sensitive=True), second())
    bundle, _ = answered(hidden, asked("CareTeam", ("date", value)))
    assert "Withheld" in str(bundle)


@pytest.mark.parametrize(
    "pairs",
    [[("_summary", each)] for each in ("true", "text", "data", "count", "false")]
    + [[("_elements", "code")], [("_count", "0")], [("_elements", "issue")]],
)
@pytest.mark.parametrize("answer", [flagged(shown()), NoneKnown((), FRESH)])
def test_the_outcome_is_always_there_and_whole(answer: Flagged | NoneKnown, pairs: list[tuple[str, str]]) -> None:
    cautious = replace(answer, cautions=(Caution.NUMBER_SUPERSEDED,))
    bundle, _ = answered(cautious, asked("Flag", *pairs))
    whole, _ = answered(cautious, asked("Flag"))
    assert bundle["entry"][-1] == whole["entry"][-1]
    assert bundle["total"] == whole["total"]
    assert Caution.NUMBER_SUPERSEDED.words in words(bundle)


def test_counting_shows_no_match() -> None:
    for pair in (("_summary", "count"), ("_count", "0")):
        bundle, _ = answered(TWO_PLANS, asked("CareTeam", pair))
        assert (bundle["total"], modes(bundle)) == (2, ["outcome"])


def test_all_matches_are_on_one_page_and_that_is_said() -> None:
    bundle, not_applied = answered(TWO_PLANS, asked("CareTeam", ("_count", "1")))
    assert (bundle["total"], modes(bundle)) == (2, ["match", "match", "outcome"])
    assert not_applied == {"_count"}
    assert "all of them are here" in words(bundle)
    assert answered(TWO_PLANS, asked("CareTeam", ("_count", "2")))[1] == frozenset()


@pytest.mark.parametrize("kind", list(IN_SUMMARY))
def test_a_summary_holds_what_r4_marks_and_nothing_that_is_mandatory_is_ever_cut(kind: str) -> None:
    summary = set(get_fhir_model_class(kind).summary_elements_sequence())
    assert summary >= IN_SUMMARY[kind] >= MANDATORY[kind]
    whole, _ = answered(TWO_PLANS, asked("Flag"))
    [resource, *_] = [entry["resource"] for entry in whole["entry"] if entry["resource"]["resourceType"] == kind]
    cut, _ = answered(TWO_PLANS, asked("Flag", ("_summary", "true")))
    [short, *_] = [entry["resource"] for entry in cut["entry"] if entry["resource"]["resourceType"] == kind]
    assert set(short) == (set(resource) & summary) | {"resourceType", "id", "meta"}
    assert short["meta"]["tag"][0]["code"] == "SUBSETTED"
    check_valid(short)


def test_elements_cut_what_was_asked_for_and_by_name_what_comes_along() -> None:
    bundle, _ = answered(flagged(shown()), asked("Flag", ("_elements", "period,CareTeam.telecom")))
    flag, plan, team = (entry["resource"] for entry in bundle["entry"][:3])
    assert set(flag) == {"resourceType", "id", "meta", "status", "code", "subject", "period"}
    assert "careTeam" in plan
    assert "tag" not in plan["meta"]
    assert set(team) == {"resourceType", "id", "meta", "status", "telecom"}


def test_after_a_post_no_filter_puts_a_number_into_the_link() -> None:
    search = asked("Flag", ("identifier", "9990000018"), ("status", "active"))
    assert search.link("https://x", by_post=True) == "https://x/Flag/_search?status=active"
    assert search.link("https://x", by_post=False, leaving_out={"identifier"}).endswith("?patient=9990000018&status=active")


@given(st.text(max_size=30))
def test_no_text_makes_a_filter_stumble(text: str) -> None:
    assert {refusal(name, text) for name in FILTERS} <= {None, INVALID_SEARCH}


def refusal(name: str, text: str) -> Kind | None:
    try:
        to_filter(name, text)
    except Refused as refused:
        return refused.kind
    return None


@given(st.dates(min_value=date(2, 1, 1), max_value=date(9998, 1, 1)))
def test_a_day_lies_within_its_month_and_its_year(day: date) -> None:
    spans = [to_span(f"{day:%Y}".zfill(4)), to_span(day.isoformat()[:7]), to_span(day.isoformat())]
    for wide, narrow_ in pairwise(spans):
        assert wide.start <= narrow_.start < narrow_.end <= wide.end
