"""What was shown on cards in hospitals' EHRs, and what became of it: seen, followed, overridden. Nobody is named in any of it.

`fhir_adapter.cds_hooks` writes, at every card and with every feedback; `api.cards` and `/metrics` count, because a card that is
overridden day after day is one that nobody reads any more. Sources: CDS Hooks 2.0, "Feedback"; docs/facts.md, section 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from psycopg.rows import class_row

from domain.actor import Actor
from domain.errors import InvalidInput, NotFound
from runtime.audit import record_audit
from runtime.database import Connection, Database

COUNTED = timedelta(days=7)
"""What /metrics counts: cards of the last seven days."""


class Indicator(StrEnum):
    """How urgent a card is (CDS Hooks 2.0, "Card Attributes")."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class OverrideReason(StrEnum):
    """Why a clinician put a card aside. *Ours*: the standard prescribes no reasons."""

    ALREADY_ACTED = "already-acted"
    COLLEAGUE_IS_ACTING = "colleague-is-acting"
    NOT_TREATING = "not-treating"
    NOT_THIS_PATIENT = "not-this-patient"
    OTHER = "other"

    @property
    def words(self) -> str:
        """As the clinician chooses it."""
        return _WORDS[self]


_WORDS = {
    OverrideReason.ALREADY_ACTED: "I have acted on this already",
    OverrideReason.COLLEAGUE_IS_ACTING: "A colleague is acting on this",
    OverrideReason.NOT_TREATING: "I am not treating this patient now",
    OverrideReason.NOT_THIS_PATIENT: "This is not about this patient",
    OverrideReason.OTHER: "Another reason",
}


class CardOutcome(StrEnum):
    """What a clinician did with a card."""

    FOLLOWED = "followed"
    OVERRIDDEN = "overridden"


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A card as it is remembered. `instance` is the call that it answers (hookInstance)."""

    id: UUID
    client: str
    service: str
    instance: str
    indicator: Indicator
    site: str
    encounter_id: UUID | None
    shown_at: datetime


@dataclass(frozen=True, slots=True)
class CardFeedback:
    """What an EHR says of one card."""

    card: UUID
    outcome: CardOutcome
    reason: OverrideReason | None
    said_at: datetime


async def remember_card(database: Database, card: ShownCard) -> UUID:
    """Write down that a card is shown, and give its id: that of the first where the same call comes again.

    Raises CouldNotReachStore.
    """
    async with database.single() as connection:
        cursor = await connection.execute(
            """
            INSERT INTO cards (id, client, service, instance, indicator, site, encounter_id, shown_at)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (client, instance, service, indicator) DO UPDATE SET shown_at = cards.shown_at
            RETURNING id
            """,
            (card.id, card.client, card.service, card.instance, card.indicator, card.site, card.encounter_id, card.shown_at),
        )
        row = await cursor.fetchone()
    assert row is not None
    return UUID(str(row[0]))


async def record_feedback(transaction: Connection, actor: Actor, client: str, service: str, said: Sequence[CardFeedback]) -> None:
    """Write down what became of cards, each with its audit event; what was said before is not written again.

    Raises NotFound where a card was never shown to this client by this service, InvalidInput where a critical one is overridden
    without a reason. Then nothing of it may be committed.
    """
    cursor = await transaction.execute(
        "SELECT id, indicator FROM cards WHERE id = ANY(%s) AND client = %s AND service = %s",
        ([each.card for each in said], client, service),
    )
    indicators = {UUID(str(card)): indicator for card, indicator in await cursor.fetchall()}
    for each in said:
        if each.card not in indicators:
            raise NotFound("no such card was shown")
        if each.outcome is CardOutcome.OVERRIDDEN and each.reason is None and indicators[each.card] == Indicator.CRITICAL:
            raise InvalidInput("a critical card is overridden with one of its reasons only")
        reason = each.reason or ""
        added = await transaction.execute(
            "INSERT INTO card_outcomes (card, outcome, reason, said_at) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (each.card, each.outcome, reason, each.said_at),
        )
        if added.rowcount:
            await record_audit(
                transaction, actor, f"card.{each.outcome}", "card", str(each.card), service=service, reason=reason or None,
                indicator=indicators[each.card],
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CardCount:
    """A site's cards of one week (its Monday): how many were shown, followed, overridden, and overridden for each reason.

    `without_reason` were overridden and nobody said why. `not_answered` are neither followed nor overridden: EHRs don't tell
    whether anybody has read them.
    """

    site: str
    site_name: str
    week: date
    seen: int
    critical: int
    followed: int
    overridden: int
    reasons: dict[str, int]

    @property
    def not_answered(self) -> int:
        """Neither followed nor overridden."""
        return max(0, self.seen - self.followed - self.overridden)

    def because(self, reason: str) -> int:
        """How many were overridden for a reason (its code); for the empty one, without any."""
        return self.reasons.get(reason, 0)


async def count_cards(transaction: Connection, since: datetime, organisation: str | None = None) -> list[CardCount]:
    """Cards by site and week since an instant, the newest week first: of one organisation's sites, or of all."""
    cursor = transaction.cursor(row_factory=class_row(CardCount))
    await cursor.execute(_COUNTS, {"since": since, "organisation": organisation})
    return await cursor.fetchall()


