"""Recording an encounter: an Encounter that was sent becomes a question to the desk, and what is on disk goes back.

`app` calls it for an admitted client. The look, the encounter and the alert are one transaction of the desk's; an answer is
given only after that. Sources: docs/integration/encounter.md; FHIR R4, "RESTful API" (create, update).
"""

from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from domain.actor import Actor, ActorKind, Purpose
from domain.encounter import EncounterState, TriggerEvent
from fhir_adapter.care import Manner
from fhir_adapter.codes import Json
from fhir_adapter.encounters.answers import Recording, to_answered
from fhir_adapter.encounters.conditions import check_if_none_exist, check_version
from fhir_adapter.encounters.json_body import read_object
from fhir_adapter.encounters.notes import notes_of
from fhir_adapter.encounters.outcomes import to_kept
from fhir_adapter.encounters.problems import bad
from fhir_adapter.encounters.reading import Sent, read_encounter
from fhir_adapter.encounters.rules import ARRIVAL, setting_of, trigger_event
from fhir_adapter.encounters.validity import ELEMENTS, check_encounter
from fhir_adapter.errors import NOT_ALLOWED, NOT_FOUND, Refused, could_not_check
from fhir_adapter.exchange import Answered, Call, Parts
from runtime.clients import Care
from runtime.clock import now
from runtime.scopes import permits
from safeguarding.care_settings import decide_care_setting
from safeguarding.check import Check, MessageKey
from safeguarding.directory import Directory, Site
from safeguarding.encounter_events import key_of
from safeguarding.recorded import Held, find_encounter, find_recorded, find_visit

FLAG_SCOPE = "system/Flag.s"


async def create_encounter(parts: Parts, call: Call) -> Answered:
    """POST: 201 and where the new encounter is, or 200 and where the one of this visit is already.

    Raises BadResource and Refused for what cannot be taken, DeskFull and CouldNotReachStore where nothing was recorded or the same
    request again will be recognised.
    """
    sent = _read(call)
    check_if_none_exist(call.headers.get("if-none-exist"), sent.visit_number)
    site = _site(await parts.directory.current(), call, sent)
    check = _to_check(call, sent, site)
    visit = key_of(check)
    assert visit is not None
    async with parts.database.transaction() as transaction:
        held = await find_visit(transaction, site.ods_code, visit)
    return await _record(parts, call, sent, site, check, held)


async def update_encounter(parts: Parts, call: Call) -> Answered:
    """PUT: 200, once the encounter is what its status says. Raises as `create_encounter` does, and Refused (404, 412)."""
    held = await _held(parts, call)
    sent = _read(call)
    if sent.id != call.id:
        raise bad("value", "Encounter.id", "The id in the body must be the one in the address.")
    check_version(call.headers.get("if-match"), held.version)
    site = _site(await parts.directory.current(), call, sent)
    _check_same(sent, held, site)
    check = replace(_to_check(call, sent, site), encounter_id=held.id)
    return await _record(parts, call, sent, site, check, held)


def _read(call: Call) -> Sent:
    resource: Json = read_object(call.body, "Encounter", ELEMENTS)
    check_encounter(resource)
    return read_encounter(resource, strict=call.asked.strict)


def _site(directory: Directory, call: Call, sent: Sent) -> Site:
    site = directory.sites.get(sent.ods_code)
    if site is None or site.organisation_code != call.client.organisation_code:
        raise Refused(NOT_ALLOWED, "Encounter.serviceProvider must be a site of the client's own organisation.")
    return site


async def _held(parts: Parts, call: Call) -> Held:
    """The encounter of the address. Raises Refused (404) where there is none, or it is another organisation's."""
    try:
        encounter_id = UUID(call.id)
    except ValueError:
        raise _not_here() from None
    async with parts.database.transaction() as transaction:
        held = await find_encounter(transaction, encounter_id, call.client.organisation_code)
    if held is None or str(held.id) != call.id:
        raise _not_here()
    return held


def _not_here() -> Refused:
    return Refused(NOT_FOUND, "There is no such encounter, or it is over and its time to be kept has passed. POST it again.")


