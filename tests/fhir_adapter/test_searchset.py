"""Bundles: what is in them, what is counted, what is masked; each one is valid FHIR R4."""

import json
from datetime import date
from typing import Any
from uuid import UUID

import orjson
import pytest

from domain.answer import Caution, Coverage, Flagged, NoneKnown
from domain.flag import FlagKind
from domain.match import MatchBasis
from domain.nhs_number import NhsNumber
from fhir_adapter.searchset import to_searchset
from tests.fhir_adapter.held import FRESH, LATE, UNCONNECTED, around, flagged, second, shown
from tests.fhir_adapter.validity import check_valid

Json = dict[str, Any]

ENGLAND = "https://fhir.nhs.uk/England/StructureDefinition/England-"
SECRETS = ["Ambershire", "301", "01632 96030", "01632 96130", "2026-01-05", "2026-02-01", "2026-03-03"]


def bundle(answer: Flagged | NoneKnown, resource: str = "Flag") -> Json:
    """Rendered as it goes out, and valid."""
    rendered: Json = json.loads(orjson.dumps(to_searchset(resource, answer, around())))
    check_valid(rendered)
    return rendered


def entries(bundle: Json, mode: str) -> list[Json]:
    return [entry["resource"] for entry in bundle["entry"] if entry["search"]["mode"] == mode]


def sentences(bundle: Json) -> list[tuple[str, str]]:
    [outcome] = entries(bundle, "outcome")
    return [(issue["severity"], issue["details"]["text"]) for issue in outcome["issue"]]


@pytest.mark.parametrize("resource", ["Flag", "CareTeam"])
def test_none_known_is_a_searchset_of_nothing_but_its_coverage(resource: str) -> None:
    empty = bundle(NoneKnown((), FRESH), resource)
    assert (empty["type"], empty["total"]) == ("searchset", 0)
    assert [entry["search"]["mode"] for entry in empty["entry"]] == ["outcome"]
    assert ("information", "No plan is not no risk.") in sentences(empty)
    assert ("information", "This is not national: check CP-IS too.") in sentences(empty)


def test_a_late_feed_makes_the_answer_not_fully_checked() -> None:
    said = sentences(bundle(NoneKnown((), LATE)))
    assert ("warning", "Not fully checked: the feed of Birchford is late.") in said
    assert all(severity == "warning" for severity, words in said if "No plan is not no risk" in words)


@pytest.mark.parametrize(
    "coverage, said",
    [
        (FRESH, "301 - Ambershire last confirmed 2026-03-03 06:30 UTC; 302 - Birchford last confirmed 2026-03-03 06:30 UTC"),
        (LATE, "301 - Ambershire last confirmed 2026-03-03 06:30 UTC; 302 - Birchford last confirmed never"),
    ],
)
def test_every_bundle_says_when_each_authority_last_confirmed_what_it_holds(coverage: Coverage, said: str) -> None:
    for answer in (NoneKnown((), coverage), Flagged((shown(),), (), coverage)):
        [outcome] = entries(bundle(answer), "outcome")
        [reach] = [issue for issue in outcome["issue"] if "diagnostics" in issue]
        assert reach["details"]["text"] == "Checked against the 2 authorities connected to Nightlight."
        assert reach["diagnostics"] == said


def test_a_change_of_coverage_is_in_the_next_bundle() -> None:
    for coverage in (FRESH, LATE, FRESH, UNCONNECTED, LATE):
        late = "Not fully checked: the feed of Birchford is late." in str(bundle(NoneKnown((), coverage)))
        assert late is (coverage is LATE)


def test_without_any_authority_nothing_was_checked() -> None:
    assert ("warning", "Not fully checked: no authority is connected to Nightlight.") in sentences(
        bundle(NoneKnown((), UNCONNECTED))
    )


@pytest.mark.parametrize("caution", list(Caution))
def test_every_caution_is_said_as_a_warning_beside_the_flag(caution: Caution) -> None:
    rendered = bundle(Flagged((shown(),), (caution,), FRESH))
    assert rendered["total"] == 1
    assert sentences(rendered)[0] == ("warning", caution.words)


