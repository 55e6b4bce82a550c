"""The door for GOV.UK Notify's receipts, over HTTP: who is kept out, what moves, and that the same receipt twice is once."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from alerts.channels.notify import NotifyChannel
from alerts.channels.notify_access import NotifyAccess
from api.doors import NOTIFY
from api.notify_receipts import LARGEST, NotifyReceiptsDoor
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from domain.errors import CouldNotReachStore
from nightlight.embedded.cluster import SUPERUSER
from nightlight.embedded.postgres import url_of
from runtime.database import Database
from tests.alerts.notify_stand_in import CALLBACK_TOKEN, Message, notify_stand_in, receipt
from tests.api.house import NORTHMOOR, House, nhs_number, open_house
from tests.conftest import Embedded, FreshDatabase

NUMBER = "07700 900 123"
FAILURES = [
    ("temporary-failure", "temporary-failure", "receipt-temporary"),
    ("technical-failure", "temporary-failure", "receipt-technical"),
    ("permanent-failure", "permanent-failure", "receipt-permanent"),
]
UNTOUCHED: tuple[str, int, list[object]] = ("sent", 1, [])


@dataclass(slots=True)
class Receiving:
    """The application with its door, and one text message about one alert that Notify has taken."""

    house: House
    http: httpx.AsyncClient
    alert: UUID
    delivery: UUID
    message: Message = field(default_factory=lambda: Message(str(uuid4()), "sms", None, NUMBER, "", "For your team"))

    async def post(self, token: str | None = CALLBACK_TOKEN, **said: object) -> httpx.Response:
        body = json.dumps(receipt(self.message) | said)
        return await self.send(body.encode(), token)

    async def send(
        self, body: bytes, token: str | None = CALLBACK_TOKEN, scheme: str = "Bearer", media: str = "application/json"
    ) -> httpx.Response:
        headers = {"content-type": media} | ({"authorization": f"{scheme} {token}"} if token is not None else {})
        return await self.http.post("/notify/receipts", content=body, headers=headers)

    async def stands(self) -> tuple[object, object, list[tuple[object, ...]]]:
        """State, number of attempts, and the outcome and code of each."""
        ((state, number),) = await self.house.rows("SELECT state, attempts FROM deliveries WHERE id = %s", self.delivery)
        attempts = "SELECT outcome, detail FROM attempts WHERE delivery_id = %s ORDER BY number"
        return state, number, await self.house.rows(attempts, self.delivery)

    async def change(self, what: str, *parameters: object) -> None:
        assert await self.house.rows(f"{what} RETURNING 1", *parameters)


@asynccontextmanager
async def open_receiving(
    fresh: FreshDatabase, redis_url: str, folder: Path, superuser_url: str = "", token: str = CALLBACK_TOKEN
) -> AsyncIterator[Receiving]:
    async with Database(fresh.service_url) as database:
        door = NotifyReceiptsDoor(database, token)
        async with open_house(fresh, redis_url, folder, superuser_url, doors={NOTIFY: door}) as house:
            await house.flag(nhs_number(1))
            await house.seen(nhs_number(1))
            ((alert,),) = await house.rows("SELECT id FROM alerts")
            ((delivery,),) = await house.rows(
                """
                INSERT INTO deliveries (alert_id, channel, recipient, team, state, attempts, sent_at)
                VALUES (%s, 'sms', %s, 'office', 'sent', 1, now()) RETURNING id
                """,
                alert, NUMBER,
            )  # fmt: skip
            async with httpx.AsyncClient(base_url=house.url, timeout=60) as http:
                receiving = Receiving(house, http, UUID(str(alert)), UUID(str(delivery)))
                receiving.message.reference = str(delivery)
                yield receiving


@pytest.fixture
async def receiving(embedded: Embedded, fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> AsyncIterator[Receiving]:
    superuser_url = url_of(embedded.folder, SUPERUSER, "postgres")
    async with open_receiving(fresh_database, redis_url, tmp_path, superuser_url) as receiving:
        yield receiving


# Who and what is kept out


@pytest.mark.parametrize(
    "token, scheme",
    [
        (None, ""),
        ("another-token-of-somebody", "Bearer"),
        (CALLBACK_TOKEN[:-1], "Bearer"),
        (CALLBACK_TOKEN, "Basic"),
    ],
    ids=["nobody", "another", "nearly", "another scheme"],
)
async def test_nobody_comes_in_without_the_token(receiving: Receiving, token: str | None, scheme: str) -> None:
    answer = await receiving.send(json.dumps(receipt(receiving.message) | {"status": "delivered"}).encode(), token, scheme)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert await receiving.stands() == UNTOUCHED


async def test_where_no_token_was_agreed_none_is_taken(fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> None:
    async with open_receiving(fresh_database, redis_url, tmp_path, token="") as receiving:
        for token in (None, CALLBACK_TOKEN):
            assert (await receiving.post(token, status="delivered")).status_code == 401
        nothing = await receiving.http.post("/notify/receipts", json={}, headers={"authorization": "Bearer"})
        assert nothing.status_code == 401
        assert await receiving.stands() == UNTOUCHED


async def test_a_short_token_is_refused_at_the_start(fresh_database: FreshDatabase) -> None:
    async with Database(fresh_database.service_url) as database:
        with pytest.raises(ValueError, match="NIGHTLIGHT_NOTIFY_CALLBACK_TOKEN"):
            NotifyReceiptsDoor(database, "short")


@pytest.mark.parametrize(
    "body, media, status",
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"id": "1", "status": "delivered"}', "application/json", 400),
        (b'{"id": "740e5834-3a29-46b4-9a6f-16142fde533a"}', "application/json", 400),
        (b'{"id": 7, "status": ["delivered"], "reference": {}}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b" " * (LARGEST + 1), "application/json", 413),
    ],
    ids=["nothing", "half", "list", "empty", "no id", "no status", "other types", "no text", "no JSON", "too long"],
)
async def test_what_is_no_receipt_is_refused_in_words(receiving: Receiving, body: bytes, media: str, status: int) -> None:
    answer = await receiving.send(body, media=media)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"].endswith(".")
    assert await receiving.stands() == UNTOUCHED


async def test_the_door_has_one_address_and_takes_posts_alone(receiving: Receiving) -> None:
    assert (await receiving.http.get("/notify/receipts")).status_code == 405
    for path in ("/notify", "/notify/", "/notify/receipts/", "/notify/else"):
        assert (await receiving.http.post(path)).status_code == 404


@pytest.mark.parametrize("reference", [None, "", "of another service", "01a20000-0000-7000-8000-000000000000", 12])
async def test_a_receipt_of_no_message_of_ours_is_not_asked_for_again(receiving: Receiving, reference: object) -> None:
    """Notify repeats what is answered with 5xx: nobody here will ever know this reference."""
    answer = await receiving.post(status="delivered", reference=reference)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await receiving.stands() == UNTOUCHED


async def test_a_receipt_for_a_delivery_of_another_channel_moves_nothing(receiving: Receiving) -> None:
    ((screen,),) = await receiving.house.rows("SELECT id FROM deliveries WHERE channel = 'screen'")
    assert (await receiving.post(status="delivered", reference=str(screen))).status_code == 204
    assert await receiving.house.rows("SELECT state FROM deliveries WHERE id = %s AND state = 'delivered'", screen) == []


async def test_a_state_that_decides_nothing_moves_nothing(receiving: Receiving) -> None:
    for status in ("sending", "sent", "a-state-of-next-year"):
        assert (await receiving.post(status=status)).status_code == 204
    assert await receiving.stands() == UNTOUCHED


async def test_with_the_store_away_notify_is_asked_to_send_it_again(receiving: Receiving) -> None:
    async with receiving.house.store_away():
        answer = await receiving.post(status="delivered")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    async with asyncio.timeout(60):
        while (again := await receiving.post(status="delivered")).status_code == 503:
            pass  # connections that were cut are found out one by one; Notify comes again, too
        assert again.status_code == 204
        stands = None
        while stands is None:
            with suppress(CouldNotReachStore):
                stands = await receiving.stands()
    assert stands[0] == "delivered"


# What moves


async def test_a_message_that_arrived_is_delivered_however_often_it_is_said(receiving: Receiving) -> None:
    for _ in range(3):
        assert (await receiving.post(status="delivered")).status_code == 204
    assert await receiving.stands() == ("delivered", 2, [("delivered", "receipt-delivered")])
    assert await receiving.house.rows("SELECT 1 FROM deliveries WHERE id = %s AND delivered_at IS NOT NULL", receiving.delivery)


@pytest.mark.parametrize("status, outcome, code", FAILURES)
async def test_a_message_that_failed_is_due_again_and_the_next_in_line_is_looked_for_at_once(
    receiving: Receiving, status: str, outcome: str, code: str
) -> None:
    await receiving.change("UPDATE alerts SET next_step_at = now() + interval '20 minutes'")
    for _ in range(3):
        assert (await receiving.post(status=status)).status_code == 204
    assert await receiving.stands() == ("pending", 2, [(outcome, code)])
    assert await receiving.house.rows("SELECT 1 FROM alerts WHERE next_step_at <= now()") == [(1,)]
    ((waits,),) = await receiving.house.rows(
        "SELECT next_attempt_at > now() + interval '200 seconds' FROM deliveries WHERE id = %s", receiving.delivery
    )
    assert waits is (status == "permanent-failure")


async def test_nobody_is_looked_for_once_the_alert_was_acknowledged(receiving: Receiving) -> None:
    await receiving.change(
        """
        UPDATE alerts SET state = 'acknowledged', acknowledged_at = now(), acknowledged_by = 'Sam', answer = 'known',
                          next_step_at = NULL
        """
    )
    await receiving.post(status="temporary-failure")
    assert (await receiving.stands())[0] == "pending"
    assert await receiving.house.rows("SELECT next_step_at FROM alerts") == [(None,)]


async def test_a_message_that_arrived_after_all_is_delivered(receiving: Receiving) -> None:
    await receiving.post(status="temporary-failure")
    await receiving.post(status="delivered")
    codes = [("temporary-failure", "receipt-temporary"), ("delivered", "receipt-delivered")]
    assert await receiving.stands() == ("delivered", 3, codes)


async def test_a_failure_that_comes_after_it_was_delivered_is_written_down_and_moves_nothing(receiving: Receiving) -> None:
    await receiving.post(status="delivered")
    await receiving.post(status="permanent-failure")
    assert (await receiving.stands())[:2] == ("delivered", 3)


async def test_a_failure_of_a_message_that_was_replaced_moves_nothing(receiving: Receiving) -> None:
    await receiving.change("UPDATE deliveries SET receipt_id = %s WHERE id = %s", str(uuid4()), receiving.delivery)
    await receiving.post(status="temporary-failure")
    assert await receiving.stands() == ("sent", 2, [("temporary-failure", "receipt-temporary")])


async def test_a_failure_that_comes_while_the_message_is_being_sent_is_asked_for_again(receiving: Receiving) -> None:
    """Taken now, it would be overwritten by "sent" in a moment, and nobody would ever be told."""
    await receiving.change(
        """
        UPDATE deliveries SET state = 'pending', sent_at = NULL, claimed_by = 'somebody', lease_until = now() + interval '1 minute'
        WHERE id = %s
        """,
        receiving.delivery,
    )
    assert (await receiving.post(status="temporary-failure")).status_code == 503
    assert await receiving.stands() == ("pending", 1, [])
    assert (await receiving.post(status="delivered")).status_code == 204
    assert (await receiving.stands())[0] == "delivered"


async def test_neither_the_number_nor_the_body_of_a_receipt_is_logged(
    receiving: Receiving, capfd: pytest.CaptureFixture[str]
) -> None:
    await receiving.post(status="temporary-failure", to="07700 900 999", reference=str(receiving.delivery))
    await receiving.post(status="delivered", to="07700 900 999", reference="Zebedee Quillfeather")
    await receiving.send(b'{"Zebedee": "07700 900 999"}')
    out, err = capfd.readouterr()
    assert receiving.delivery.hex in out + err
    assert "Zebedee" not in out + err
    assert "900 999" not in out + err


# All the way


async def test_a_text_message_goes_out_fails_is_sent_again_and_arrives(receiving: Receiving) -> None:
    await receiving.change(
        "UPDATE deliveries SET state = 'pending', sent_at = NULL, attempts = 0 WHERE id = %s", receiving.delivery
    )
    address = f"{receiving.house.url}/notify/receipts"
    async with notify_stand_in() as notify:
        settings = notify.settings()
        by = NotifyChannel(ChannelName.SMS, receiving.house.database, NotifyAccess.of(settings), settings.link)
        delivery = Delivery(receiving.delivery, receiving.alert, ChannelName.SMS, NUMBER, NORTHMOOR, 0)
        for attempts, status, expected in ((0, "temporary-failure", "pending"), (2, "delivered", "delivered")):
            again = Delivery(delivery.id, delivery.alert_id, delivery.channel, NUMBER, NORTHMOOR, attempts)
            assert await by.deliver(again) == Attempted(AttemptOutcome.SENT)
            await receiving.change("UPDATE deliveries SET state = 'sent', sent_at = now() WHERE id = %s", receiving.delivery)
            notify.messages[-1].status = status
            for _ in range(2):
                assert await notify.call_back(address, notify.messages[-1]) == 204
            assert (await receiving.stands())[0] == expected
        assert len({message.id for message in notify.messages}) == 2
        assert {message.reference for message in notify.messages} == {str(receiving.delivery)}
