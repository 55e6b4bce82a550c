"""The onboarding of authorities and sites: how each stands, the conditions with what to do, and the steps that two people take.

Information governance sees everybody; a data officer sees the own authority and no other. No patient is on these pages.
Source: docs/onboarding.md; docs/facts.md, section 4.
"""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from api.security import field, read_form
from api.services import Here, Services
from api.sessions import signed_in
from domain.actor import Role
from domain.errors import Conflict, InvalidInput, NightlightError, NotFound
from domain.flag import FlagKind
from runtime.clock import now
from runtime.database import Connection
from runtime.sessions import Session
from safeguarding.onboarding.agreements import RunningOut, agreements_running_out
from safeguarding.onboarding.checking import PhoneKind, agree_totals, record_phone_test
from safeguarding.onboarding.conditions import TWO_PEOPLE, Condition, conditions, missing
from safeguarding.onboarding.facts import AuthorityFacts, Facts
from safeguarding.onboarding.reading import read_authority_facts, read_facts, read_site_facts
from safeguarding.onboarding.states import MEANING, STEPS, Party, PartyKind, State, needs_second_person
from safeguarding.onboarding.steps import move, withdraw
from safeguarding.samples import overdue_samples

PLURALS = {PartyKind.AUTHORITY: "authorities", PartyKind.SITE: "sites"}
KINDS = {plural: kind for kind, plural in PLURALS.items()}
MOST_DIGITS = 6
TAGS = {State.SETTING_UP: "grey", State.TRIAL: "blue", State.LIVE: "green", State.PAUSED: "orange"}

router = APIRouter()
Steward = Annotated[Session, Depends(signed_in(Role.INFORMATION_GOVERNANCE, Role.DATA_OFFICER))]


@dataclass(frozen=True, slots=True)
class Step:
    """A step that may be asked for: where to, what it would mean, what it lacks, and whether somebody else must confirm."""

    state: State
    meaning: str
    missing: tuple[Condition, ...]
    needs_second: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A party as the pages show it."""

    party: Party
    facts: Facts
    conditions: tuple[Condition, ...]

    @property
    def path(self) -> str:
        """Its own page."""
        return f"/onboarding/{PLURALS[self.party.kind]}/{self.party.code}"

    @property
    def colour(self) -> str:
        """Of its state's tag."""
        return TAGS[self.facts.state]

    @property
    def meaning(self) -> str:
        """Of its state."""
        return MEANING[self.party.kind, self.facts.state]

    @property
    def to_do(self) -> tuple[Condition, ...]:
        """What going live still lacks."""
        return missing(self.conditions, State.LIVE)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Where it may go from here."""
        before, kind = self.facts.state, self.party.kind
        return tuple(
            Step(
                after, MEANING[kind, after],
                missing(self.conditions, after) if after is State.LIVE or before is State.SETTING_UP else (),
                self.facts.is_production and needs_second_person(before, after),
            )
            for after in STEPS[before]
        )  # fmt: skip


@router.get("/onboarding")
async def listed(request: Request, services: Here, session: Steward) -> Response:
    """Every party that the person may see."""
    async with services.database.transaction() as transaction:
        parties = await _theirs(transaction, session)
        alarms = await agreements_running_out(transaction, now())
        overdue = {each.authority_code: each for each in await overdue_samples(transaction, now())}
    governs = session.role is Role.INFORMATION_GOVERNANCE
    seen = {each.party.code for each in parties}
    return await services.pages.page(
        request, "onboarding.jinja", session, parties=parties, overdue=overdue, governs=governs,
        alarms=[each for each in alarms if governs or _is_about(each, seen)],
    )  # fmt: skip


def _is_about(alarm: RunningOut, codes: set[str]) -> bool:
    return alarm.party_kind == PartyKind.AUTHORITY.value and alarm.party_code in codes


async def _theirs(transaction: Connection, session: Session) -> list[Shown]:
    if session.role is Role.DATA_OFFICER:
        found: list[Facts] = [*await read_authority_facts(transaction, session.organisation)]
    else:
        found = [*await read_authority_facts(transaction), *await read_site_facts(transaction)]
    return [_shown(each) for each in found]


def _shown(facts: Facts) -> Shown:
    kind = PartyKind.AUTHORITY if isinstance(facts, AuthorityFacts) else PartyKind.SITE
    return Shown(Party(kind, facts.code), facts, conditions(facts))


@router.get("/onboarding/{plural}/{code}")
async def one(request: Request, services: Here, session: Steward, plural: str, code: str) -> Response:
    """One party with its conditions and steps."""
    return await _page(request, services, session, _party(session, plural, code))


@router.post("/onboarding/{plural}/{code}")
async def do(request: Request, services: Here, session: Steward, plural: str, code: str) -> Response:
    """Write down what was tried or compared, ask for a step or confirm it, or take back what was asked for."""
    party = _party(session, plural, code)
    form = await read_form(request, services, session)
    try:
        async with services.database.transaction() as transaction:
            await _do(transaction, session, party, form)
    except NotFound:
        raise
    except (Conflict, InvalidInput) as error:
        return await _page(request, services, session, party, form, error)
    return RedirectResponse(f"/onboarding/{plural}/{code}", 303)


def _party(session: Session, plural: str, code: str) -> Party:
    """The party of the address, if the person may see it. Raises NotFound."""
    kind = KINDS.get(plural)
    own = session.role is Role.INFORMATION_GOVERNANCE or (kind is PartyKind.AUTHORITY and code == session.organisation)
    if kind is None or not own or not code.isprintable():
        raise NotFound("there is no such party")
    return Party(kind, code)


async def _do(transaction: Connection, session: Session, party: Party, form: FormData) -> None:
    action, value = field(form, "action"), field(form, "value")
    if action == "rang" and value in set(PhoneKind):
        await record_phone_test(transaction, session.actor, party, PhoneKind(value))
    elif action == "totals" and party.kind is PartyKind.AUTHORITY:
        await agree_totals(transaction, session.actor, party.code, _counts(form))
    elif action == "move" and value in set(State):
        await move(transaction, session.actor, party, State(value))
    elif action == "withdraw":
        await withdraw(transaction, session.actor, party)
    else:
        raise InvalidInput("choose what to do")


def _counts(form: FormData) -> dict[FlagKind, int]:
    counts = {}
    for kind in FlagKind:
        text = field(form, kind.value).strip()
        if not text.isascii() or not text.isdigit() or len(text) > MOST_DIGITS:
            raise InvalidInput(f"enter how many open plans of kind {kind.value} your case system counts, 0 or more")
        counts[kind] = int(text)
    return counts


async def _page(
    request: Request,
    services: Services,
    session: Session,
    party: Party,
    form: FormData | None = None,
    error: NightlightError | None = None,
) -> Response:
    async with services.database.transaction() as transaction:
        shown = _shown(await read_facts(transaction, party))
    action = field(form, "action") if form else ""
    place = {"totals": "CPP", "rang": field(form, "value") if form else ""}.get(action, "steps")
    return await services.pages.page(
        request, "onboarding_party.jinja", session, 422 if error else 200, shown=shown, two_people=TWO_PEOPLE,
        phones=[each.value for each in PhoneKind], kinds=[each.value for each in FlagKind],
        given={kind.value: field(form, kind.value) for kind in FlagKind} if form else {},
        error={place: error.sentence} if error else None, failed=action, is_own=_is_own(shown, session),
    )  # fmt: skip


def _is_own(shown: Shown, session: Session) -> bool:
    """Whether the step that waits was asked for by this person, who cannot confirm it."""
    return shown.facts.asked is not None and shown.facts.asked.by_id == session.actor.id
