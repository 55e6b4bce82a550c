"""Care settings from rules: what PV1 says, held against the sending site's rules, first fit first. Pure.

`hl7_listener` asks it for every message; a new site begins with DEFAULT_RULES, which are rows of its own from then on.
Source: docs/hl7.md, "Care setting"; NHS Data Dictionary (admission method, treatment function code).
"""

from collections.abc import Sequence

from domain.care_setting import CareSetting
from safeguarding.directory import CareSettingRule, Site


def decide_care_setting(
    site: Site, patient_class: str, admission_method: str, treatment_function: str, location: str
) -> CareSetting:
    """A private service's own, whatever its messages say; else that of the first rule that fits.

    Where none fits: the site's own if PV1 says nothing at all, else unclassified.

    PV1-2, PV1-4, PV1-10 and PV1-3 as codes. What fits nothing counts as unscheduled: the safe side.
    """
    if site.setting.is_private:
        return site.setting
    place = fitting_rule(site, patient_class, admission_method, treatment_function, location)
    if place is not None:
        setting = site.rules[place - 1].setting
        return site.setting if setting is SITES_OWN else setting
    nothing_said = not (patient_class or admission_method or treatment_function)
    return site.setting if nothing_said else CareSetting.UNCLASSIFIED


def fitting_rule(site: Site, patient_class: str, admission_method: str, treatment_function: str, location: str) -> int | None:
    """The place, from 1, of the first of the site's rules that fits; None where none does. The codes are as above."""
    codes = patient_class.upper(), admission_method.upper(), treatment_function.upper(), location.upper()
    return next((place for place, rule in enumerate(site.rules, 1) if _fits(rule, *codes)), None)


def _fits(rule: CareSettingRule, patient_class: str, method: str, function: str, location: str) -> bool:
    return (
        (not rule.patient_classes or patient_class in rule.patient_classes)
        and (not rule.admission_methods or method in rule.admission_methods)
        and (not rule.treatment_functions or function in rule.treatment_functions)
        and location.startswith(rule.location_prefix.upper())
    )


def _rule(
    setting: CareSetting, classes: Sequence[str] = (), methods: Sequence[str] = (), functions: Sequence[str] = ()
) -> CareSettingRule:
    return CareSettingRule(frozenset(classes), frozenset(methods), frozenset(functions), "", setting)


SITES_OWN = CareSetting.UNCLASSIFIED
"""In a rule: the setting that the site was registered with."""

DEFAULT_RULES = (
    _rule(CareSetting.CAMHS, functions=("711",)),
    _rule(CareSetting.SEXUAL_HEALTH, functions=("360",)),
    _rule(SITES_OWN, classes=("E",)),
    _rule(CareSetting.MATERNITY, methods=("31", "32", "82", "83")),
    _rule(
        CareSetting.PAEDIATRIC_WARD,
        methods=("21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D"),
        functions=("420",),
    ),
    _rule(CareSetting.EMERGENCY_DEPARTMENT, methods=("21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D")),
    _rule(CareSetting.ELECTIVE_ADMISSION, methods=("11", "12", "13")),
    _rule(CareSetting.MATERNITY, functions=("501", "560")),
    _rule(CareSetting.OUTPATIENT, classes=("O",)),
    _rule(CareSetting.EMERGENCY_DEPARTMENT, functions=("180",)),
    _rule(CareSetting.PAEDIATRIC_WARD, classes=("I",), functions=("420",)),
)
"""What a new site begins with. Services whose use nobody may hear of match first."""
