"""URLs and codes of audit events alone; those that other resources share stand in `fhir_adapter.codes`.

Sources: FHIR R4 AuditEvent and its value sets; IHE Basic Audit Log Patterns (BALP) 1.1; DICOM PS3.16 context groups 400 to 403;
CP-IS FHIR API guides (AuditEvent, PractitionerRole).
"""

from fhir_adapter.codes import ACT_REASON, DATA_ABSENT, Json, coding

PATIENT_QUERY_PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientQuery"
PATIENT_READ_PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PatientRead"

ROLE_CLASS = "http://terminology.hl7.org/CodeSystem/v3-RoleClass"
ASSIGNED = "ASSIGNED"
ODS_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"
ROLE_PROFILE = "https://fhir.nhs.uk/Id/sds-role-profile-id"
"""What a user role profile id (NHSD-Session-URID) is an identifier of."""

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_REST = "http://hl7.org/fhir/restful-interaction"


def dcm(code: str, display: str) -> Json:
    """A DICOM code."""
    return coding(_DCM, code, display)


RESTFUL = coding("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest", "RESTful Operation")
SEARCH = coding(_REST, "search", "search")
READ = coding(_REST, "read", "read")
QUERY = dcm("110112", "Query")
SOURCE_ROLE = dcm("110153", "Source Role ID")
DESTINATION_ROLE = dcm("110152", "Destination Role ID")
RECIPIENT = coding("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP", "information recipient")
APPLICATION_SERVER = coding("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")

PERSON = coding(_ENTITY_TYPE, "1", "Person")
SYSTEM_OBJECT = coding(_ENTITY_TYPE, "2", "System Object")
REQUEST_ID = {"system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "code": "XrequestId"}
ASSIGNED_ENTITY = coding(ROLE_CLASS, ASSIGNED, "assigned entity")
PATIENT = coding(_OBJECT_ROLE, "1", "Patient")
DOMAIN_RESOURCE = coding(_OBJECT_ROLE, "4", "Domain Resource")
QUERY_ROLE = coding(_OBJECT_ROLE, "24", "Query")

UNKNOWN: Json = {"extension": [{"url": DATA_ABSENT, "valueCode": "unknown"}]}
"""Stands where a profile wants what nobody wrote down."""

URI = "5"
"""Network type: a URI."""

SUCCESS, MINOR_FAILURE = "0", "4"

PURPOSES = {
    "direct-care": coding(ACT_REASON, "TREAT", "treatment"),
    "audit": coding(ACT_REASON, "HCOMPL", "health compliance"),
    "support": coding(ACT_REASON, "HSYSADMIN", "health system administration"),
}
"""By our word; "safeguarding" has no code of its own there, and is said in words."""
