"""A call of a service becomes a question to the desk, and its answer a card, which is remembered before it is shown.

`door` calls it for an admitted EHR. The same desk answers, audits and tells as for every other door. Where it takes too long the
card says "we could not check": a card is seen, an error seldom is. Source: docs/adr/0028-a-card-says-when-nobody-could-check.md.
"""

import asyncio
from datetime import datetime
from uuid import UUID

import psycopg

from domain.actor import Actor, ActorKind, Purpose
from domain.answer import Answer, Flagged, Recorded
from domain.errors import CouldNotReachStore
from fhir_adapter.care import choose_site
from fhir_adapter.cds_hooks.calls import Call
from fhir_adapter.cds_hooks.cards import NO_CARDS, to_card
from fhir_adapter.cds_hooks.errors import could_not_check
from fhir_adapter.cds_hooks.fetching import fetch_patient
from fhir_adapter.cds_hooks.parts import CdsParts
from fhir_adapter.cds_hooks.patients import Given, read_patient
from fhir_adapter.cds_hooks.services import Service
from fhir_adapter.cds_hooks.wording import TOO_SLOW, Worded, word_answer, word_unchecked
from fhir_adapter.codes import Json
from runtime.clock import england_day, now
from runtime.ids import uuid7
from runtime.logs import get_logger
from safeguarding.cards import ShownCard, remember_card
from safeguarding.cds_clients import CdsClient
from safeguarding.check import Check
from safeguarding.directory import Site
from safeguarding.telling.for_card import ToldOnCard, read_for_card

log = get_logger()


async def answer_call(parts: CdsParts, client: CdsClient, service: Service, call: Call, deadline: float) -> Json:
    """The cards. `deadline` is when to give up waiting for the desk, by the event loop's clock.

    Raises Refused where the patient cannot be had or the EHR's organisation has no site, DeskFull and CouldNotReachStore where
    nobody can tell now. What was asked goes on at the desk, whether or not it was waited for.
    """
    at = now()
    directory = await parts.directory.current()
    site = choose_site(directory, client.organisation_code, client.site)
    given = await _patient(parts, client, call, at)
    try:
        async with asyncio.timeout_at(deadline):
            outcome = (await parts.desk.ask(_to_check(client, service, call, site, given, at))).outcome
    except TimeoutError:
        log.warning("desk too slow", route=service.id)
        worded: Worded | None = word_unchecked(TOO_SLOW, directory, site, at)
    else:
        if isinstance(outcome, Recorded):
            raise could_not_check()
        directory = await parts.directory.current()  # the desk may have met an authority that was new
        told = await _told(parts, outcome, at)
        worded = word_answer(outcome, directory, site, at, info_card=client.info_card, problem=given.problem, told=told)
    if worded is None:
        return NO_CARDS
    card_id = await _remembered(parts, ShownCard(uuid7(), *_of_call(client, service, call), worded.indicator, site.ods_code,
                                                 worded.encounter_id, at))  # fmt: skip
    return {"cards": [to_card(worded, card_id, parts.link)]}


async def _told(parts: CdsParts, answer: Answer, at: datetime) -> ToldOnCard | None:
    """What became of the alerts; None where nobody is flagged, or where it cannot be read now: the card comes all the same."""
    if not isinstance(answer, Flagged):
        return None
    try:
        async with asyncio.timeout(parts.patience.remember), parts.database.transaction() as transaction:
            return await read_for_card(transaction, answer, at)
    except (TimeoutError, CouldNotReachStore, psycopg.Error) as error:
        log.warning("card without its alerts", error=type(error).__name__)
        return None


def actor_of(client: CdsClient, user: str = "") -> Actor:
    """The EHR, for whom it asks as its role."""
    return Actor(ActorKind.SYSTEM, client.issuer, client.issuer, client.organisation_code, user)


async def _patient(parts: CdsParts, client: CdsClient, call: Call, at: datetime) -> Given:
    resource = call.patient if call.patient is not None else await fetch_patient(parts, client, call)
    return read_patient(resource, call.patient_id, england_day(at))


def _to_check(client: CdsClient, service: Service, call: Call, site: Site, given: Given, at: datetime) -> Check:
    """A look tells only where the site's care is unscheduled and its own feed is not live; a start is an arrival."""
    return Check(
        actor=actor_of(client, call.user),
        purpose=Purpose.DIRECT_CARE,
        trigger=service.trigger,
        identity=given.identity,
        site=site.ods_code,
        care_setting=site.setting,
        at=at,
        visit_number=f"{client.issuer} {call.encounter_id}" if service.records else "",  # a FHIR id is its own server's alone
        joins=service.records,
        silent=not service.records and not site.setting.is_unscheduled,
        request_id=call.instance,
        once=True,
    )


def _of_call(client: CdsClient, service: Service, call: Call) -> tuple[str, str, str]:
    return client.issuer, service.id, call.instance


async def _remembered(parts: CdsParts, card: ShownCard) -> UUID | None:
    """The card's id; None where it could not be written down: it is shown all the same."""
    try:
        async with asyncio.timeout(parts.patience.remember):
            return await remember_card(parts.database, card)
    except (TimeoutError, CouldNotReachStore, psycopg.Error) as error:
        log.warning("card not remembered", error=type(error).__name__)
        return None