def test_a_test_store_marks_its_bundles() -> None:
    marked = bundle(NoneKnown((Caution.TEST_STORE,), FRESH))
    assert marked["meta"]["security"][0]["code"] == "HTEST"
    assert "meta" not in bundle(NoneKnown((), FRESH))


def test_one_open_plan_is_one_flag_with_its_plan_and_team() -> None:
    rendered = bundle(flagged(shown()))
    [flag], [plan, team] = entries(rendered, "match"), entries(rendered, "include")
    assert rendered["total"] == 1
    assert flag["meta"]["profile"] == [f"{ENGLAND}Flag-PatientFlag"]
    assert flag["status"] == "active"
    assert flag["code"]["coding"][0]["code"] == "child-protection-information-system-flag"
    assert flag["subject"]["identifier"] == {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": "9990000018"}
    assert flag["period"] == {"start": "2026-01-05"}
    assert flag["extension"][0]["url"] == "http://hl7.org/fhir/StructureDefinition/flag-detail"
    assert flag["extension"][0]["valueReference"]["reference"] == f"CarePlan/{plan['id']}"
    assert plan["meta"]["profile"] == [f"{ENGLAND}CarePlan-Flag"]
    assert (plan["status"], plan["intent"]) == ("active", "plan")
    assert plan["category"][0]["coding"][0] == {
        "system": "http://snomed.info/sct",
        "code": "342191000000101",
        "display": "Subject to child protection plan",
    }
    assert plan["careTeam"][0]["reference"] == f"CareTeam/{team['id']}"
    assert team["meta"]["profile"] == [f"{ENGLAND}CareTeam-Flag"]
    assert (team["status"], team["name"]) == ("active", "301 - Ambershire")


def test_the_flags_origin_is_contained_in_it() -> None:
    [flag] = entries(bundle(flagged(shown(), second(authority_code="302", kind=FlagKind.LAC))), "match")
    [provenance] = flag["contained"]
    assert provenance["meta"]["profile"] == [f"{ENGLAND}Provenance-Flag"]
    assert provenance["recorded"] == "2026-03-03T06:30:00+00:00"
    assert provenance["activity"]["coding"][0]["system"] == "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
    assert [agent["onBehalfOf"]["display"] for agent in provenance["agent"]] == ["301 - Ambershire", "302 - Birchford"]


@pytest.mark.parametrize("authority, rings", [("301", "work"), ("302", "mobile")])
def test_both_phones_are_there_and_the_one_for_this_hour_has_rank_one(authority: str, rings: str) -> None:
    [team] = entries(bundle(flagged(shown(authority_code=authority)), "CareTeam"), "match")
    phones = {telecom["use"]: telecom for telecom in team["telecom"]}
    assert phones["work"]["value"] == f"01632 960{authority}"
    assert phones["mobile"]["value"] == f"01632 961{authority}"
    assert phones[rings]["rank"] == 1


def test_several_plans_of_one_person_are_one_flag() -> None:
    held = flagged(shown(), second(kind=FlagKind.LAC, authority_code="302", start_date=date(2025, 11, 1)))
    rendered = bundle(held)
    [flag] = entries(rendered, "match")
    assert rendered["total"] == 1
    assert len(flag["extension"]) == 2
    assert flag["period"] == {"start": "2025-11-01"}
    assert [each["resourceType"] for each in entries(rendered, "include")] == ["CarePlan"] * 2 + ["CareTeam"] * 2


def test_two_persons_under_one_number_are_two_flags() -> None:
    other = second(person_id=UUID("01990000-0000-7000-8000-000000000002"), nhs_number=NhsNumber("9990000026"))
    rendered = bundle(flagged(shown(), other))
    assert rendered["total"] == 2
    assert [flag["subject"]["identifier"]["value"] for flag in entries(rendered, "match")] == ["9990000018", "9990000026"]


def test_care_teams_are_matches_where_they_are_searched_for() -> None:
    rendered = bundle(flagged(shown(), second(kind=FlagKind.LAC)), "CareTeam")
    assert rendered["total"] == 2
    assert {entry["resource"]["resourceType"] for entry in rendered["entry"]} == {"CareTeam", "OperationOutcome"}
    assert [team["category"][0]["coding"][0]["code"] for team in entries(rendered, "match")] == [
        "342191000000101",
        "764841000000100",
    ]


def test_an_ended_plan_is_shown_as_ended() -> None:
    rendered = bundle(flagged(shown(end_date=date(2026, 2, 1))))
    [flag], [plan, team] = entries(rendered, "match"), entries(rendered, "include")
    assert (flag["status"], plan["status"], team["status"]) == ("inactive", "completed", "inactive")
    assert flag["period"] == plan["period"] == team["period"] == {"start": "2026-01-05", "end": "2026-02-01"}
    assert plan["note"] == [{"text": MatchBasis.CHECK_DIGIT.words}]


def test_a_flag_is_active_and_endless_while_one_of_its_plans_is_open() -> None:
    [flag] = entries(bundle(flagged(shown(), second(kind=FlagKind.LAC, end_date=date(2026, 2, 1)))), "match")
    assert flag["status"] == "active"
    assert flag["period"] == {"start": "2026-01-05"}


def test_a_plan_that_ended_with_childhood_says_so() -> None:
    rendered = bundle(flagged(shown(birth_date=date(2008, 2, 10))))
    [_, plan, _] = [*entries(rendered, "match"), *entries(rendered, "include")]
    assert plan["period"]["end"] == "2026-02-09"
    assert plan["note"] == [
        {"text": "Ended for age: the 18th birthday has passed."},
        {"text": MatchBasis.CHECK_DIGIT.words},
    ]


@pytest.mark.parametrize("sensitive", [False, True])
@pytest.mark.parametrize("basis", MatchBasis)
def test_a_plan_says_what_its_number_rests_on_and_a_flag_by_itself_what_is_in_doubt(basis: MatchBasis, *, sensitive: bool) -> None:
    rendered = bundle(flagged(shown(match=basis, sensitive=sensitive)))
    [flag, plan, _] = [*entries(rendered, "match"), *entries(rendered, "include")]
    is_said = basis.is_doubtful or not sensitive
    assert plan.get("note", []) == ([{"text": basis.words}] if is_said else [])
    assert ("text" in flag) is basis.is_doubtful
    if basis.is_doubtful:
        assert basis.words in flag["text"]["div"]


def test_an_unborn_plan_names_its_kind_and_no_end_that_only_a_rule_knows() -> None:
    unborn = shown(kind=FlagKind.UCPP, birth_date=None, expected_delivery_date=date(2026, 6, 1))
    [plan, _] = entries(bundle(flagged(unborn)), "include")
    assert plan["category"][0]["coding"][0]["code"] == "818901000000100"
    assert plan["period"] == {"start": "2026-01-05"}


@pytest.mark.parametrize("resource", ["Flag", "CareTeam"])
def test_a_sensitive_flag_shows_its_kind_and_neither_who_nor_when(resource: str) -> None:
    rendered = bundle(flagged(shown(sensitive=True), second(sensitive=True, end_date=date(2026, 2, 1))), resource)
    held = json.dumps([entry for entry in rendered["entry"] if entry["search"]["mode"] != "outcome"])
    assert "Subject to child protection plan" in held
    assert not [secret for secret in SECRETS if secret in held]
    assert "REDACTED" in held
    teams = [entry["resource"] for entry in rendered["entry"] if entry["resource"]["resourceType"] == "CareTeam"]
    for team in teams:
        assert team["name"] == "Withheld"
        assert team["telecom"][0]["extension"][0]["valueCode"] == "masked"
        assert "01632 960999" in team["note"][0]["text"]
        assert "break the glass" in team["note"][0]["text"]
    assert ("warning", "Sensitive: who is responsible and since when are withheld.") in sentences(rendered)


@pytest.mark.parametrize("answer", [NoneKnown((), FRESH), flagged(shown()), flagged(shown(sensitive=True))])
def test_the_number_is_in_no_id_and_no_address(answer: Flagged | NoneKnown) -> None:
    rendered = bundle(answer)
    addresses = [entry["fullUrl"] for entry in rendered["entry"]] + [link["url"] for link in rendered["link"]]
    assert not [address for address in addresses if "9990000018" in address]
    assert all(entry["resource"].get("id") != "9990000018" for entry in rendered["entry"])
