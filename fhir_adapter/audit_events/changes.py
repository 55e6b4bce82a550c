"""What was done, other than a look, as an AuditEvent: extracts, registrations, rules, sign-ins, broken glass. Pure.

`bundles` gives it to auditors. Nothing in it is about a patient by name or number: `detail` holds codes and counts.
Sources: FHIR R4 AuditEvent; DICOM PS3.16, context groups 400 and 401 (event ids and types).
"""

from domain.actor import ActorKind
from fhir_adapter.audit_events import codes
from fhir_adapter.audit_events.accesses import to_source
from fhir_adapter.codes import Json, coding
from safeguarding.trail import Change

ACTIONS = "CodeSystem/audit-action"
"""Under the base URL: names our own words for what was done, such as flag.open."""

_LOGIN = codes.dcm("110114", "User Authentication")
_TYPES = {
    "session": _LOGIN,
    "extract": codes.dcm("110107", "Import"),
    "accesses": codes.dcm("110101", "Audit Log Used"),
    "client": codes.dcm("110113", "Security Alert"),
    "peer": codes.dcm("110113", "Security Alert"),
    "flag": codes.dcm("110110", "Patient Record"),
    "flag.break-glass": codes.dcm("110113", "Security Alert"),
    "person": codes.dcm("110110", "Patient Record"),
    "newborn": codes.dcm("110110", "Patient Record"),
    "alert": codes.dcm("110110", "Patient Record"),
}
_OTHER_TYPE = codes.dcm("110100", "Application Activity")
_SUBTYPES = {
    "session.start": codes.dcm("110122", "Login"),
    "session.end": codes.dcm("110123", "Logout"),
    "flag.break-glass": codes.dcm("110127", "Emergency Override Started"),
    "client.add": codes.dcm("110137", "User Security Attributes Changed"),
    "peer.add": codes.dcm("110128", "Network Configuration"),
    "peer.set": codes.dcm("110128", "Network Configuration"),
    "peer.remove": codes.dcm("110128", "Network Configuration"),
}
_ACTIONS = {
    "add": "C", "open": "C", "load": "C", "link": "C", "alias": "C", "requested": "C",
    "view": "R", "review": "R", "read": "R", "read-rejects": "R", "read-history": "R", "export": "R", "shown": "R",
    "remove": "D", "delete": "D", "discard": "D", "withdraw": "D",
    "set": "U", "amend": "U", "end": "U", "acknowledge": "U", "resolve": "U", "alias-ended": "U",
    "match": "U", "mask": "U", "seal": "U", "unseal": "U",
}  # fmt: skip
_FAILED = ("refuse", "refused")


def to_audit_event(change: Change, base_url: str) -> Json:
    """One event. Its subtype is our own word for it, after DICOM's where there is one."""
    kind, _, done = change.action.partition(".")
    failed = done.endswith(_FAILED)
    own = coding(f"{base_url}/{ACTIONS}", change.action, change.action)
    subtypes = [_SUBTYPES[change.action], own] if change.action in _SUBTYPES else [own]
    return {
        "resourceType": "AuditEvent",
        "id": change.id,
        "type": _TYPES.get(change.action, _TYPES.get(kind, _OTHER_TYPE)),
        "subtype": subtypes,
        "action": _ACTIONS.get(done, "E"),
        "recorded": change.occurred_at,
        "outcome": codes.MINOR_FAILURE if failed else codes.SUCCESS,
        "agent": _agents(change),
        "source": to_source(base_url),
        "entity": [_subject(change)],
    }


def _agents(change: Change) -> list[Json]:
    actor = change.actor
    is_person = actor.kind in {ActorKind.PERSON, ActorKind.OPERATOR}
    who: Json = {"type": "Practitioner" if is_person else "Device", "identifier": {"value": actor.id}, "display": actor.name}
    agent: Json = {"type": {"coding": [codes.RECIPIENT if is_person else codes.SOURCE_ROLE]}, "who": who, "requestor": True}
    if is_person:
        agent["name"] = actor.name
    if actor.role:
        agent["role"] = [{"text": actor.role.replace("-", " ")}]
    organisation = {"identifier": {"value": actor.organisation}, "display": change.organisation, "type": "Organization"}
    return [agent, {"who": organisation, "requestor": False}]


def _subject(change: Change) -> Json:
    """What it was done to, with the codes and counts that were written beside it."""
    details = [
        {"type": name, "valueString": str(value).lower() if isinstance(value, bool) else str(value)}
        for name, value in change.detail.items()
        if value not in (None, "")
    ]
    what = {"what": {"identifier": {"value": change.subject_id}}} if change.subject_id else {}
    return {**what, "type": codes.SYSTEM_OBJECT, "name": change.subject_type, **({"detail": details} if details else {})}
