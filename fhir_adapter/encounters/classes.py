"""Encounter.class as a site's rules know it: the patient class of PV1-2 that stands for the same, and whether it is a stay.

`reading` calls it. Pure; the table is the mapping between HL7 v2 and FHIR, read backwards.
Sources: v3-ActCode (ActEncounterCode); HL7 table 0004 (patient class); HL7 v2-to-FHIR, PV1 to Encounter.
"""

from dataclasses import dataclass

from fhir_adapter.codes import Json
from fhir_adapter.encounters.codes import ACT_CODE, PATIENT_CLASS

OTHER = "OTHER"
"""A class that is not known here: it fits no rule that names one, and is unclassified, which is the safe side."""

PATIENT_CLASSES = {
    "EMER": "E",
    "IMP": "I",
    "ACUTE": "I",
    "NONAC": "I",
    "OBSENC": "I",
    "SS": "I",
    "AMB": "O",
    "PRENC": "P",
    "FLD": "",
    "HH": "",
    "VR": "",
}
"""Those without a letter say where the patient is and not which care it is: there the site's own setting decides."""

_PV1_2 = frozenset("EIOPRBCNU")


@dataclass(frozen=True, slots=True)
class EncounterClass:
    """`patient_class` is what a rule is held against: a letter of PV1-2, nothing, or OTHER. `is_stay`: admitted."""

    patient_class: str
    is_stay: bool


def read_class(coding: Json) -> EncounterClass:
    """The class of an Encounter: of v3-ActCode, or of the HL7 table itself."""
    system, code = coding.get("system", ""), coding.get("code", "")
    letter = OTHER
    if system == ACT_CODE:
        letter = PATIENT_CLASSES.get(code, OTHER)
    elif system == PATIENT_CLASS and code in _PV1_2:
        letter = code
    return EncounterClass(letter, letter == "I")
