"""Taking a party from one state to the next: refused with what is missing, confirmed by a second person, audited.

Commands and pages call `move`; in a test store it does at once what it is told, in a production store only what the conditions
allow. Source: docs/facts.md, section 4; docs/adr/0038-conditions-are-shown-and-checked.md.
"""

from enum import StrEnum

from domain.actor import Actor
from domain.errors import Conflict, NotFound
from flags_store.authorities import set_state
from runtime.audit import record_audit
from runtime.database import Connection
from safeguarding.onboarding.conditions import conditions, missing
from safeguarding.onboarding.facts import Asked, Facts
from safeguarding.onboarding.reading import read_facts
from safeguarding.onboarding.states import STEPS, Party, PartyKind, State, needs_second_person
from safeguarding.sites import set_site_state


class ConditionsMissing(Conflict):
    """A step whose conditions are not met; each that is missing stands in `missing`."""

    def __init__(self, party: Party, state: State, titles: tuple[str, ...]) -> None:
        self.missing = titles
        super().__init__(f"{party} cannot be {state.value} yet. Missing: {'; '.join(titles)}")


class Moved(StrEnum):
    """What became of a step."""

    DONE = "done"
    ASKED = "asked"


async def move(transaction: Connection, actor: Actor, party: Party, state: State) -> Moved:
    """Take the party to the state, or write down that it was asked for, where a second person must confirm.

    The same call by somebody else confirms. Raises NotFound, ConditionsMissing, Conflict (no such step, nothing to change, a second
    person is needed, another step was asked for).
    """
    await _lock(transaction, party)
    facts = await read_facts(transaction, party)
    if not facts.is_production:
        await _set(transaction, actor, party, state)
        return Moved.DONE
    _check_step(party, facts, state)
    if needs_second_person(facts.state, state) and not _is_confirmed(party, facts.asked, state, actor):
        await _ask(transaction, actor, party, state)
        return Moved.ASKED
    if facts.asked is not None:
        await _decide(transaction, actor, party, "confirmed" if facts.asked.state is state else "withdrawn")
    await _set(transaction, actor, party, state)
    return Moved.DONE


async def withdraw(transaction: Connection, actor: Actor, party: Party) -> None:
    """Take back what was asked for. Anybody may, whoever asked. Raises NotFound where nothing was."""
    await _lock(transaction, party)
    if (await read_facts(transaction, party)).asked is None:
        raise NotFound(f"nobody has asked for a step of {party}")
    await _decide(transaction, actor, party, "withdrawn")


def _check_step(party: Party, facts: Facts, state: State) -> None:
    if state is facts.state:
        raise Conflict(f"{party} is {state.value} already")
    if state not in STEPS[facts.state]:
        raise Conflict(
            f"{party} is {facts.state.value}: from there it can be {' or '.join(each.value for each in STEPS[facts.state])}"
        )
    lacking = missing(conditions(facts), state) if _goes_forward(facts.state, state) else ()
    if lacking:
        raise ConditionsMissing(party, state, tuple(each.title for each in lacking))


def _goes_forward(before: State, after: State) -> bool:
    """Whether more is shared after the step than before it: only then are there conditions."""
    return after is State.LIVE or (before is State.SETTING_UP and after is State.TRIAL)


def _is_confirmed(party: Party, asked: Asked | None, state: State, actor: Actor) -> bool:
    if asked is None:
        return False
    if asked.state is not state:
        raise Conflict(f"{asked.by_name} asked that {party} be {asked.state.value}: confirm that, or take it back first")
    if asked.by_id == actor.id:
        raise Conflict(f"you asked that {party} be {state.value}: somebody else must confirm it")
    return True


async def _lock(transaction: Connection, party: Party) -> None:
    """Two who move one party do so one after the other; the desk, which only points at it, waits for neither."""
    statement: bytes = (
        b"SELECT FROM authorities WHERE code = %s FOR NO KEY UPDATE"
        if party.kind is PartyKind.AUTHORITY
        else b"SELECT FROM sites WHERE ods_code = %s FOR NO KEY UPDATE"
    )
    await transaction.execute(statement, (party.code,))


async def _set(transaction: Connection, actor: Actor, party: Party, state: State) -> None:
    if party.kind is PartyKind.AUTHORITY:
        await set_state(transaction, actor, party.code, state.value)
    else:
        await set_site_state(transaction, actor, party.code, state.value)


async def _ask(transaction: Connection, actor: Actor, party: Party, state: State) -> None:
    await transaction.execute(
        "INSERT INTO state_requests (party_kind, party_code, state, asked_by, asked_name) VALUES (%s, %s, %s, %s, %s)",
        (party.kind.value, party.code, state.value, actor.id, actor.name),
    )
    await record_audit(transaction, actor, f"{party.kind.value}.ask", party.kind.value, party.code, state=state.value)


async def _decide(transaction: Connection, actor: Actor, party: Party, decision: str) -> None:
    await transaction.execute(
        """
        UPDATE state_requests SET decision = %s, decided_name = %s, decided_at = now()
        WHERE party_kind = %s AND party_code = %s AND decision IS NULL
        """,
        (decision, actor.name, party.kind.value, party.code),
    )
    await record_audit(transaction, actor, f"{party.kind.value}.{decision}", party.kind.value, party.code)
