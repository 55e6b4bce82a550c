"""The invented people of the PDS stand-in, and each as PDS would give them: a UK Core Patient.

`nightlight.demo.pds_stand_in` answers with these; the tests give it people of their own.
Source: PDS FHIR API specification, examples of the sandbox (their shape; every number here is from 999, which is never issued).
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.nhs_number import NhsNumber
from nightlight.demo.sample import CHILD, SENSITIVE, invented_number

NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
_UK_CORE = "https://fhir.hl7.org.uk"
_DISPLAYS = {"U": "unrestricted", "R": "restricted", "V": "very restricted"}


@dataclass(frozen=True, slots=True)
class Registered:
    """Somebody in the register. `superseded_by` another number; `invalid` without a successor; `bare`: only the number is held."""

    number: NhsNumber
    family: str
    given: tuple[str, ...]
    birth_date: date
    gender: str = "unknown"
    postcode: str = "TE1 1ST"
    confidentiality: str = "U"
    died_on: date | None = None
    superseded_by: NhsNumber | None = None
    invalid: bool = False
    bare: bool = False


OLD_NUMBER = invented_number(9_001)
INVALID_NUMBER = invented_number(9_002)

PEOPLE = (
    Registered(CHILD, "Harding", ("Amelia", "Rose"), date(2019, 3, 4), "female"),
    Registered(OLD_NUMBER, "Harding", ("Amelia",), date(2019, 3, 4), superseded_by=CHILD),
    Registered(INVALID_NUMBER, "Fairweather", ("Ivy",), date(2017, 1, 9), invalid=True),
    Registered(SENSITIVE, "Selby", ("Robin",), date(2015, 9, 1), "male", confidentiality="R"),
    Registered(invented_number(9_003), "Oakley", ("Sam",), date(2016, 2, 3), "male", "TE2 2ST"),
    Registered(invented_number(9_004), "Oakley", ("Sam",), date(2016, 2, 3), "female", "TE3 3ST"),
    Registered(invented_number(9_005), "Marsh", ("Theo",), date(2014, 5, 6), "male", died_on=date(2020, 1, 1)),
    Registered(invented_number(9_006), "", (), date(2018, 8, 8), bare=True),
)
"""The demo's: the child who is registered at every start, one whose whereabouts nobody may learn, two of one name, and so on."""


def to_patient(person: Registered) -> dict[str, Any]:
    """As the register gives the person; of whoever is restricted, nothing that says where they are."""
    patient: dict[str, Any] = {
        "resourceType": "Patient",
        "id": person.number,
        "identifier": [{"system": NHS_NUMBER, "value": person.number, "extension": [_number_verified()]}],
        "meta": {"versionId": "2", "security": [_security(person.confidentiality)]},
    }
    if person.bare:
        return patient
    patient["name"] = [{"id": "n1", "use": "usual", "period": {"start": "2020-01-01"}, "given": list(person.given)}]
    patient["name"][0]["family"] = person.family
    patient["gender"] = person.gender
    patient["birthDate"] = person.birth_date.isoformat()
    if person.died_on:
        patient["deceasedDateTime"] = f"{person.died_on.isoformat()}T00:00:00+00:00"
    if person.confidentiality == "U":
        patient["address"] = [
            {
                "id": "a1", "use": "home", "period": {"start": "2020-01-01"}, "line": ["1 Example Street", "Testtown"],
                "postalCode": person.postcode,
            }
        ]  # fmt: skip
    return patient


def _security(code: str) -> dict[str, str]:
    return {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": code, "display": _DISPLAYS[code]}


def _number_verified() -> dict[str, Any]:
    coding = {
        "system": f"{_UK_CORE}/CodeSystem/UKCore-NHSNumberVerificationStatus",
        "version": "1.0.0",
        "code": "01",
        "display": "Number present and verified",
    }
    url = f"{_UK_CORE}/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"
    return {"url": url, "valueCodeableConcept": {"coding": [coding]}}
