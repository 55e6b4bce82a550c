"""The desk's answer as a searchset Bundle: what matched, what comes with it, and how far the answer reaches. Pure.

`lookup` calls it after the commit; `app` writes it out. `total` counts matches alone, and 0 means "checked, none known".
Sources: FHIR R4 Bundle (searchset); Patient Flag guide (Flag, CarePlan and CareTeam in one Bundle); CP-IS (CareTeam).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from domain.answer import Caution, Flagged, NoneKnown, ShownFlag
from fhir_adapter.care import Manner
from fhir_adapter.codes import TEST_DATA, Json
from fhir_adapter.coverage import OutcomeEntries
from fhir_adapter.resources import Team, to_care_plan, to_care_team, to_flag
from fhir_adapter.summary import WHOLE, Shape
from runtime.ids import uuid7
from safeguarding.plan_words import missing_notes


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a Bundle needs beside the answer: who is behind each authority's code, whom to ring instead, and the links.

    `notes` are said in the outcome entry; `updated` is when what is held of each person last changed, where that was asked for.
    """

    teams: Mapping[str, Team]
    ring_instead: str
    manner: Manner
    base_url: str
    self_link: str
    at: datetime
    shape: Shape = WHOLE
    notes: tuple[str, ...] = ()
    updated: Mapping[UUID, datetime] = field(default_factory=dict)


def to_searchset(resource: str, answer: Flagged | NoneKnown, around: Surroundings) -> Json:
    """The Bundle for a search of Flag or of CareTeam."""
    held = answer.flags if isinstance(answer, Flagged) else ()
    matches = [_entry(each, "match", around) for each in render_matches(resource, held, around)]
    included = [_entry(each, "include", around) for each in _INCLUDED[resource](held, around)]
    shown = [] if around.shape.counts_only else [*matches, *included]
    withheld = any(shown.flag.sensitive for shown in held)
    notes = (*around.notes, *missing_notes(held, {code: team.name for code, team in around.teams.items()}))
    return {
        "resourceType": "Bundle",
        "id": uuid7(),
        **({"meta": {"security": [TEST_DATA]}} if Caution.TEST_STORE in answer.cautions else {}),
        "type": "searchset",
        "timestamp": around.at,
        "total": len(matches),
        "link": [{"relation": "self", "url": around.self_link}],
        "entry": [
            *shown,
            _outcomes.entry(answer.coverage, answer.cautions, around.manner, notes, withheld=withheld),
        ],
    }


def render_matches(resource: str, held: Sequence[ShownFlag], around: Surroundings) -> Iterator[Json]:
    """The resources that a search of Flag or of CareTeam is for."""
    return _MATCHES[resource](held, around)


def render_plan(resource: str, shown: ShownFlag, around: Surroundings) -> Json:
    """The CarePlan or the CareTeam of one plan."""
    team = around.teams[shown.flag.authority_code]
    if resource == "CareTeam":
        return to_care_team(shown, team, around.ring_instead)
    return to_care_plan(shown, team, around.updated.get(shown.flag.person_id))


def _entry(resource: Json, mode: str, around: Surroundings) -> Json:
    full_url = f"{around.base_url}/{resource['resourceType']}/{resource['id']}"
    if around.shape is not WHOLE:
        resource = around.shape.apply(resource, asked_for=mode == "match")
    return {"fullUrl": full_url, "resource": resource, "search": {"mode": mode}}


def _flags(held: Sequence[ShownFlag], around: Surroundings) -> Iterator[Json]:
    persons: dict[UUID, list[ShownFlag]] = {}
    for shown in held:
        persons.setdefault(shown.flag.person_id, []).append(shown)
    return (to_flag(plans, around.teams, around.updated.get(person)) for person, plans in persons.items())


def _care_plans_and_teams(held: Sequence[ShownFlag], around: Surroundings) -> Iterator[Json]:
    yield from (render_plan("CarePlan", shown, around) for shown in held)
    yield from _care_teams(held, around)


def _care_teams(held: Sequence[ShownFlag], around: Surroundings) -> Iterator[Json]:
    return (render_plan("CareTeam", shown, around) for shown in held)


def _nothing(held: Sequence[ShownFlag], around: Surroundings) -> Iterator[Json]:
    return iter(())


_outcomes = OutcomeEntries()
_Render = Callable[[Sequence[ShownFlag], Surroundings], Iterator[Json]]
_MATCHES: dict[str, _Render] = {"Flag": _flags, "CareTeam": _care_teams}
_INCLUDED: dict[str, _Render] = {"Flag": _care_plans_and_teams, "CareTeam": _nothing}
