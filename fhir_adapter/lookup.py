"""A lookup: a search that was understood becomes a question to the desk, and its answer becomes a Bundle.

`app` calls it for an admitted client, `reads` looks by it. The desk commits, with the audit of the look, before anything is
rendered. Sources: docs/architecture.md ("A lookup") and docs/integration/fhir.md; CP-IS access history.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from uuid import UUID

from domain.actor import Actor, ActorKind, Purpose
from domain.answer import CouldNotCheck, Flagged, NoneKnown, ShownFlag
from domain.encounter import Identity, TriggerEvent
from domain.nhs_number import NhsNumber
from fhir_adapter.care import Manner, choose_site, decide_manner, setting_of_look
from fhir_adapter.errors import INVALID_SEARCH, NOT_ALLOWED, Refused, could_not_check
from fhir_adapter.exchange import Answered, Call, Parts
from fhir_adapter.narrowing import narrow
from fhir_adapter.resources import Team
from fhir_adapter.search import Search, parse_search
from fhir_adapter.searchset import Surroundings, to_searchset
from runtime.clock import ENGLAND, england_day, now
from safeguarding.check import Check
from safeguarding.contacts import duty_team, ring_instead
from safeguarding.directory import Directory, Site
from safeguarding.known_ids import last_changes


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a client looks from, and how the look is taken."""

    organisation_code: str
    site: Site
    manner: Manner


async def search_flags(parts: Parts, call: Call) -> Answered:
    """The Bundle that answers a search of Flag or CareTeam.

    Raises Refused where the client may not look from there or the number cannot be checked, DeskFull and
    CouldNotReachStore where nobody can tell now.
    """
    search = parse_search(call.interaction.resource, call.pairs, strict=call.asked.strict)
    self_link = search.link(parts.base_url, by_post=call.method == "POST")
    answer, around = await look(parts, call, await origin_of(parts, call), search.number, self_link)
    if search.filters or search.count:
        answer, around = await _narrowed(parts, call, search, answer, around)
    if search.is_shaped:
        around = replace(around, shape=search.shape)
    return Answered(to_searchset(search.resource, answer, around))


async def origin_of(parts: Parts, call: Call) -> Origin:
    """Where the client looks from. Raises Refused (403) for an authority's system, and for a site that is not its own."""
    client, asked = call.client, call.asked
    if not client.organisation_code:
        raise Refused(NOT_ALLOWED, "Flags are for those who give care: this client belongs to a local authority.")
    site = choose_site(await parts.directory.current(), client.organisation_code, asked.organisation)
    return Origin(client.organisation_code, site, decide_manner(client.care, asked.unscheduled, site.setting))


async def look(
    parts: Parts, call: Call, origin: Origin, number: NhsNumber, self_link: str = ""
) -> tuple[Flagged | NoneKnown, Surroundings]:
    """Ask the desk about one number: its answer, and what is needed to render that. Raises as `search_flags` does."""
    client, asked, site = call.client, call.asked, origin.site
    check = Check(
        actor=Actor(ActorKind.SYSTEM, client.id, client.id, origin.organisation_code, asked.user_role_id),
        purpose=Purpose.DIRECT_CARE,
        trigger=TriggerEvent.READ if call.interaction.code == "read" else TriggerEvent.LOOKUP,
        identity=Identity(number),
        site=site.ods_code,
        care_setting=setting_of_look(site, origin.manner),
        at=now(),
        silent=not origin.manner.unscheduled,
        request_id=asked.request_id,
        once=True,
    )
    answer = (await parts.desk.ask(check)).outcome
    if isinstance(answer, CouldNotCheck):
        raise Refused(INVALID_SEARCH, answer.reason.words)
    if not isinstance(answer, Flagged | NoneKnown):
        raise could_not_check()
    held = answer.flags if isinstance(answer, Flagged) else ()
    teams = teams_of(await parts.directory.current(), held, check.at)
    return answer, Surroundings(teams, ring_instead(site), origin.manner, parts.base_url, self_link, check.at)


async def changes_of(parts: Parts, answer: Flagged | NoneKnown, at: datetime) -> Mapping[UUID, datetime]:
    """When what is held of each person in an answer last changed: a plan may end, or stop being shown, with any new day."""
    if not isinstance(answer, Flagged):
        return {}
    new_day = datetime.combine(england_day(at), time(), ENGLAND)
    changes = await last_changes(parts.database, {shown.flag.person_id for shown in answer.flags})
    return {person: max(changed, new_day).astimezone(at.tzinfo) for person, changed in changes.items()}


async def _narrowed(
    parts: Parts, call: Call, search: Search, answer: Flagged | NoneKnown, around: Surroundings
) -> tuple[Flagged | NoneKnown, Surroundings]:
    if search.asks_when_updated:
        around = replace(around, updated=await changes_of(parts, answer, around.at))
    narrowed = narrow(search, answer, around)
    link = search.link(parts.base_url, by_post=call.method == "POST", leaving_out=narrowed.not_applied)
    return narrowed.answer, replace(around, self_link=link, notes=narrowed.notes)


def teams_of(directory: Directory, held: Iterable[ShownFlag], at: datetime) -> dict[str, Team]:
    """Who is behind each authority's code of these flags, and who of them is on duty at that hour."""
    teams = {}
    for code in dict.fromkeys(shown.flag.authority_code for shown in held):
        authority = directory.authorities[code]
        teams[code] = Team(
            code, authority.name, authority.office_phone, authority.emergency_phone, duty_team(directory, code, at).is_office
        )
    return teams
