"""Agreements as data: who shares what with whom, why, by which right, and until when.

Information governance records and ends them on the page and by `nightlight authority agreement`; the conditions, `/ready` and the
notices ask for them. One that runs out alarms; it changes no answer about a child. Source: docs/facts.md, section 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from psycopg.rows import class_row

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput, NotFound
from runtime.audit import record_audit
from runtime.clock import england_day
from runtime.database import Connection

WARNED_BEFORE = timedelta(days=60)
LONGEST_TEXT = 2000


class AgreedWith(StrEnum):
    """Whose agreement it is: an organisation's holds for all its sites."""

    AUTHORITY = "authority"
    ORGANISATION = "organisation"


FIELDS = {
    "arrival": "when the child arrived and left",
    "site": "the name of the site",
    "care-setting": "the kind of service",
    "mode-of-arrival": "how the child came",
    "visit-number": "the hospital’s number of the visit",
    "local-number": "the hospital’s own number of the child",
}
"""What may leave besides that a child with a plan was seen, by code and in words."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is agreed. Days are calendar days in England; `ends` is the last one, None until somebody ends it."""

    party_kind: AgreedWith
    party_code: str
    title: str
    controllers: str
    processor: str
    purpose: str
    lawful_basis: str
    contact: str
    starts: date
    ends: date | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement as it is on record."""

    id: UUID
    party_kind: str
    party_code: str
    title: str
    controllers: str
    processor: str
    purpose: str
    lawful_basis: str
    fields: list[str]
    contact: str
    starts: date
    ends: date | None
    recorded_at: datetime
    recorded_by: str
    ended_on: date | None
    ended_by: str | None
    end_reason: str | None

    @property
    def last_day(self) -> date | None:
        """The last day on which it holds, or None where none is set."""
        days = [day for day in (self.ends, self.ended_on) if day is not None]
        return min(days) if days else None

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.starts <= day and (self.last_day is None or day <= self.last_day)

    @property
    def fields_in_words(self) -> tuple[str, ...]:
        """What may leave, in words."""
        return tuple(FIELDS.get(code, code) for code in self.fields)


@dataclass(frozen=True, slots=True)
class RunningOut:
    """A party whose last agreement ends within the time of warning, or has ended; nobody has recorded a later one."""

    party_kind: str
    party_code: str
    title: str
    last_day: date
    days_left: int
    """Days after today on which it still holds; below 0 once it has run out."""

    @property
    def sentence(self) -> str:
        """For `/ready` and a notice."""
        who = f"the agreement with {self.party_kind} {self.party_code}"
        if self.days_left < 0:
            return f"{who} has run out"
        return f"{who} runs out {'today' if self.days_left == 0 else f'in {self.days_left} days'}"


async def record_agreement(transaction: Connection, actor: Actor, terms: Terms) -> UUID:
    """Put an agreement on record. Returns its id. Raises NotFound (party), InvalidInput for what is missing or makes no sense."""
    _check(terms)
    await _check_party(transaction, terms.party_kind, terms.party_code)
    row = await (await transaction.execute(_RECORD, _values(actor, terms))).fetchone()
    assert row is not None
    await record_audit(
        transaction, actor, "agreement.record", "agreement", str(row[0]), party=f"{terms.party_kind.value} {terms.party_code}",
        starts=terms.starts.isoformat(), ends=terms.ends.isoformat() if terms.ends else None, fields=",".join(terms.fields),
    )  # fmt: skip
    return UUID(str(row[0]))


async def end_agreement(transaction: Connection, actor: Actor, agreement_id: UUID, last_day: date, reason: str) -> None:
    """End it earlier than was agreed. Raises NotFound, InvalidInput (no reason, a day before its first), Conflict."""
    if not reason.strip():
        raise InvalidInput("say why the agreement ends")
    cursor = await transaction.execute("SELECT starts, ended_on FROM agreements WHERE id = %s FOR UPDATE", (agreement_id,))
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("there is no such agreement")
    if row[1] is not None:
        raise Conflict(f"the agreement was ended already: its last day is {row[1]}")
    if last_day < row[0]:
        raise InvalidInput(f"the agreement starts on {row[0]}: its last day cannot be before that")
    await transaction.execute(
        "UPDATE agreements SET ended_on = %s, ended_by = %s, end_reason = %s WHERE id = %s",
        (last_day, actor.name, reason.strip()[:LONGEST_TEXT], agreement_id),
    )
    await record_audit(transaction, actor, "agreement.end", "agreement", str(agreement_id), last_day=last_day.isoformat())


async def list_agreements(
    transaction: Connection, party_kind: AgreedWith | None = None, party_code: str | None = None
) -> list[Agreement]:
    """All agreements, or those of one party; by party, the newest first."""
    cursor = transaction.cursor(row_factory=class_row(Agreement))
    await cursor.execute(
        """
        SELECT id, party_kind, party_code, title, controllers, processor, purpose, lawful_basis, fields, contact, starts, ends,
               recorded_at, recorded_by, ended_on, ended_by, end_reason
        FROM agreements
        WHERE (%(kind)s::text IS NULL OR party_kind = %(kind)s) AND (%(code)s::text IS NULL OR party_code = %(code)s)
        ORDER BY party_kind, party_code, starts DESC, id DESC
        """,
        {"kind": party_kind.value if party_kind else None, "code": party_code},
    )
    return await cursor.fetchall()


async def agreements_running_out(transaction: Connection, at: datetime) -> list[RunningOut]:
    """Whose agreements end within 60 days after the instant, or have ended, without a later one; the most urgent first.

    Only parties that are on trial, live or paused: with the others nothing is shared.
    """
    cursor = await transaction.execute(
        """
        SELECT 'authority', code FROM authorities WHERE state <> 'setting-up'
        UNION SELECT 'organisation', organisation_code FROM sites WHERE state <> 'setting-up'
        """
    )
    sharing = {(str(kind), str(code)) for kind, code in await cursor.fetchall()}
    agreements = [each for each in await list_agreements(transaction) if (each.party_kind, each.party_code) in sharing]
    return running_out(agreements, england_day(at))


def running_out(agreements: Sequence[Agreement], today: date) -> list[RunningOut]:
    """The same of agreements that were read. Pure."""
    latest: dict[tuple[str, str], Agreement] = {}
    for each in agreements:
        key = (each.party_kind, each.party_code)
        if each.starts <= today + WARNED_BEFORE and (key not in latest or _end(each) > _end(latest[key])):
            latest[key] = each
    found = [
        RunningOut(each.party_kind, each.party_code, each.title, each.last_day, (each.last_day - today).days)
        for each in latest.values()
        if each.last_day is not None and each.last_day <= today + WARNED_BEFORE
    ]
    return sorted(found, key=lambda each: (each.days_left, each.party_kind, each.party_code))


def _end(agreement: Agreement) -> date:
    return agreement.last_day or date.max


def _check(terms: Terms) -> None:
    texts = {
        "title": terms.title, "controllers": terms.controllers, "processor": terms.processor, "purpose": terms.purpose,
        "lawful basis": terms.lawful_basis, "contact for subject access": terms.contact,
    }  # fmt: skip
    for name, text in texts.items():
        if not text.strip():
            raise InvalidInput(f"an agreement needs its {name}")
        if len(text) > LONGEST_TEXT:
            raise InvalidInput(f"the {name} is longer than {LONGEST_TEXT} characters")
    if terms.ends is not None and terms.ends < terms.starts:
        raise InvalidInput("the agreement ends before it starts")
    unknown = [code for code in terms.fields if code not in FIELDS]
    if unknown:
        raise InvalidInput(f"{unknown[0]} is no field that may leave: choose {', '.join(FIELDS)}")


async def _check_party(transaction: Connection, kind: AgreedWith, code: str) -> None:
    cursor = await transaction.execute(
        """
        SELECT FROM authorities WHERE %(kind)s = 'authority' AND code = %(code)s
        UNION ALL SELECT FROM organisations WHERE %(kind)s = 'organisation' AND ods_code = %(code)s
        """,
        {"kind": kind.value, "code": code},
    )
    if cursor.rowcount == 0:
        raise NotFound(f"there is no {kind.value} {code}")


_RECORD = """
    INSERT INTO agreements (party_kind, party_code, title, controllers, processor, purpose, lawful_basis, fields, contact, starts,
                            ends, recorded_by)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id
"""


def _values(actor: Actor, terms: Terms) -> tuple[object, ...]:
    return (
        terms.party_kind.value, terms.party_code, terms.title.strip(), terms.controllers.strip(), terms.processor.strip(),
        terms.purpose.strip(), terms.lawful_basis.strip(), list(dict.fromkeys(terms.fields)), terms.contact.strip(), terms.starts,
        terms.ends, actor.name,
    )  # fmt: skip
