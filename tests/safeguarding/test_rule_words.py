"""Rules in words: every code of the rules that a site begins with has a meaning, and none is lost."""

import re

import pytest

from domain.care_setting import CareSetting
from safeguarding.care_settings import DEFAULT_RULES, SITES_OWN
from safeguarding.directory import CareSettingRule
from safeguarding.rule_words import rule_in_words, setting_in_words


@pytest.mark.parametrize("rule", DEFAULT_RULES)
def test_every_code_of_the_usual_rules_stands_behind_its_meaning(rule: CareSettingRule) -> None:
    said = " and ".join(rule_in_words(rule).conditions)
    codes = {code for inside in re.findall(r"\(([^()]*)\)", said) for code in inside.split(", ")}
    assert rule.patient_classes | rule.admission_methods | rule.treatment_functions <= codes


@pytest.mark.parametrize(
    "rule, said",
    [
        (CareSettingRule(frozenset({"DC", "I"}), frozenset(), frozenset(), "", SITES_OWN),
         "Patient class (PV1-2): inpatient (I) or DC"),
        (CareSettingRule(frozenset(), frozenset({"82", "31"}), frozenset(), "", SITES_OWN),
         "Admission method (PV1-4): maternity admission (31) or birth (82)"),
        (CareSettingRule(frozenset(), frozenset(), frozenset(), "CLIN", SITES_OWN), "Location (PV1-3) begins with CLIN"),
        (CareSettingRule(frozenset(), frozenset(), frozenset(), "", SITES_OWN), ""),
    ],
)  # fmt: skip
def test_a_condition_is_said_with_its_field_and_unknown_codes_as_they_are(rule: CareSettingRule, said: str) -> None:
    assert " and ".join(rule_in_words(rule).conditions) == said


@pytest.mark.parametrize(
    "setting, own, expected",
    [
        (CareSetting.GP, None, ("GP", "no")),
        (CareSetting.SARC, None, ("Sexual assault referral centre", "never")),
        (CareSetting.MATERNITY, CareSetting.SARC, ("Maternity", "yes")),
        (SITES_OWN, None, ("The site’s own", "as the site’s own")),
        (SITES_OWN, CareSetting.MINOR_INJURY_UNIT, ("The site’s own: Minor injury unit", "yes")),
        (SITES_OWN, CareSetting.CAMHS, ("The site’s own: CAMHS", "never")),
    ],
)
def test_whether_the_authority_is_told_follows_from_the_setting(
    setting: CareSetting, own: CareSetting | None, expected: tuple[str, str]
) -> None:
    assert setting_in_words(setting, own) == expected
