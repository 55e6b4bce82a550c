"""Care settings: where a patient meets a service, and whether the authority is told of it.

The HL7 door derives one from the site's rules, the FHIR door from the client's rights; `safeguarding.decision` reads it.
Source: NHS Digital CP-IS viewer pages (RBAC B0107 unscheduled, B0170 scheduled); docs/facts.md, section 2.
"""

from enum import StrEnum


class CareSetting(StrEnum):
    """The kinds of service, as `nightlight site add --setting` takes them."""

    EMERGENCY_DEPARTMENT = "emergency-department"
    WALK_IN_CENTRE = "walk-in-centre"
    MINOR_INJURY_UNIT = "minor-injury-unit"
    GP_OUT_OF_HOURS = "gp-out-of-hours"
    NHS_111 = "nhs-111"
    AMBULANCE = "ambulance"
    MATERNITY = "maternity"
    PAEDIATRIC_WARD = "paediatric-ward"
    UNCLASSIFIED = "unclassified"
    GP = "gp"
    OUTPATIENT = "outpatient"
    ELECTIVE_ADMISSION = "elective-admission"
    SCHOOL_NURSING = "school-nursing"
    COMMUNITY_PAEDIATRICS = "community-paediatrics"
    DENTISTRY = "dentistry"
    CAMHS = "camhs"
    SARC = "sarc"
    SEXUAL_HEALTH = "sexual-health"
    TERMINATION = "termination"

    @property
    def is_unscheduled(self) -> bool:
        """Whether being seen here tells the authority. What fits no rule does: the safe side."""
        return self in _UNSCHEDULED

    @property
    def is_private(self) -> bool:
        """Never alerts and enters neither the shared history nor any pattern, whatever else is true."""
        return self in _PRIVATE

    @property
    def words(self) -> str:
        """As a person reads it."""
        return _WORDS.get(self, self.value.replace("-", " ").capitalize())


_UNSCHEDULED = frozenset(list(CareSetting)[: list(CareSetting).index(CareSetting.UNCLASSIFIED) + 1])
_PRIVATE = frozenset({CareSetting.CAMHS, CareSetting.SARC, CareSetting.SEXUAL_HEALTH, CareSetting.TERMINATION})
_WORDS = {
    CareSetting.GP_OUT_OF_HOURS: "GP out of hours",
    CareSetting.NHS_111: "NHS 111",
    CareSetting.GP: "GP",
    CareSetting.CAMHS: "CAMHS",
    CareSetting.SARC: "Sexual assault referral centre",
    CareSetting.TERMINATION: "Termination service",
    CareSetting.UNCLASSIFIED: "Unclassified (treated as unscheduled)",
}
