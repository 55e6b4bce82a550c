"""A site's care-setting rules in words: what must fit, which care setting follows, and whether the authority is told.

The page of a site's rules and `nightlight site rule list` show them. Sources: HL7 table 0004 (patient class); NHS Data
Dictionary, admission method and treatment function code. A code that is in neither table stands for itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.care_setting import CareSetting
from safeguarding.care_settings import SITES_OWN
from safeguarding.directory import CareSettingRule

PATIENT_CLASSES = {
    "E": "emergency", "I": "inpatient", "O": "outpatient", "P": "pre-admission", "R": "recurring patient", "B": "obstetrics",
}  # fmt: skip
_EMERGENCY, _MATERNITY, _BIRTH, _ELECTIVE = "emergency admission", "maternity admission", "birth", "elective admission"
ADMISSION_METHODS = {
    **dict.fromkeys(("21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D"), _EMERGENCY),
    **dict.fromkeys(("31", "32"), _MATERNITY),
    **dict.fromkeys(("82", "83"), _BIRTH),
    **dict.fromkeys(("11", "12", "13"), _ELECTIVE),
    "81": "transfer from another hospital",
}
TREATMENT_FUNCTIONS = {
    "100": "general surgery", "110": "trauma and orthopaedics", "171": "paediatric surgery", "180": "emergency medicine",
    "300": "general internal medicine", "360": "genitourinary medicine", "420": "paediatrics", "501": "obstetrics",
    "502": "gynaecology", "560": "midwifery", "711": "child and adolescent psychiatry",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleWords:
    """One rule as a person reads it. All of `conditions` must fit."""

    conditions: tuple[str, ...]
    setting: str
    told: str


def rule_in_words(rule: CareSettingRule, own: CareSetting | None = None) -> RuleWords:
    """The rule, such as "Treatment function (PV1-10): paediatrics (420)"; without a condition it fits anything.

    `own` is the setting of the site, where it is known whose rule it is.
    """
    conditions = [
        f"{label}: {_with_meanings(codes, meanings)}"
        for label, codes, meanings in (
            ("Patient class (PV1-2)", rule.patient_classes, PATIENT_CLASSES),
            ("Admission method (PV1-4)", rule.admission_methods, ADMISSION_METHODS),
            ("Treatment function (PV1-10)", rule.treatment_functions, TREATMENT_FUNCTIONS),
        )
        if codes
    ]
    if rule.location_prefix:
        conditions.append(f"Location (PV1-3) begins with {rule.location_prefix}")
    return RuleWords(tuple(conditions), *setting_in_words(rule.setting, own))


def setting_in_words(setting: CareSetting, own: CareSetting | None = None) -> tuple[str, str]:
    """A rule's care setting, and whether an encounter in it tells the authority of an open plan."""
    if setting is not SITES_OWN:
        return setting.words, _told(setting)
    return (f"The site’s own: {own.words}", _told(own)) if own else ("The site’s own", "as the site’s own")


def _told(setting: CareSetting) -> str:
    return "never" if setting.is_private else "yes" if setting.is_unscheduled else "no"


def _with_meanings(codes: Iterable[str], meanings: Mapping[str, str]) -> str:
    """Codes of one meaning together: "maternity admission (31, 32) or birth (82, 83)"; those without one last, alone."""
    by_meaning: dict[str, list[str]] = {}
    for code in sorted(codes):
        by_meaning.setdefault(meanings.get(code, ""), []).append(code)
    unknown = by_meaning.pop("", [])
    return " or ".join([*(f"{meaning} ({', '.join(each)})" for meaning, each in by_meaning.items()), *unknown])
