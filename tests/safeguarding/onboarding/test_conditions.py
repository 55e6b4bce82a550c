"""The conditions of each step: a table of what is known, and what is said to be missing."""

from dataclasses import replace
from typing import Any

import pytest

from safeguarding.onboarding.conditions import TWO_PEOPLE, conditions, missing
from safeguarding.onboarding.facts import Asked, Checked, Facts, Phone
from safeguarding.onboarding.states import MEANING, STEPS, PartyKind, State, needs_second_person
from tests.safeguarding.onboarding.values import AT, AUTHORITY, EXTRACT, RUNG, SITE

OLD_NUMBER = Phone("020 7946 0999", RUNG)
AUTHORITY_LACKS: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({}, [], []),
    ({"agreement": None}, ["agreement"], ["agreement"]),
    ({"stretches": 0}, ["hours"], ["hours"]),
    ({"data_email": None}, ["data-email"], ["data-email"]),
    ({"alert_email": None}, [], ["alert-email"]),
    ({"alert_email": ""}, [], ["alert-email"]),
    ({"office_phone": Phone("020 7946 0101")}, [], ["office-phone"]),
    ({"office_phone": OLD_NUMBER}, [], ["office-phone"]),
    ({"emergency_phone": Phone("")}, [], ["emergency-phone"]),
    ({"emergency_phone": Phone("", Checked("", AT, "Nobody"))}, [], ["emergency-phone"]),
    ({"extract": None}, [], ["extract", "accepted"]),
    ({"extract": replace(EXTRACT, rejected=6)}, [], ["accepted"]),
    ({"extract": replace(EXTRACT, records=0, rejected=0)}, [], ["accepted"]),
    ({"totals": None}, [], ["control-totals"]),
    ({"matched": None}, [], []),
    ({"matched": 0.95}, [], []),
    ({"matched": 0.949}, [], ["matched"]),
]
SITE_LACKS: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({}, [], []),
    ({"agreement": None}, ["agreement"], ["agreement"]),
    ({"host_authority": None}, ["host"], ["host"]),
    ({"safeguarding_phone": Phone("")}, [], ["safeguarding-phone"]),
    ({"safeguarding_phone": OLD_NUMBER}, [], ["safeguarding-phone"]),
    ({"certified_peers": 0}, ["systems"], ["systems"]),
    ({"certified_peers": 0, "clients": 1}, [], []),
    ({"certified_peers": 0, "is_production": False}, [], []),
    ({"heard_lately": False}, [], ["heard"]),
    ({"heard_at": None, "heard_lately": False}, [], ["heard"]),
    ({"arrivals": 0, "unclassified": 0}, [], ["rules"]),
    ({"unclassified": 4}, [], ["rules"]),
]


def lacking(facts: Facts, state: State) -> list[str]:
    return [each.code for each in missing(conditions(facts), state)]


@pytest.mark.parametrize("changes,for_trial,for_live", AUTHORITY_LACKS, ids=[str(each[0]) for each in AUTHORITY_LACKS])
def test_an_authority_lacks_what_is_not_there(changes: dict[str, Any], for_trial: list[str], for_live: list[str]) -> None:
    facts = replace(AUTHORITY, **changes)
    assert (lacking(facts, State.TRIAL), lacking(facts, State.LIVE)) == (for_trial, for_live)


@pytest.mark.parametrize("changes,for_trial,for_live", SITE_LACKS, ids=[str(each[0]) for each in SITE_LACKS])
def test_a_site_lacks_what_is_not_there(changes: dict[str, Any], for_trial: list[str], for_live: list[str]) -> None:
    facts = replace(SITE, **changes)
    assert (lacking(facts, State.TRIAL), lacking(facts, State.LIVE)) == (for_trial, for_live)


@pytest.mark.parametrize("facts", [AUTHORITY, SITE], ids=["authority", "site"])
def test_two_people_are_shown_as_a_condition_and_are_enough_as_one_in_a_test_store(facts: Facts) -> None:
    def two(known: Facts) -> tuple[bool, str]:
        [found] = [each for each in conditions(known) if each.code == TWO_PEOPLE]
        return found.met, found.says

    assert two(facts) == (False, "Nobody has asked for a step.")
    asked = Asked(State.LIVE, "sub-1", "Iggy Marlowe", AT)
    assert two(replace(facts, asked=asked)) == (
        True,
        "Iggy Marlowe asked for “Live” on 2 March 2026 at 09:30; somebody else confirms.",
    )
    assert two(replace(facts, is_production=False)) == (True, "This is a test store: one person is enough.")


def test_without_pds_the_match_is_said_to_be_not_measured() -> None:
    [found] = [each for each in conditions(replace(AUTHORITY, matched=None)) if each.code == "matched"]
    assert found.met
    assert "Not measured" in found.says


def test_a_phone_that_has_changed_since_it_was_rung_says_both_numbers() -> None:
    [found] = [each for each in conditions(replace(AUTHORITY, office_phone=OLD_NUMBER)) if each.code == "office-phone"]
    assert not found.met
    assert found.says == "Wanda Worker rang 020 7946 0101 on 2 March 2026 at 09:30; it is 020 7946 0999 now."


@pytest.mark.parametrize("facts", [AUTHORITY, SITE], ids=["authority", "site"])
def test_every_condition_says_what_is_the_case_and_what_to_do(facts: Facts) -> None:
    for each in conditions(replace(facts, agreement=None)):
        assert each.title, each
        assert each.says, each
        assert each.how or each.met, each


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_whatever_shows_children_to_strangers_or_hides_them_again_needs_two_people(before: State, after: State) -> None:
    shown, stays = {State.LIVE, State.PAUSED}, after in STEPS[before]
    if stays:
        assert needs_second_person(before, after) == (after is State.LIVE or (before in shown and after not in shown))


def test_every_state_of_either_party_says_what_it_means() -> None:
    assert set(MEANING) == {(kind, state) for kind in PartyKind for state in State}
