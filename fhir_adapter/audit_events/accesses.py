"""A look as an AuditEvent after IHE BALP, and who looked as a PractitionerRole. Pure.

`bundles` puts them into searchsets. What was never written down (an address, a name behind a system) is said to be unknown. The raw
request is not kept: its query is rebuilt from what is, with the patient in it for auditors alone.
Sources: IHE BALP (PatientQuery, PatientRead); CP-IS FHIR API guides, "Data mapping".
"""

import base64
import re
from dataclasses import dataclass

from domain.actor import ActorKind
from domain.encounter import TriggerEvent
from fhir_adapter.audit_events import codes
from fhir_adapter.codes import NHS_NUMBER, Json
from fhir_adapter.headers import UUID_TEXT
from safeguarding.access_history import Access

QUERY_IS_REBUILT = "Rebuilt from what is kept; the request itself is not."
NUMBER_HASH = "NamingSystem/number-hash"
"""Under the base URL: names the keyed hashes that stand for numbers that nobody had a flag for."""

_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{3,64}")
"""As clients of this door are called; senders of messages and issuers of CDS Hooks are called otherwise."""
_OUTCOMES = {"flagged": "Flagged", "none-known": "None known", "could-not-check": "Could not check"}


@dataclass(frozen=True, slots=True)
class View:
    """For whom it is rendered. Auditors see ids; others the 25 as the national service shows them: when, who, role, organisation.

    `with_roles`: the PractitionerRole of each comes with it, to be referred to. `base_url` is this door's own address.
    """

    base_url: str
    for_auditor: bool
    with_roles: bool = False


def to_audit_event(access: Access, number: str | None, view: View) -> Json:
    """One look. `number` is the NHS number that it was about, where that is known and may be said."""
    is_read, is_search = access.trigger_event in {TriggerEvent.BANNER, TriggerEvent.READ}, _is_search(access)
    checked = access.outcome != "could-not-check"
    profile = codes.PATIENT_READ_PROFILE if is_read else codes.PATIENT_QUERY_PROFILE if is_search else None
    resource: Json = {"resourceType": "AuditEvent", "id": access.id}
    if profile and checked and (number or access.number_hash):
        resource["meta"] = {"profile": [profile]}
    resource["type"] = codes.RESTFUL if is_read or is_search else codes.QUERY
    if is_read or is_search:
        resource["subtype"] = [codes.READ if is_read else codes.SEARCH]
    return resource | {
        "action": "R" if is_read else "E",
        "recorded": access.occurred_at,
        "outcome": codes.SUCCESS if checked else codes.MINOR_FAILURE,
        "outcomeDesc": _OUTCOMES[access.outcome],
        "purposeOfEvent": [_purpose(access.purpose)],
        "agent": _agents(access, view, is_read=is_read),
        "source": to_source(view.base_url),
        "entity": _entities(access, number, view),
    }


def to_practitioner_role(access: Access) -> Json:
    """Who looked, as far as it was written down; its id is the access's."""
    resource: Json = {"resourceType": "PractitionerRole", "id": access.id}
    if access.user_role_id:
        resource["identifier"] = [_role_profile(access)]
    return resource | {
        "practitioner": {"display": access.actor.name} if _is_person(access) else codes.UNKNOWN | {"display": _display(access)},
        "organization": _organisation(access),
        "code": [{"text": access.role_words or "Role not known"}],
    }


def to_source(base_url: str) -> Json:
    """Who wrote the event down."""
    return {"site": base_url, "observer": {"display": "Nightlight"}, "type": [codes.APPLICATION_SERVER]}


def _is_search(access: Access) -> bool:
    """Whether it came through this door: from a registered client, with a request id that is a UUID."""
    has_request = bool(UUID_TEXT.fullmatch(access.request_id or ""))
    return access.trigger_event == TriggerEvent.LOOKUP and has_request and _is_client(access)


def _is_client(access: Access) -> bool:
    return bool(_CLIENT_ID.fullmatch(access.actor.id))


def _role_profile(access: Access) -> Json:
    """The user as the system named it: by a role profile id in this door's header, by a reference of its own in a CDS Hook."""
    system = {"system": codes.ROLE_PROFILE} if _is_client(access) else {}
    return {**system, "value": access.user_role_id}


def _is_person(access: Access) -> bool:
    return access.actor.kind in {ActorKind.PERSON, ActorKind.OPERATOR}


def _display(access: Access) -> str:
    if _is_person(access):
        return access.actor.name
    return f"Not known by name: asked through {access.actor.name}"