async def cards_viewed(transaction: Connection, actor: Actor, since: datetime, organisation: str | None = None) -> list[CardCount]:
    """The same for a person to read. Viewing is audited."""
    rows = await count_cards(transaction, since, organisation)
    await record_audit(transaction, actor, "cards.view", "organisation", organisation or "all", rows=len(rows))
    return rows


async def count_lately(transaction: Connection) -> dict[tuple[str, str, str], int]:
    """How many cards of the last seven days were shown and what became of them: by site, outcome ("seen" too) and reason."""
    cursor = await transaction.execute(_LATELY, {"life": COUNTED})
    return {(site, outcome, reason): count for site, outcome, reason, count in await cursor.fetchall()}


_COUNTS = """
    WITH shown AS (
        SELECT id, site, indicator, date_trunc('week', shown_at AT TIME ZONE 'Europe/London')::date AS week
        FROM cards
        WHERE shown_at >= %(since)s
          AND (%(organisation)s::text IS NULL
               OR site IN (SELECT ods_code FROM sites WHERE organisation_code = %(organisation)s))
    ), counted AS (
        SELECT site, week, count(*) AS seen, count(*) FILTER (WHERE indicator = 'critical') AS critical,
               count(*) FILTER (WHERE EXISTS (SELECT FROM card_outcomes o WHERE o.card = shown.id AND o.outcome = 'followed'))
                   AS followed,
               count(*) FILTER (WHERE EXISTS (SELECT FROM card_outcomes o WHERE o.card = shown.id AND o.outcome = 'overridden'))
                   AS overridden
        FROM shown GROUP BY site, week
    ), given AS (
        SELECT site, week, jsonb_object_agg(reason, cards) AS reasons
        FROM (SELECT s.site, s.week, o.reason, count(*) AS cards FROM shown s
              JOIN card_outcomes o ON o.card = s.id AND o.outcome = 'overridden' GROUP BY s.site, s.week, o.reason) AS each
        GROUP BY site, week
    )
    SELECT c.site, s.name AS site_name, c.week, c.seen, c.critical, c.followed, c.overridden,
           coalesce(g.reasons, '{}') AS reasons
    FROM counted c JOIN sites s ON s.ods_code = c.site LEFT JOIN given g ON g.site = c.site AND g.week = c.week
    ORDER BY c.week DESC, s.name, c.site
"""
_LATELY = """
    SELECT site, 'seen' AS outcome, '' AS reason, count(*) FROM cards WHERE shown_at >= now() - %(life)s GROUP BY site
    UNION ALL
    SELECT c.site, o.outcome, o.reason, count(*) FROM cards c JOIN card_outcomes o ON o.card = c.id
    WHERE c.shown_at >= now() - %(life)s GROUP BY c.site, o.outcome, o.reason
"""
ERASE_OLD_CARDS = """
    DELETE FROM cards WHERE id IN (SELECT id FROM cards WHERE shown_at < now() - %s::interval ORDER BY shown_at LIMIT %s)
"""
"""For housekeeping, with `CARD_LIFE`, a batch at a time."""
