"""Every URL and code of the standards that this door speaks, in one place; the tests hold them against a second list.

Sources: NHS England Patient Flag and CP-IS FHIR guides (profiles, code systems); UK Core; FHIR R4 (4.0.1).
"""

from typing import Any

Json = dict[str, Any]
"""A FHIR resource or a part of one, ready for `orjson.dumps`."""

FHIR_VERSION = "4.0.1"
FHIR_JSON = "application/fhir+json"

URI = "urn:ietf:rfc:3986"
NHS_NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
SPINE_CODES = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"
SNOMED_CT = "http://snomed.info/sct"
DATA_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
RESTFUL_SECURITY = "http://terminology.hl7.org/CodeSystem/restful-security-service"

FLAG_CATEGORY = "https://fhir.nhs.uk/England/CodeSystem/England-FlagCategoryPatient"
FLAG_CODE = "child-protection-information-system-flag"
FLAG_CODE_DISPLAY = "Child Protection Information System Flag"

FLAG_PROFILE = "https://fhir.nhs.uk/England/StructureDefinition/England-Flag-PatientFlag"
PROVENANCE_PROFILE = "https://fhir.nhs.uk/England/StructureDefinition/England-Provenance-Flag"
CARE_PLAN_PROFILE = "https://fhir.nhs.uk/England/StructureDefinition/England-CarePlan-Flag"
CARE_TEAM_PROFILE = "https://fhir.nhs.uk/England/StructureDefinition/England-CareTeam-Flag"

FLAG_DETAIL = "http://hl7.org/fhir/StructureDefinition/flag-detail"
DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

FLAG_CODE_PARAMETER = "https://fhir.nhs.uk/England/SearchParameter/England-FlagCode"
PATIENT_PARAMETER = "http://hl7.org/fhir/SearchParameter/clinical-patient"
DATE_PARAMETER = "http://hl7.org/fhir/SearchParameter/clinical-date"
ID_PARAMETER = "http://hl7.org/fhir/SearchParameter/Resource-id"
UPDATED_PARAMETER = "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated"
FLAG_IDENTIFIER_PARAMETER = "http://hl7.org/fhir/SearchParameter/Flag-identifier"
CARE_TEAM_IDENTIFIER_PARAMETER = "http://hl7.org/fhir/SearchParameter/clinical-identifier"
CARE_TEAM_STATUS_PARAMETER = "http://hl7.org/fhir/SearchParameter/CareTeam-status"
FLAG_SUBJECT_PARAMETER = "http://hl7.org/fhir/SearchParameter/Flag-subject"
CARE_TEAM_SUBJECT_PARAMETER = "http://hl7.org/fhir/SearchParameter/CareTeam-subject"
AUDIT_PATIENT_PARAMETER = "http://hl7.org/fhir/SearchParameter/AuditEvent-patient"
AUDIT_AGENT_PARAMETER = "http://hl7.org/fhir/SearchParameter/AuditEvent-agent"
AUDIT_AGENT_NAME_PARAMETER = "http://hl7.org/fhir/SearchParameter/AuditEvent-agent-name"
AUDIT_DATE_PARAMETER = "http://hl7.org/fhir/SearchParameter/AuditEvent-date"


def coding(system: str, code: str, display: str) -> Json:
    """One Coding."""
    return {"system": system, "code": code, "display": display}


TEST_DATA = coding(ACT_REASON, "HTEST", "test health data")
RESTRICTED = coding(CONFIDENTIALITY, "R", "restricted")
REDACTED = coding(OBSERVATION_VALUE, "REDACTED", "redacted")
SUBSETTED = coding(OBSERVATION_VALUE, "SUBSETTED", "subsetted")
MASKED: Json = {"extension": [{"url": DATA_ABSENT, "valueCode": "masked"}]}
"""Stands where a sensitive flag holds something back."""
