"""What an authority reads of an alert is what was agreed: the rest names the organisation, and when the alert was raised."""

from datetime import timedelta
from typing import Any

import pytest

from domain.actor import Actor, ActorKind
from domain.care_setting import CareSetting
from domain.encounter import TriggerEvent
from safeguarding.onboarding.agreements import FIELDS, AgreedWith, record_agreement
from safeguarding.telling.worklist import rest_of_thread, waiting_at, worklist
from safeguarding.views import AlertRow, alert_of_authority
from tests.conftest import FreshDatabase
from tests.safeguarding.house import SEEN_AT, House
from tests.safeguarding.onboarding.road import IGGY, make_production, terms

SOCIAL_WORKER = Actor(ActorKind.PERSON, "sub-sofia", "Sofia Lind", "301", "social-worker")
MODE = {"arrival_mode": "A", "local": "633"}


async def seen(house: House, *fields: str, **changes: Any) -> AlertRow:
    """The alert of a child who came at 14:00 by ambulance and left at 14:40; both parties have agreed on these fields."""
    await house.flag()
    await house.ask(minutes=2, arrived_at=SEEN_AT, **MODE)
    await house.ask(trigger=TriggerEvent.DISCHARGE, minutes=40, **changes)
    for kind, code in (
        (AgreedWith.AUTHORITY, "301"),
        (AgreedWith.ORGANISATION, await house.value("SELECT ods_code FROM organisations")),
    ):
        async with house.database.transaction() as transaction:
            await record_agreement(transaction, IGGY, terms(kind, code, fields=fields))
    return await read(house)


async def read(house: House) -> AlertRow:
    async with house.database.transaction() as transaction:
        [row] = await worklist(transaction, SOCIAL_WORKER, "301")
        alone = await alert_of_authority(transaction, SOCIAL_WORKER, "301", row.id)
        assert (alone, await rest_of_thread(transaction, row)) == (row, [])
    return row


SHOWN: dict[str, dict[str, Any]] = {
    "arrival": {"arrived_at": SEEN_AT},
    "site": {"site_name": "Site R0A01"},
    "care-setting": {"setting_words": "emergency department"},
    "mode-of-arrival": {"arrival_words": "by ambulance"},
    "visit-number": {"encounter_reference": "V1"},
    "local-number": {"local_number": "633"},
}


def test_every_field_is_tried() -> None:
    assert set(SHOWN) == set(FIELDS)


@pytest.mark.parametrize("agreed", [None, *FIELDS])
async def test_a_field_is_there_where_it_was_agreed_and_nowhere_else(house: House, agreed: str | None) -> None:
    row = await seen(house, *([agreed] if agreed else []))
    for field, values in SHOWN.items():
        for name, value in values.items():
            shown = getattr(row, name)
            assert (str(shown).casefold() == str(value).casefold()) == (field == agreed), name
    assert (row.departed_at is not None) == (agreed == "arrival")
    assert row.organisation_name in row.where_words or agreed == "site"
    assert row.encounter_state == "closed", "that the child left is told, and when the alert was raised"


async def test_a_production_store_without_agreements_tells_that_a_child_was_seen_and_by_whom(
    fresh_database: FreshDatabase, house: House
) -> None:
    await house.flag()
    await house.ask(minutes=2, arrived_at=SEEN_AT, **MODE)
    assert (await read(house)).site_name == "Site R0A01", "in a test store nobody need have agreed"
    make_production(fresh_database)
    row = await read(house)
    assert (row.where_words, row.arrived_at, row.encounter_reference) == ("Royal Amber", row.raised_at, "")
    async with house.database.transaction() as transaction:
        [waiting] = await waiting_at(transaction, SOCIAL_WORKER, "301")
    assert (waiting.site, waiting.site_name, waiting.care_setting, waiting.count) == ("", "", "", 1)


async def test_a_private_service_has_no_words_whatever_was_agreed(house: House) -> None:
    await house.flag()
    await house.ask()
    await house.ask(trigger=TriggerEvent.TRANSFER, care_setting=CareSetting.SEXUAL_HEALTH, minutes=5)
    row = await read(house)
    assert (row.where_words, row.is_waiting) == ("Site R0A01", True)


async def test_a_message_that_is_replayed_hours_later_still_alerts_and_says_how_late(house: House) -> None:
    await house.flag()
    reply = await house.ask(event_at=SEEN_AT, arrived_at=SEEN_AT, minutes=6 * 60)
    assert len(reply.alerts) == 1
    assert (await read(house)).late_by == timedelta(hours=6)
