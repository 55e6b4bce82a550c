"""What is held, as England's profiles have it: one Flag for a person, one CarePlan and one CareTeam for each plan. Pure.

`searchset` puts them into Bundles. A sensitive person's are masked: the kind stays, who and when are held back.
Sources: Patient Flag guide (England-Flag-PatientFlag and its kin); CP-IS FHIR guides, "Data mapping"; docs/facts.md, section 3.
"""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID, uuid5

from domain.answer import ShownFlag
from domain.flag import DISPLAY, SNOMED, Flag, Standing
from domain.nhs_number import NhsNumber
from fhir_adapter.codes import (
    CARE_PLAN_PROFILE,
    CARE_TEAM_PROFILE,
    DATA_OPERATION,
    FLAG_CATEGORY,
    FLAG_CODE,
    FLAG_CODE_DISPLAY,
    FLAG_DETAIL,
    FLAG_PROFILE,
    MASKED,
    NHS_NUMBER,
    PROVENANCE_PROFILE,
    REDACTED,
    RESTRICTED,
    SNOMED_CT,
    URI,
    Json,
    coding,
)
from safeguarding.plan_words import doubt_notes, match_words, missing_notes, missing_words

WITHHELD = "Withheld"
_ENDED_FOR_AGE = "Ended for age: the 18th birthday has passed."


@dataclass(frozen=True, slots=True)
class Team:
    """The social care team behind a plan. `office_is_open` says which of its phones to ring at this hour."""

    code: str
    name: str
    office_phone: str
    emergency_phone: str
    office_is_open: bool

    @property
    def display(self) -> str:
        """As CareTeam.name has it."""
        return f"{self.code} - {self.name}"


def flag_id(flag: Flag) -> UUID:
    """The id of the person's Flag. A newborn's is its own, and leads to nobody: its mother's would lead to her."""
    return uuid5(flag.person_id, flag.subject_number) if flag.is_of_mother else flag.person_id


def plan_id(flag: Flag) -> UUID:
    """The id of the plan's CarePlan and CareTeam; a newborn's as `flag_id` has it."""
    return uuid5(flag.id, flag.subject_number) if flag.is_of_mother else flag.id


def to_flag(held: Sequence[ShownFlag], teams: Mapping[str, Team], updated: datetime | None = None) -> Json:
    """One person's Flag, pointing to each plan. Its id is the person's, its period spans the plans."""
    flags = [shown.flag for shown in held]
    sensitive = any(flag.sensitive for flag in flags)
    is_open = any(shown.standing is Standing.OPEN for shown in held)
    last_days = [_last_day(shown) for shown in held]
    resource: Json = {
        "resourceType": "Flag",
        "id": (own_id := flag_id(flags[0])),
        "meta": _meta(FLAG_PROFILE, updated, sensitive=sensitive),
        "extension": [
            {
                "url": FLAG_DETAIL,
                "valueReference": {"reference": f"CarePlan/{plan_id(flag)}", "display": DISPLAY[flag.kind]},
            }
            for flag in flags
        ],
        "identifier": _identifier(own_id),
        "status": "active" if is_open else "inactive",
        "code": {"coding": [coding(FLAG_CATEGORY, FLAG_CODE, FLAG_CODE_DISPLAY)]},
        "subject": _subject(flags[0].subject_number),
        "period": MASKED if sensitive else _period(min(flag.start_date for flag in flags), _latest(last_days)),
    }
    if not sensitive:
        resource["contained"] = [_provenance(flags, teams)]
    if said := (*doubt_notes(held), *missing_notes(held, {code: team.name for code, team in teams.items()})):
        resource["text"] = _narrative(said)
    return resource


