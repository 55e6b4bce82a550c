"""A site's feed is live while it tells of somebody who is there, whom an authority hears of. Then a read alone tells nobody."""

from collections.abc import AsyncIterator

import pytest

from domain.encounter import TriggerEvent
from hl7_listener.answering import Answerer
from hl7_listener.sender import Sender
from nightlight.processes.common import SiteFeeds
from runtime.clock import now
from tests.conftest import FreshDatabase
from tests.hl7_listener.samples import adt, sample
from tests.safeguarding.house import OTHER_CHILD, UNKNOWN_CHILD, House, open_house

ENGINE = Sender("127.0.0.1")
LIVE = "SELECT last_attendance_at IS NOT NULL FROM site_feeds"


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(fresh_database.service_url) as house:
        yield house


async def hear(house: House, *messages: bytes) -> list[bool]:
    """Whether each site that was heard has a live feed, once these messages are answered and the next heartbeat is written."""
    feeds = SiteFeeds()
    answerer = Answerer(house.desk, house.directory, house.database, on_message=feeds.note)
    for message in messages:
        [frame] = (await answerer.answer(message, ENGINE)).frames
        assert b"|AA|" in frame, frame
    async with house.database.transaction() as transaction:
        await feeds.write(transaction)
    house.directory.forget()
    return [live for (live,) in await house.rows(LIVE)]


def outpatient() -> bytes:
    return adt("PID|1||9990000018^^^NHS^NH", "PV1|1|O|||||||||||||||||V7", event="A04")


async def set_to_clinic(house: House) -> None:
    await house.rows("UPDATE sites SET setting = 'outpatient' RETURNING 1")
    house.directory.forget()


@pytest.mark.parametrize("name", ["a03_left_before_seen", "a11_cancel_admit", "a05_preadmission", "a31_update_person"])
async def test_what_no_authority_hears_of_makes_no_feed_live(house: House, name: str) -> None:
    assert await hear(house, sample(name)) == [False]


async def test_a_test_message_and_a_repeat_make_no_feed_live(house: House) -> None:
    assert await hear(house, sample("a04_emergency").replace(b"|P|2.4", b"|T|2.4")) == []
    await hear(house, sample("a04_emergency"))
    await house.rows("DELETE FROM site_feeds RETURNING 1")
    assert await hear(house, sample("a04_emergency")) == [False]


async def test_a_clinics_feed_is_not_live(house: House) -> None:
    await set_to_clinic(house)
    assert await hear(house, outpatient()) == [False]


async def test_an_attendance_makes_the_feed_live_and_a_read_alone_tells_nobody(house: House) -> None:
    await house.flag(OTHER_CHILD)
    look = {"trigger": TriggerEvent.LOOKUP, "number": OTHER_CHILD, "visit_number": "", "at": now()}
    assert await hear(house, sample("a03_left_before_seen")) == [False]
    assert len((await house.ask(**look)).alerts) == 1
    assert await hear(house, sample("a04_emergency")) == [True]
    await house.flag(UNKNOWN_CHILD)
    assert (await house.ask(**{**look, "number": UNKNOWN_CHILD})).alerts == ()
