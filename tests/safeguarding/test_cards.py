"""What became of cards is counted by site and week of England: each card once, however much was said of it."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from domain.errors import InvalidInput, NotFound
from runtime.clock import now
from runtime.ids import uuid7
from safeguarding.cards import (
    ERASE_OLD_CARDS,
    CardCount,
    CardFeedback,
    CardOutcome,
    Indicator,
    OverrideReason,
    ShownCard,
    cards_viewed,
    count_cards,
    count_lately,
    record_feedback,
    remember_card,
)
from safeguarding.cds_clients import CdsClient, add_cds_client
from safeguarding.retention import CARD_LIFE
from tests.conftest import FreshDatabase
from tests.safeguarding.house import FEED, OPERATOR, House, open_house

EHR, SERVICE = "https://ehr.amber.example", "child-protection-patient-view"
SUNDAY_NIGHT = datetime(2026, 6, 28, 22, 30, tzinfo=UTC)  # 23:30 in England
MONDAY = SUNDAY_NIGHT + timedelta(hours=1)  # 00:30 in England


async def furnish(house: House) -> None:
    async with house.database.transaction() as transaction:
        await add_cds_client(transaction, OPERATOR, CdsClient(EHR, "R0A", key_set='{"keys": []}'))


async def shown(house: House, at: datetime, indicator: Indicator = Indicator.CRITICAL, site: str = "R0A01") -> UUID:
    card_id = uuid7()
    return await remember_card(house.database, ShownCard(card_id, EHR, SERVICE, str(card_id), indicator, site, None, at))


async def say(house: House, card: UUID, outcome: CardOutcome, reason: OverrideReason | None = None) -> None:
    async with house.database.transaction() as transaction:
        await record_feedback(transaction, FEED, EHR, SERVICE, [CardFeedback(card, outcome, reason, now())])


async def test_one_card_that_was_never_shown_spoils_what_came_with_it(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database.service_url) as house:
        await furnish(house)
        card = await shown(house, now())
        said = [CardFeedback(each, CardOutcome.FOLLOWED, None, now()) for each in (card, uuid7())]
        with pytest.raises(NotFound):
            async with house.database.transaction() as transaction:
                await record_feedback(transaction, FEED, EHR, SERVICE, said)
        with pytest.raises(InvalidInput):
            await say(house, card, CardOutcome.OVERRIDDEN)
        assert await house.rows("SELECT * FROM card_outcomes") == []
        assert await house.rows("SELECT * FROM audit_events WHERE subject_type = 'card'") == []


async def test_cards_are_counted_by_site_and_week_and_reason(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database.service_url) as house:
        await furnish(house)
        first, second = [await shown(house, SUNDAY_NIGHT) for _ in range(2)]
        third = await shown(house, MONDAY, Indicator.WARNING)
        await shown(house, MONDAY, site="R0A02")
        await say(house, first, CardOutcome.OVERRIDDEN, OverrideReason.ALREADY_ACTED)
        await say(house, first, CardOutcome.OVERRIDDEN, OverrideReason.OTHER)
        await say(house, second, CardOutcome.FOLLOWED)
        await say(house, third, CardOutcome.OVERRIDDEN)
        async with house.database.transaction() as transaction:
            rows = await count_cards(transaction, SUNDAY_NIGHT)
            assert await count_cards(transaction, SUNDAY_NIGHT, "R0B") == []
            assert [row.site for row in await count_cards(transaction, MONDAY, "R0A")] == ["R0A01", "R0A02"]
        before, week = date(2026, 6, 22), date(2026, 6, 29)
        assert rows == [
            CardCount("R0A01", "Site R0A01", week, 1, 0, 0, 1, {"": 1}),
            CardCount("R0A02", "Site R0A02", week, 1, 1, 0, 0, {}),
            CardCount("R0A01", "Site R0A01", before, 2, 2, 1, 1, {"already-acted": 1, "other": 1}),
        ]
        assert [row.not_answered for row in rows] == [0, 1, 0]


async def test_viewing_the_counts_is_audited(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database.service_url) as house:
        async with house.database.transaction() as transaction:
            await cards_viewed(transaction, OPERATOR, SUNDAY_NIGHT, "R0A")
        assert await house.rows("SELECT action, subject_id FROM audit_events WHERE action = 'cards.view'") == [
            ("cards.view", "R0A")
        ]


async def test_the_last_seven_days_are_counted_for_metrics_and_old_cards_are_erased(fresh_database: FreshDatabase) -> None:
    async with open_house(fresh_database.service_url) as house:
        await furnish(house)
        card = await shown(house, now())
        await shown(house, now() - timedelta(days=8))
        old = await shown(house, now() - CARD_LIFE - timedelta(days=1))
        await say(house, card, CardOutcome.OVERRIDDEN, OverrideReason.NOT_TREATING)
        await say(house, old, CardOutcome.FOLLOWED)
        async with house.database.transaction() as transaction:
            assert await count_lately(transaction) == {
                ("R0A01", "seen", ""): 1,
                ("R0A01", "overridden", "not-treating"): 1,
            }
            await transaction.execute(ERASE_OLD_CARDS, (CARD_LIFE, 100))
        assert await house.value("SELECT count(*) FROM cards") == 2
        assert await house.value("SELECT count(*) FROM card_outcomes") == 1
