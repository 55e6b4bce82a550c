"""Who is asking, and why: the two things without which no function of the store answers.

Doors make an Actor from a peer, a client token or a signed-in person; the audit trail writes it down.
Sources: FHIR AuditEvent.agent and purposeOfEvent; HL7 v3 PurposeOfUse.
"""

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """Why somebody looks."""

    DIRECT_CARE = "direct-care"
    SAFEGUARDING = "safeguarding"
    AUDIT = "audit"
    SUPPORT = "support"


class ActorKind(StrEnum):
    """What kind of agent acts."""

    PERSON = "person"
    SYSTEM = "system"
    OPERATOR = "operator"
    SERVICE = "service"


class Role(StrEnum):
    """What a signed-in person may do (docs/facts.md, section 7)."""

    CLINICIAN = "clinician"
    SITE_SAFEGUARDING = "site-safeguarding"
    SOCIAL_WORKER = "social-worker"
    DATA_OFFICER = "data-officer"
    INFORMATION_GOVERNANCE = "information-governance"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Actor:
    """One agent. `organisation` is an ODS code or an authority's code; `id` is never a patient."""

    kind: ActorKind
    id: str
    name: str
    organisation: str
    role: str = ""


NIGHTLIGHT = Actor(ActorKind.SERVICE, "nightlight", "Nightlight", "nightlight")
