"""A search of AuditEvent: one patient's shared history for everyone who may look, the whole trail for registered auditors.

`fhir_adapter.handlers` leads here. Whoever reads a history looks at the person: that goes through the desk, silently, so that it is
audited and knows "none known" from "could not check". Sources: docs/facts.md, sections 1 and 2; docs/integration/audit.md.
"""

from dataclasses import replace

from domain.actor import Actor, ActorKind, Purpose
from domain.answer import CouldNotCheck, Flagged, NoneKnown
from domain.encounter import Identity, TriggerEvent
from fhir_adapter.audit_events.bundles import to_history, to_trail
from fhir_adapter.audit_events.search import parse_history, parse_trail
from fhir_adapter.care import choose_site
from fhir_adapter.errors import INVALID_SEARCH, Refused, could_not_check
from fhir_adapter.exchange import Answered, Call, Parts
from runtime.clock import now
from safeguarding.access_history import shared_history
from safeguarding.check import Check
from safeguarding.trail import patient_of, search_trail


async def search_audit_events(parts: Parts, call: Call) -> Answered:
    """The Bundle that answers. Raises Refused, and DeskFull or CouldNotReachStore where nobody can tell now."""
    return await (_trail if call.client.auditor else _history)(parts, call)


async def _history(parts: Parts, call: Call) -> Answered:
    by_post = call.method == "POST"
    asked = parse_history(call.pairs, parts.base_url, by_post=by_post, strict=call.asked.strict)
    site = choose_site(await parts.directory.current(), call.client.organisation_code, call.asked.organisation)
    check = Check(
        actor=_actor(call),
        purpose=Purpose.DIRECT_CARE,
        trigger=TriggerEvent.LOOKUP,
        identity=Identity(asked.number),
        site=site.ods_code,
        care_setting=site.setting,
        at=now(),
        silent=True,
        request_id=call.asked.request_id,
        once=True,
    )
    answer = (await parts.desk.ask(check)).outcome
    if isinstance(answer, CouldNotCheck):
        raise Refused(INVALID_SEARCH, answer.reason.words)
    if not isinstance(answer, Flagged | NoneKnown):
        raise could_not_check()
    async with parts.database.transaction() as transaction:
        history = await shared_history(transaction, answer)
    return Answered(to_history(answer, history, asked, parts.base_url, check.at))


async def _trail(parts: Parts, call: Call) -> Answered:
    by_post = call.method == "POST"
    asked = parse_trail(call.pairs, parts.base_url, by_post=by_post, strict=call.asked.strict)
    async with parts.database.transaction() as transaction:
        if asked.number:
            patient = await patient_of(transaction, parts.key, asked.number)
            asked = replace(asked, search=replace(asked.search, patient=patient))
        page = await search_trail(transaction, _actor(call), asked.search, asked.count)
    is_test = not (await parts.directory.current()).is_production
    return Answered(to_trail(page, asked, parts.base_url, now(), is_test=is_test))


def _actor(call: Call) -> Actor:
    client = call.client
    organisation = client.organisation_code or client.authority_code or ""
    return Actor(ActorKind.SYSTEM, client.id, client.id, organisation, call.asked.user_role_id)