def _organisation(access: Access) -> Json:
    return {"identifier": {"system": codes.ODS_CODE, "value": access.actor.organisation}, "display": access.organisation}


def _purpose(purpose: str) -> Json:
    words = {"text": purpose.replace("-", " ")}
    return {"coding": [codes.PURPOSES[purpose]], **words} if purpose in codes.PURPOSES else words


def _agents(access: Access, view: View, *, is_read: bool) -> list[Json]:
    """Client and server, and the user where one is known; in a read BALP has the roles of the two the other way round."""
    roles = (codes.DESTINATION_ROLE, codes.SOURCE_ROLE) if is_read else (codes.SOURCE_ROLE, codes.DESTINATION_ROLE)
    user = _user(access, view)
    client: Json = {"type": "Device", "display": "Nightlight" if _is_person(access) else access.actor.name}
    if view.for_auditor and not _is_person(access):
        client["identifier"] = {"value": access.actor.id}
    return [
        {"type": _type(roles[0]), "who": client, "requestor": user is None, "network": codes.UNKNOWN},
        {
            "type": _type(roles[1]),
            "who": {"type": "Device", "display": "Nightlight"},
            "requestor": False,
            "network": {"address": view.base_url, "type": codes.URI},
        },
        *([user] if user else []),
        {"who": {"type": "Organization", **_organisation(access)}, "requestor": False},
    ]


def _user(access: Access, view: View) -> Json | None:
    if access.user_role_id:
        who: Json = {"type": "PractitionerRole", "identifier": _role_profile(access)}
        return {"type": _type(codes.RECIPIENT), "who": who, "requestor": True}
    if not _is_person(access):
        return None
    who = {"type": "Practitioner", "display": access.actor.name}
    if view.for_auditor:
        who["identifier"] = {"value": access.actor.id}
    user = {"type": _type(codes.RECIPIENT), "who": who, "name": access.actor.name, "requestor": True}
    return user | ({"role": [{"text": access.role_words}]} if access.role_words else {})


def _type(code: Json) -> Json:
    return {"coding": [code]}


def _entities(access: Access, number: str | None, view: View) -> list[Json]:
    entities = [*_patient(access, number, view), _what(access, number, view)]
    if view.for_auditor and UUID_TEXT.fullmatch(access.request_id or ""):
        entities.append({"what": {"identifier": {"value": access.request_id}}, "type": codes.REQUEST_ID})
    if view.with_roles:
        what = {"reference": f"PractitionerRole/{access.id}", "display": _display(access)}
        entities.append({"what": what, "type": codes.ASSIGNED_ENTITY})
    return entities


def _patient(access: Access, number: str | None, view: View) -> list[Json]:
    if number:
        identifier = {"system": NHS_NUMBER, "value": number}
    elif access.number_hash:
        identifier = {"system": f"{view.base_url}/{NUMBER_HASH}", "value": access.number_hash.hex()}
    else:
        return []
    return [{"what": {"type": "Patient", "identifier": identifier}, "type": codes.PERSON, "role": codes.PATIENT}]


def _what(access: Access, number: str | None, view: View) -> Json:
    """What was read, or the query: of a message, only which event and care setting it was."""
    setting = access.setting_words
    if access.trigger_event == TriggerEvent.BANNER:
        what: Json = {"type": "Encounter", "display": "The banner of an encounter" if _is_person(access) else "An encounter"}
        if view.for_auditor and access.encounter_id:
            what["identifier"] = {"value": str(access.encounter_id)}
        return {"what": what, "type": codes.SYSTEM_OBJECT, "role": codes.DOMAIN_RESOURCE, "description": setting}
    if access.trigger_event == TriggerEvent.READ:
        what = {"display": "A Flag, CarePlan or CareTeam, by the id that an earlier answer gave"}
        return {"what": what, "type": codes.SYSTEM_OBJECT, "role": codes.DOMAIN_RESOURCE, "description": setting}
    if _is_search(access):
        shown = number if number and view.for_auditor else ""
        query = base64.b64encode(f"Flag?patient:identifier={NHS_NUMBER}|{shown}".encode()).decode()
        description = f"{setting}. {QUERY_IS_REBUILT}"
        return {"type": codes.SYSTEM_OBJECT, "role": codes.QUERY_ROLE, "description": description, "query": query}
    name = f"{access.trigger_event.replace('-', ' ')}, {setting}"
    return {"type": codes.SYSTEM_OBJECT, "role": codes.QUERY_ROLE, "name": name}
