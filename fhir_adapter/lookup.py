"""A lookup: a search that was understood becomes a question to the desk, and its answer becomes a Bundle.

`app` calls it for an admitted client. The desk commits, with the audit of the look, before anything is rendered.
Sources: docs/architecture.md ("A lookup") and docs/integration/fhir.md; CP-IS access history.
"""

from collections.abc import Iterable
from datetime import datetime

from domain.actor import Actor, ActorKind, Purpose
from domain.answer import CouldNotCheck, Flagged, NoneKnown, ShownFlag
from domain.encounter import Identity, TriggerEvent
from fhir_adapter.care import choose_site, decide_manner, setting_of_look
from fhir_adapter.errors import INVALID_SEARCH, Refused, could_not_check
from fhir_adapter.exchange import Answered, Call, Parts
from fhir_adapter.resources import Team
from fhir_adapter.search import parse_search
from fhir_adapter.searchset import Surroundings, to_searchset
from runtime.clock import now
from safeguarding.check import Check
from safeguarding.contacts import duty_team, ring_instead
from safeguarding.directory import Directory


async def search_flags(parts: Parts, call: Call) -> Answered:
    """The Bundle that answers a search of Flag or CareTeam.

    Raises Refused where the client may not look from there or the number cannot be checked, DeskFull and
    CouldNotReachStore where nobody can tell now.
    """
    client, asked = call.client, call.asked
    search = parse_search(call.interaction.resource, call.pairs, strict=asked.strict)
    self_link = search.link(parts.base_url, by_post=call.method == "POST")
    directory = await parts.directory.current()
    site = choose_site(directory, client.organisation_code, asked.organisation)
    manner = decide_manner(client.care, asked.unscheduled, site.setting)
    check = Check(
        actor=Actor(ActorKind.SYSTEM, client.id, client.id, client.organisation_code, asked.user_role_id),
        purpose=Purpose.DIRECT_CARE,
        trigger=TriggerEvent.LOOKUP,
        identity=Identity(search.number),
        site=site.ods_code,
        care_setting=setting_of_look(site, manner),
        at=now(),
        silent=not manner.unscheduled,
        request_id=asked.request_id,
    )
    answer = (await parts.desk.ask(check)).outcome
    if isinstance(answer, CouldNotCheck):
        raise Refused(INVALID_SEARCH, answer.reason.words)
    if not isinstance(answer, Flagged | NoneKnown):
        raise could_not_check()
    held = answer.flags if isinstance(answer, Flagged) else ()
    teams = _teams(await parts.directory.current(), held, check.at)
    around = Surroundings(teams, ring_instead(site), manner, parts.base_url, self_link, check.at)
    return Answered(to_searchset(search.resource, answer, around))


def _teams(directory: Directory, held: Iterable[ShownFlag], at: datetime) -> dict[str, Team]:
    teams = {}
    for code in dict.fromkeys(shown.flag.authority_code for shown in held):
        authority = directory.authorities[code]
        teams[code] = Team(
            code, authority.name, authority.office_phone, authority.emergency_phone, duty_team(authority, at).is_office
        )
    return teams
