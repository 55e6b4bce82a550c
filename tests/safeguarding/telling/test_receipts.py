"""What GOV.UK Notify says of a text message, and who is told next: receipts and escalation, together."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from domain.errors import InvalidInput
from safeguarding.telling.receipts import Heard, take_receipt, to_receipt
from tests.safeguarding.house import SEEN_AT, House
from tests.safeguarding.telling.lines import Lines

NUMBER, NEXT = "07700900123", "b@301.example"


@pytest.fixture
async def lines(house: House) -> Lines:
    """A team with a telephone, and a mailbox that is told where nothing got through in ten minutes; one alert, told by a text."""
    await house.flag()
    lines = Lines(house)
    await lines.team("office", "a@301.example", f"10 {NEXT}")
    await house.rows("UPDATE team_contacts SET channel = 'sms', address = %s WHERE after_minutes IS NULL RETURNING id", NUMBER)
    await lines.seen()
    assert await lines.told("raised") == [("office", NUMBER)]
    await house.rows("UPDATE deliveries SET state = 'sent', sent_at = now() WHERE channel = 'sms' RETURNING id")
    return lines


async def take(lines: Lines, status: str, minutes: float) -> Heard:
    [(delivery,)] = await lines.house.rows("SELECT id FROM deliveries WHERE channel = 'sms'")
    said = {"id": str(uuid4()), "reference": str(delivery), "status": status, "to": NUMBER}
    async with lines.house.database.transaction() as transaction:
        return await take_receipt(transaction, said, SEEN_AT + timedelta(minutes=minutes))


async def test_what_got_through_brings_no_other_contact(lines: Lines) -> None:
    assert await take(lines, "delivered", 2) is Heard.TAKEN
    assert await lines.look(10) == 0
    assert await lines.told("raised") == [("office", NUMBER)]


@pytest.mark.parametrize("status", ["permanent-failure", "temporary-failure", "technical-failure"])
async def test_a_text_that_failed_after_all_brings_the_next_contact_at_once(lines: Lines, status: str) -> None:
    assert await lines.look(10) == 0, "the text was sent, as far as anybody knew"
    assert await take(lines, status, 15) is Heard.TAKEN
    assert await lines.look(15) == 1
    assert await lines.told("raised") == [("office", NUMBER), ("office", NEXT)]
    assert await lines.look(15) == 0


async def test_a_text_that_failed_soon_leaves_the_next_contact_its_minutes(lines: Lines) -> None:
    await take(lines, "permanent-failure", 1)
    assert await lines.look(1) == 0
    assert await lines.look(10) == 1
    assert await lines.told("raised") == [("office", NUMBER), ("office", NEXT)]


async def test_what_no_delivery_is_known_by_is_nothing_to_us(house: House) -> None:
    for reference in (None, str(uuid4()), "12345678"):
        async with house.database.transaction() as transaction:
            said = {"id": str(uuid4()), "reference": reference, "status": "delivered"}
            assert await take_receipt(transaction, said, SEEN_AT) is Heard.NOTHING_TO_US


@pytest.mark.parametrize("said", [{}, {"id": "1", "status": "delivered"}, {"id": str(UUID(int=1))}, {"id": 1, "status": 2}])
def test_what_has_no_id_or_no_state_is_no_receipt(said: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match="a receipt has an id and a status"):
        to_receipt(said)
