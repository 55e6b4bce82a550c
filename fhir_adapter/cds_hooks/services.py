"""The table of what this door offers: `door` routes by it and publishes it at /cds-services, so neither can differ.

Source: CDS Hooks 2.0, "Discovery"; hooks patient-view 1.0 and encounter-start 1.0.
"""

from dataclasses import dataclass

from domain.encounter import TriggerEvent
from fhir_adapter.codes import Json

PREFETCH_KEY = "patient"
PREFETCH = {PREFETCH_KEY: "Patient/{{context.patientId}}"}


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `trigger` is what it says to the desk."""

    id: str
    hook: str
    title: str
    description: str
    usage: str
    trigger: TriggerEvent

    @property
    def records(self) -> bool:
        """Whether it says that an encounter began; else it only looks."""
        return self.trigger is TriggerEvent.REGISTER

    def to_json(self) -> Json:
        """As discovery publishes it."""
        return {
            "hook": self.hook,
            "title": self.title,
            "description": self.description,
            "id": self.id,
            "prefetch": PREFETCH,
            "usageRequirements": self.usage,
        }


_PATIENT = "Needs the Patient with its NHS number: as prefetch, or from the FHIR server that is registered for this EHR."

PATIENT_VIEW = Service(
    "child-protection-patient-view",
    "patient-view",
    "Child protection: is this child known to social care?",
    "Shows a card where a local authority has a child protection plan, a looked-after child or an unborn child's plan for the "
    "patient, and whom to ring at this hour. Opening a record is a look: it is audited.",
    f"{_PATIENT} Tells the authority only where the site has no live feed of its own attendances.",
    TriggerEvent.LOOKUP,
)
ENCOUNTER_START = Service(
    "child-protection-encounter-start",
    "encounter-start",
    "Child protection: an encounter begins",
    "Records that the patient is here, as an ADT message would, and tells the authority of an open plan where the care is "
    "unscheduled. Shows the same card.",
    f"{_PATIENT} The same encounterId may come as often as it likes: the authority is told once.",
    TriggerEvent.REGISTER,
)

SERVICES = {service.id: service for service in (PATIENT_VIEW, ENCOUNTER_START)}
DISCOVERY: Json = {"services": [service.to_json() for service in SERVICES.values()]}
