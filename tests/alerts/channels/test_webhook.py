"""Webhooks on a real server: what is not sent, how each failure is named, and that a receiver makes repeats one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from alerts.channels.webhook import WebhookChannel
from alerts.channels.webhook_signing import OVERLAP, secret_of, written
from alerts.retry import seconds_until_next
from alerts.webhooks import Webhook, add_webhook, renew_webhook, set_in_use
from domain.actor import NIGHTLIGHT
from domain.alert import AttemptOutcome, ChannelName, Delivery, DeliveryState
from domain.channel import Attempted
from domain.errors import CouldNotReachStore
from runtime.clock import now
from runtime.database import Database
from runtime.endpoints import Endpoints
from runtime.nudge import Nudges
from safeguarding.onboarding.agreements import AgreedWith, Terms, record_agreement
from safeguarding.telling.webhook_notices import read_notices
from tests.alerts.conftest import eventually
from tests.alerts.running import QUICK, dispatcher
from tests.alerts.store import (
    AUTHORITY,
    BIRTH_DATE,
    FAMILY_NAME,
    GIVEN_NAME,
    LOCAL_NUMBER,
    NHS_NUMBER,
    ORGANISATION,
    SITE_NAME,
    attempts,
    deliveries,
    execute,
    let_time_pass,
    raise_many,
    rows,
)  # fmt: skip
from tests.alerts.webhook_server import WebhookServer, status, webhook_server

KEY = b"k" * 40
IDENTIFYING = (NHS_NUMBER, GIVEN_NAME, FAMILY_NAME, BIRTH_DATE.isoformat())


def link(path: str) -> str:
    return f"https://nightlight.example{path}"


@asynccontextmanager
async def channel(database: Database, seconds: float = 10.0) -> AsyncIterator[WebhookChannel]:
    caller = Endpoints(("127.0.0.1",), seconds=seconds, kept=4)
    try:
        yield WebhookChannel(database, caller, KEY, link, read_notices)
    finally:
        await caller.close()


async def registered(database: Database, url: str, authority: str = AUTHORITY) -> Webhook:
    async with database.transaction() as transaction:
        return await add_webhook(transaction, authority, "Case system", url, "A data officer")


async def to_deliver(database: Database, recipient: str, number: int = 1) -> list[Delivery]:
    """So many alerts, each to be told to this recipient."""
    for raised in await raise_many(database, number, email=None):
        await execute(
            database, "INSERT INTO deliveries (alert_id, channel, recipient) VALUES (%s, 'webhook', %s)", raised.id, recipient
        )
    lines = await deliveries(database, ChannelName.WEBHOOK)
    return [Delivery(line.id, line.alert_id, ChannelName.WEBHOOK, recipient, AUTHORITY, 0) for line in lines]


async def told(database: Database, server: WebhookServer) -> Attempted:
    """One alert, told once."""
    webhook = await registered(database, server.url)
    (delivery,) = await to_deliver(database, str(webhook.id))
    async with channel(database) as hooks:
        return await hooks.deliver(delivery)


async def test_to_a_webhook_that_is_out_of_use_nothing_is_sent(database: Database) -> None:
    async with webhook_server() as server, channel(database) as hooks:
        webhook = await registered(database, server.url)
        async with database.transaction() as transaction:
            await set_in_use(transaction, webhook.id, in_use=False)
        (delivery,) = await to_deliver(database, str(webhook.id))
        assert await hooks.deliver(delivery) == Attempted(AttemptOutcome.PERMANENT, "endpoint-off")
    assert server.received == []


@pytest.mark.parametrize("recipient", ["", "not an id", "01890a5d-ac96-774b-bcce-b302099a8057"])
async def test_a_contact_that_is_no_webhook_needs_a_person(database: Database, recipient: str) -> None:
    (delivery,) = await to_deliver(database, recipient or "x")
    async with channel(database) as hooks:
        assert await hooks.deliver(delivery) == Attempted(AttemptOutcome.PERMANENT, "no-webhook")


async def test_another_authoritys_webhook_is_told_nothing(database: Database) -> None:
    async with webhook_server() as server, channel(database) as hooks:
        theirs = await registered(database, server.url, "B902")
        (delivery,) = await to_deliver(database, str(theirs.id))
        assert await hooks.deliver(delivery) == Attempted(AttemptOutcome.PERMANENT, "no-webhook")
    assert server.received == []


async def test_a_delivery_that_is_not_there_is_said_aloud(database: Database) -> None:
    async with channel(database) as hooks:
        with pytest.raises(LookupError):
            await hooks.deliver(Delivery(UUID(int=1), UUID(int=2), ChannelName.WEBHOOK, "x", AUTHORITY, 0))


@pytest.mark.parametrize(
    "answer, outcome, code",
    [
        (status("200 OK"), AttemptOutcome.DELIVERED, ""),
        (status("202 Accepted"), AttemptOutcome.DELIVERED, ""),
        (status("302 Found", "location: http://127.0.0.1:1/"), AttemptOutcome.PERMANENT, "redirect"),
        (status("400 No"), AttemptOutcome.PERMANENT, "status-400"),
        (status("401 No"), AttemptOutcome.PERMANENT, "status-401"),
        (status("410 Gone"), AttemptOutcome.PERMANENT, "gone"),
        (status("429 Later"), AttemptOutcome.TEMPORARY, "status-429"),
        (status("500 Oh"), AttemptOutcome.TEMPORARY, "status-500"),
        (status("503 Oh"), AttemptOutcome.TEMPORARY, "status-503"),
        (b"nonsense\r\n\r\n", AttemptOutcome.TEMPORARY, "broken"),
    ],
    ids=lambda given: given.decode("latin-1").split("\r\n")[0] if isinstance(given, bytes) else str(given),
)
async def test_each_answer_has_its_outcome(database: Database, answer: bytes, outcome: AttemptOutcome, code: str) -> None:
    async with webhook_server(answer) as server:
        assert await told(database, server) == Attempted(outcome, code)


@pytest.mark.parametrize(
    "said, failures, chance, seconds",
    [("", 1, 0.5, 0.5), ("0", 1, 0.5, 0.5), ("120", 1, 0.5, 120.0), ("120", 20, 1.0, 300.0), ("86400", 1, 0.5, 300.0)],
    ids=["nothing", "now", "later", "we wait longer anyway", "a day"],
)
async def test_when_to_try_again_is_the_receivers_wish_within_bounds(
    database: Database, said: str, failures: int, chance: float, seconds: float
) -> None:
    async with webhook_server(status("503 Later", f"retry-after: {said}")) as server:
        attempted = await told(database, server)
    assert seconds_until_next(attempted, failures, chance) == seconds


async def test_an_authority_whose_address_leads_inside_is_not_called(database: Database) -> None:
    async with webhook_server() as server:
        webhook = await registered(database, server.url.replace("http://", "https://"))
        (delivery,) = await to_deliver(database, str(webhook.id))
        caller = Endpoints(kept=4)
        hooks = WebhookChannel(database, caller, KEY, link, read_notices)
        assert await hooks.deliver(delivery) == Attempted(AttemptOutcome.PERMANENT, "private-address")
        await caller.close()
    assert server.received == []


async def test_nothing_by_which_the_child_could_be_known_is_sent(database: Database) -> None:
    async with webhook_server() as server:
        await told(database, server)
    (received,) = server.received
    everything = f"{received.path} {received.headers} {received.body.decode()}"
    assert not [each for each in IDENTIFYING if each in everything]


async def test_the_notice_says_what_happened_and_where_to_sign_in(database: Database) -> None:
    async with webhook_server() as server:
        assert await told(database, server) == Attempted(AttemptOutcome.DELIVERED)
    (received,), (line,) = server.received, await deliveries(database, ChannelName.WEBHOOK)
    assert (received.id, received.headers["content-type"]) == (str(line.id), "application/json")
    assert received.said["type"] == "alert.raised"
    data = received.said["data"]
    assert (data["authority"], data["state"], data["test"]) == (AUTHORITY, "raised", True)
    assert data["link"] == link(f"/alerts/{line.alert_id}")
    assert data["encounter"]["site"] == SITE_NAME
    assert data["encounter"]["local_number"] == LOCAL_NUMBER


async def test_only_what_both_agreements_list_leaves(database: Database) -> None:
    async with database.transaction() as transaction:
        for kind, code, fields in (
            (AgreedWith.AUTHORITY, AUTHORITY, ("arrival", "site")),
            (AgreedWith.ORGANISATION, ORGANISATION, ("site", "visit-number")),
        ):
            terms = Terms(kind, code, "T", "C", "P", "U", "L", "x@example.org", date(2026, 1, 1), fields=fields)
            await record_agreement(transaction, NIGHTLIGHT, terms)
    async with webhook_server() as server:
        await told(database, server)
    assert server.received[0].said["data"]["encounter"] == {"site": SITE_NAME}


async def test_of_a_person_who_is_marked_sensitive_no_encounter_leaves(database: Database) -> None:
    await execute(database, "UPDATE persons SET sensitive = true")
    async with webhook_server() as server:
        await told(database, server)
    assert server.received[0].said["data"]["encounter"] is None
    assert SITE_NAME.encode() not in server.received[0].body


async def test_after_a_renewal_both_secrets_verify_and_after_a_day_only_the_new_one(database: Database) -> None:
    async with webhook_server() as server, channel(database) as hooks:
        webhook = await registered(database, server.url)
        (delivery,) = await to_deliver(database, str(webhook.id))
        old, new = (written(secret_of(KEY, webhook.id, renewals)) for renewals in (0, 1))
        await hooks.deliver(delivery)
        async with database.transaction() as transaction:
            await renew_webhook(transaction, webhook.id)
        await hooks.deliver(delivery)
        await execute(database, "UPDATE webhooks SET renewed_at = renewed_at - %s", OVERLAP)
        await hooks.deliver(delivery)
    verified = [(each.is_signed_with(old), each.is_signed_with(new)) for each in server.received]
    assert verified == [(True, False), (True, True), (False, True)]


async def test_each_attempt_has_its_own_time_and_all_have_one_id(database: Database) -> None:
    async with webhook_server(status("503 Oh")) as server, channel(database) as hooks:
        webhook = await registered(database, server.url)
        (delivery,) = await to_deliver(database, str(webhook.id))
        await hooks.deliver(delivery)
        await hooks.deliver(replace(delivery, attempts=1))
    assert [each.id for each in server.received] == [str(delivery.id)] * 2
    times = [datetime.fromtimestamp(int(each.headers["webhook-timestamp"]), UTC) for each in server.received]
    assert all(abs(at - now()) < timedelta(minutes=5) for at in times)


async def test_what_many_deliveries_tell_is_read_in_few_questions(database: Database) -> None:
    asked: list[int] = []

    async def counted(transaction: object, wanted: object) -> dict[UUID, object]:
        asked.append(len(wanted))  # type: ignore[arg-type]
        return await read_notices(transaction, wanted)  # type: ignore[arg-type, return-value]

    async with webhook_server() as server:
        webhook = await registered(database, server.url)
        many = await to_deliver(database, str(webhook.id), 30)
        caller = Endpoints(("127.0.0.1",), kept=4)
        hooks = WebhookChannel(database, caller, KEY, link, counted)  # type: ignore[arg-type]
        await asyncio.gather(*(hooks.deliver(each) for each in many))
        await caller.close()
    assert sum(asked) == 30
    assert len(asked) < 5
    assert server.connections <= 4


async def test_while_the_store_is_away_everybody_who_asked_is_told_so(database: Database) -> None:
    async def away(transaction: object, wanted: object) -> dict[UUID, object]:
        raise CouldNotReachStore("the database is away")

    caller = Endpoints(("127.0.0.1",), kept=4)
    hooks = WebhookChannel(database, caller, KEY, link, away)  # type: ignore[arg-type]
    wanted = [Delivery(UUID(int=n), UUID(int=n), ChannelName.WEBHOOK, "x", AUTHORITY, 0) for n in range(1, 4)]
    said = await asyncio.gather(*(hooks.deliver(each) for each in wanted), return_exceptions=True)
    assert [type(each) for each in said] == [CouldNotReachStore] * 3


async def test_what_failed_is_sent_again_and_counts_once_at_the_receiver(database: Database, nudges: Nudges) -> None:
    async with webhook_server(status("503 Oh")) as server, channel(database) as hooks:
        webhook = await registered(database, server.url)
        (delivery,) = await to_deliver(database, str(webhook.id))
        async with dispatcher(database, nudges, hooks, pace=QUICK):
            await server.until(1)
            server.answer = status("200 OK")
            await let_time_pass(database)

            async def is_told() -> bool:
                await let_time_pass(database)
                return await state_of(database, delivery.id) == DeliveryState.DELIVERED

            await eventually(is_told, "the notice is taken")
    assert set(server.times) == {str(delivery.id)}
    kept = await attempts(database, delivery.id)
    assert [outcome for _, outcome, _ in kept][-1] == AttemptOutcome.DELIVERED
    assert kept[0][1:] == (AttemptOutcome.TEMPORARY, "status-503")


async def test_two_dispatchers_drain_many_and_each_comes_once(database: Database, nudges: Nudges) -> None:
    async with webhook_server() as server, channel(database) as one, channel(database) as other:
        webhook = await registered(database, server.url)
        many = await to_deliver(database, str(webhook.id), 60)
        async with dispatcher(database, nudges, one, pace=QUICK), dispatcher(database, nudges, other, pace=QUICK):
            await server.until(60)
    assert server.times == {str(each.id): 1 for each in many}


async def state_of(database: Database, delivery_id: UUID) -> str:
    ((state,),) = await rows(database, "SELECT state FROM deliveries WHERE id = %s", delivery_id)
    return str(state)