def _check_same(sent: Sent, held: Held, site: Site) -> None:
    """What an encounter is cannot be changed by a PUT: it would be another one."""
    if sent.ods_code != held.site:
        raise bad("value", "Encounter.serviceProvider", "An encounter stays at its site: finish this one, and POST another.")
    if sent.visit_number != held.reference:
        raise bad("value", "Encounter.identifier", "The visit number must be the one that the encounter was recorded with.")
    if (sent.test or not site.is_live) != held.test:
        raise bad("value", "Encounter.meta.security", "A test stays a test, and an encounter stays one.")


def _to_check(call: Call, sent: Sent, site: Site) -> Check:
    """All that the Encounter says by itself; which event it is, `_record` knows."""
    client, asked = call.client, call.asked
    content = sha256(b"\n".join((call.method.encode(), call.id.encode(), call.body))).digest()
    return Check(
        actor=Actor(ActorKind.SYSTEM, client.id, client.id, client.organisation_code, asked.user_role_id),
        purpose=Purpose.DIRECT_CARE,
        trigger=ARRIVAL,
        identity=sent.identity,
        site=site.ods_code,
        care_setting=decide_care_setting(site, *sent.codes),
        at=now(),
        visit_number=sent.visit_number,
        arrived_at=sent.started_at,
        test=sent.test or not site.is_live,
        silent=client.care is Care.SCHEDULED,
        message=MessageKey(f"FHIR {client.id}", site.ods_code, asked.request_id.lower(), content),
        request_id=asked.request_id,
        once=True,
    )


async def _record(parts: Parts, call: Call, sent: Sent, site: Site, asked: Check, held: Held | None) -> Answered:
    creates = call.method == "POST"
    trigger = trigger_event(sent.status, sent.encounter_class, held, creates=creates)
    setting = setting_of(call.client.care, asked.care_setting, sent.encounter_class, held)
    check = replace(
        asked,
        trigger=trigger,
        care_setting=setting,
        event_at=_event_at(sent, trigger, held, creates=creates),
        departed_at=_departed_at(sent, trigger, asked.at),
        left_before_seen=sent.left_before_seen,
        arrival_mode=sent.arrival_mode,
    )
    notes = notes_of(check, sent.status, held)
    manner = Manner(setting.is_unscheduled and not check.silent and not check.test, as_asked=True)
    shows_flags = permits(call.client.scopes, FLAG_SCOPE)
    check = replace(check, acknowledge=lambda outcome: to_kept(outcome, notes, manner, shows_flags=shows_flags))
    reply = await parts.desk.ask(check)
    assert check.message is not None
    async with parts.database.transaction() as transaction:
        recorded = await find_recorded(transaction, check.message)
    if recorded is None:
        raise could_not_check()
    if manner.unscheduled and _is_there(sent, trigger) and not reply.repeated:
        parts.on_attendance(site.ods_code, check.at)
    return await to_answered(parts, call, Recording(check, reply, recorded, site, manner, shows_flags=shows_flags))


def _is_there(sent: Sent, trigger: TriggerEvent) -> bool:
    """Whether it says that the patient is there. What is planned, over or cancelled tells nobody, and makes no feed live."""
    return sent.status != "finished" and trigger not in {TriggerEvent.PRE_ADMIT, TriggerEvent.CANCEL_ADMIT}


def _event_at(sent: Sent, trigger: TriggerEvent, held: Held | None, *, creates: bool) -> datetime | None:
    """What orders the events of a visit: when the sender last changed the Encounter; else, of an arrival, when it was; else now.

    An arrival after a cancelled one is now: whoever sends it again may mean that the patient is there after all. So is one of a
    visit whose first word was that it is over: nobody was told of it yet.
    """
    arrives = creates and trigger in {TriggerEvent.REGISTER, TriggerEvent.ADMIT}
    is_back = held is not None and (held.state is EncounterState.CANCELLED or held.was_over_at_once)
    return sent.last_updated or (sent.started_at if arrives and not is_back else None)


def _departed_at(sent: Sent, trigger: TriggerEvent, at: datetime) -> datetime | None:
    """The end of one that is finished; a time to come is nobody's leaving."""
    if sent.status != "finished":
        return None
    left = sent.ended_at if sent.ended_at and sent.ended_at <= at else None
    return left or (at if trigger is TriggerEvent.UPDATE else None)