def _narrative(sentences: Sequence[str]) -> Json:
    """What no element of a Flag can say: read by itself, it has no other place for it."""
    paragraphs = "".join(f"<p>{html.escape(words)}</p>" for words in sentences)
    return {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{paragraphs}</div>'}


def to_care_plan(shown: ShownFlag, team: Team, updated: datetime | None = None) -> Json:
    """One plan: its kind, whether it is open, from when to when, and whose it is. `updated` is when that last changed."""
    flag = shown.flag
    resource: Json = {
        "resourceType": "CarePlan",
        "id": (own_id := plan_id(flag)),
        "meta": _meta(CARE_PLAN_PROFILE, updated, sensitive=flag.sensitive),
        "identifier": _identifier(own_id),
        "status": "active" if shown.standing is Standing.OPEN else "completed",
        "intent": "plan",
        "category": [_kind(flag)],
        "subject": _subject(flag.subject_number),
        "period": _plan_period(shown),
        "careTeam": [{"reference": f"CareTeam/{own_id}", "display": WITHHELD if flag.sensitive else team.display}],
    }
    if notes := list(_notes(shown, team)):
        resource["note"] = [{"text": words} for words in notes]
    return resource


def _notes(shown: ShownFlag, team: Team) -> Iterator[str]:
    if shown.ended_for_age and not shown.flag.sensitive:
        yield _ENDED_FOR_AGE
    if words := match_words(shown.flag):
        yield words
    if shown.flag.is_missing:
        yield missing_words(shown.flag, team.name)


def to_care_team(shown: ShownFlag, team: Team, ring_instead: str) -> Json:
    """Who to ring about one plan; where that is withheld, `ring_instead` says what to do."""
    flag = shown.flag
    resource: Json = {
        "resourceType": "CareTeam",
        "id": (own_id := plan_id(flag)),
        "meta": _meta(CARE_TEAM_PROFILE, None, sensitive=flag.sensitive),
        "identifier": _identifier(own_id),
        "status": "active" if shown.standing is Standing.OPEN else "inactive",
        "category": [_kind(flag)],
        "name": WITHHELD if flag.sensitive else team.display,
        "subject": _subject(flag.subject_number),
        "period": _plan_period(shown),
        "telecom": [MASKED] if flag.sensitive else _telecom(team),
    }
    if flag.sensitive:
        resource["note"] = [{"text": ring_instead}]
    return resource


def _telecom(team: Team) -> list[Json]:
    """Both phones; the one to ring at this hour has rank 1."""
    ranks = (1, 2) if team.office_is_open else (2, 1)
    return [
        {"system": "phone", "value": team.office_phone, "use": "work", "rank": ranks[0]},
        {"system": "phone", "value": team.emergency_phone, "use": "mobile", "rank": ranks[1]},
    ]


def _provenance(flags: Sequence[Flag], teams: Mapping[str, Team]) -> Json:
    codes = dict.fromkeys(flag.authority_code for flag in flags)
    return {
        "resourceType": "Provenance",
        "id": "provenance",
        "meta": {"profile": [PROVENANCE_PROFILE]},
        "target": [{"reference": "#"}],
        "recorded": max(flag.last_confirmed_at for flag in flags),
        "activity": {"coding": [coding(DATA_OPERATION, "UPDATE", "revise")]},
        "agent": [
            {
                "who": {"type": "Practitioner", "display": f"Social care team of {teams[code].name}"},
                "onBehalfOf": {"type": "Organization", "display": teams[code].display},
            }
            for code in codes
        ],
    }


def _meta(profile: str, updated: datetime | None, *, sensitive: bool) -> Json:
    if sensitive:  # since when it says so is held back, too
        return {"profile": [profile], "security": [RESTRICTED, REDACTED]}
    return {"lastUpdated": updated, "profile": [profile]} if updated else {"profile": [profile]}


def _identifier(own_id: UUID) -> list[Json]:
    return [{"system": URI, "value": f"urn:uuid:{own_id}"}]


def _subject(number: NhsNumber) -> Json:
    return {"type": "Patient", "identifier": {"system": NHS_NUMBER, "value": number}}


def _kind(flag: Flag) -> Json:
    return {"coding": [coding(SNOMED_CT, SNOMED[flag.kind], DISPLAY[flag.kind])]}


def _plan_period(shown: ShownFlag) -> Json:
    return MASKED if shown.flag.sensitive else _period(shown.flag.start_date, _last_day(shown))


def _last_day(shown: ShownFlag) -> date | None:
    """The day on which it ended, or will by the authority's word; a day that only a rule knows is no date of the plan."""
    return shown.flag.end_date if shown.standing is Standing.OPEN else shown.flag.last_open_day()


def _period(start: date, end: date | None) -> Json:
    return {"start": start, "end": end} if end else {"start": start}


def _latest(days: Iterable[date | None]) -> date | None:
    known = list(days)
    return None if None in known else max(day for day in known if day)
