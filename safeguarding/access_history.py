"""The shared access history: the 25 newest unscheduled looks at a person, for everyone who may look at the person at all.

`fhir_adapter.audit_events` and the banner (`api.banner`) call it after the desk has answered, with the persons of the answer; it
reads no flag. Sources: CP-IS access history (25 most recent unscheduled accesses); docs/facts.md, sections 1 and 2.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.actor import Actor, ActorKind
from domain.answer import Answer, Flagged
from domain.care_setting import CareSetting
from runtime.database import Transaction

MOST_SHARED = 25


@dataclass(frozen=True, slots=True)
class Access:
    """One look as it was written down. `number_hash` stands for a number that nobody had a flag for; `nhs_number` is the person's.

    `organisation_name` is empty where the actor's organisation is not known here by its code.
    """

    id: UUID
    occurred_at: datetime
    actor: Actor
    organisation_name: str
    person_id: UUID | None
    nhs_number: str | None
    number_hash: bytes | None
    purpose: str
    trigger_event: str
    care_setting: str
    in_history: bool
    encounter_id: UUID | None
    outcome: str
    request_id: str | None

    @property
    def organisation(self) -> str:
        """By name, else by code."""
        return self.organisation_name or self.actor.organisation

    @property
    def user_role_id(self) -> str:
        """The role profile (URID) of the user behind a system, where the system said one."""
        return self.actor.role if self.actor.kind is ActorKind.SYSTEM else ""

    @property
    def role_words(self) -> str:
        """The role of a person who acted; empty where nobody said it."""
        return "" if self.actor.kind is ActorKind.SYSTEM else self.actor.role.replace("-", " ")

    @property
    def setting_words(self) -> str:
        """The care setting in words."""
        return CareSetting(self.care_setting).words


ORGANISATION_NAME = """
    coalesce((SELECT o.name FROM organisations o WHERE o.ods_code = a.organisation),
             (SELECT s.name FROM sites s WHERE s.ods_code = a.organisation),
             (SELECT t.name FROM authorities t WHERE t.code = a.organisation), '')
"""
WHO = f" a.id, a.occurred_at, a.actor_kind, a.actor_id, a.actor_name, a.organisation, a.actor_role, {ORGANISATION_NAME}"
"""The columns that looks and changes share."""

COLUMNS = f"""{WHO},
    a.person_id, (SELECT p.nhs_number FROM persons p WHERE p.id = a.person_id), a.number_hash, a.purpose, a.trigger_event,
    a.care_setting, a.in_history, a.encounter_id, a.outcome, a.request_id
"""  # noqa: S608 (constants alone)
"""Of `accesses a`, in the order in which `to_access` takes them."""


def to_access(row: Iterable[Any]) -> Access:
    """An access from its row."""
    id_, at, kind, actor_id, name, organisation, role, *rest = row
    return Access(id_, at, Actor(ActorKind(kind), actor_id, name, organisation, role), *rest)


async def shared_history(transaction: Transaction, answer: Answer, limit: int = MOST_SHARED) -> list[Access]:
    """The looks that the desk's answer leads to, newest first: of everybody whom it flags, 25 at most together.

    Nobody flagged has no history. The same question is asked of the store whatever the answer, so that time tells nothing.
    """
    persons = list({shown.flag.person_id for shown in answer.flags}) if isinstance(answer, Flagged) else []
    rows = await transaction.execute(
        b"SELECT"
        + COLUMNS.encode()
        + b"""
        FROM accesses a WHERE a.person_id = ANY(%s::uuid[]) AND a.in_history
        ORDER BY a.occurred_at DESC, a.id DESC LIMIT %s
        """,
        (persons, min(limit, MOST_SHARED)),
    )
    return [to_access(row) for row in await rows.fetchall()]


def is_withheld(answer: Answer) -> bool:
    """Whether the list is held back: somebody whom it would be about is sensitive."""
    return isinstance(answer, Flagged) and any(shown.flag.sensitive for shown in answer.flags)
