"""What a person tries or compares for the onboarding, written down: a phone that was rung, control totals that agree.

Commands and pages call it; `reading` reads the newest of each, and it holds for the value that was tried alone.
Source: docs/facts.md, section 4 (tested phone numbers, agreed control totals).
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput
from domain.flag import FlagKind
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Connection
from safeguarding.onboarding.conditions import counts_in_words
from safeguarding.onboarding.facts import AuthorityFacts, Phone, SiteFacts
from safeguarding.onboarding.reading import read_facts
from safeguarding.onboarding.states import Party, PartyKind


class PhoneKind(StrEnum):
    """Which phone was rung."""

    OFFICE = "office-phone"
    EMERGENCY = "emergency-phone"
    SAFEGUARDING = "safeguarding-phone"

    @property
    def words(self) -> str:
        """As a person reads it."""
        return {
            "office-phone": "office phone", "emergency-phone": "emergency duty phone", "safeguarding-phone": "safeguarding phone",
        }[self.value]  # fmt: skip


class TotalsDiffer(Conflict):
    """The counts that were given are not those that are held; the sentence names each difference."""


async def record_phone_test(
    transaction: Connection, actor: Actor, party: Party, which: PhoneKind, rung_at: datetime | None = None
) -> str:
    """Write down that somebody rang the phone as it is set, and the team answered. Returns the number.

    Raises NotFound, InvalidInput where the party has no such phone, none is set, or the call lies in the future.
    """
    at = rung_at or now()
    if at.tzinfo is None or at > now():
        raise InvalidInput("a phone cannot have been rung in the future")
    phone = _phone(party, await read_facts(transaction, party), which)
    if not phone.number:
        raise InvalidInput(f"{party} has no {which.words}: set it first")
    await _write(transaction, actor, party, which.value, phone.number, at)
    return phone.number


async def agree_totals(
    transaction: Connection, actor: Actor, authority_code: str, counts: Mapping[FlagKind, int] | None = None
) -> str:
    """Write down that the authority's own count of its open plans is what is held; None takes what its newest extract declared.

    Returns the counts in words. Raises NotFound, InvalidInput without an extract or counts, TotalsDiffer where they differ.
    """
    party = Party(PartyKind.AUTHORITY, authority_code)
    facts = await read_facts(transaction, party)
    assert isinstance(facts, AuthorityFacts)
    if facts.extract is None:
        raise InvalidInput(f"{party} has loaded no extract: load one first, then compare")
    declared = facts.extract.declared if counts is None else {kind.value: count for kind, count in counts.items()}
    if not declared:
        raise InvalidInput("the newest extract declares no counts: give the authority's own, of every kind that it has")
    differing = [
        f"{kind.value}: the authority has {declared.get(kind.value, 0)}, here are {facts.held.get(kind.value, 0)}"
        for kind in FlagKind
        if declared.get(kind.value, 0) != facts.held.get(kind.value, 0)
    ]
    if differing:
        raise TotalsDiffer(f"the totals do not agree. {'; '.join(differing)}")
    words = counts_in_words(declared)
    await _write(transaction, actor, party, "control-totals", words, now(), facts.extract.id)
    return words


def _phone(party: Party, facts: AuthorityFacts | SiteFacts, which: PhoneKind) -> Phone:
    if isinstance(facts, SiteFacts):
        phones = {PhoneKind.SAFEGUARDING: facts.safeguarding_phone}
    else:
        phones = {PhoneKind.OFFICE: facts.office_phone, PhoneKind.EMERGENCY: facts.emergency_phone}
    if which not in phones:
        raise InvalidInput(f"{party} has no {which.words}: choose {' or '.join(phones)}")
    return phones[which]


async def _write(
    transaction: Connection, actor: Actor, party: Party, what: str, value: str, at: datetime, extract_id: UUID | None = None
) -> None:
    await transaction.execute(
        """
        INSERT INTO onboarding_checks (party_kind, party_code, what, value, extract_id, checked_at, checked_by)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        (party.kind.value, party.code, what, value, extract_id, at, actor.name),
    )
    await record_audit(
        transaction, actor, f"{party.kind.value}.{what}", party.kind.value, party.code, value=value, at=at.isoformat()
    )
