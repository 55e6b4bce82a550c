"""GOV.UK Notify at its documented API: what a failure means, that nobody is told twice, and that nothing of the child leaves."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import trustme
from pydantic import SecretStr
from starlette.responses import Response

from alerts.channels.notify import NOT_CONFIGURED, NotifyChannel, told_by
from alerts.channels.notify_access import NotifyAccess
from alerts.channels.notify_client import Kept
from alerts.channels.notify_words import EMAIL_BODY, EMAIL_SUBJECT, TEXT_BODY, email_words, text_words
from alerts.channels.templates import Letter, reference_of
from domain.alert import AttemptOutcome, ChannelName, Delivery
from domain.channel import Attempted
from runtime.database import Database
from runtime.nudge import Nudges
from runtime.settings import Settings
from tests.alerts.conftest import eventually
from tests.alerts.leaks import NOTICES, bundle_of, leaks, notice, raise_thread
from tests.alerts.notify_stand_in import KEY, NotifyStandIn, notify_stand_in
from tests.alerts.running import dispatcher
from tests.alerts.store import AUTHORITY_NAME, attempts, execute, raise_one, rows
from tests.conftest import FreshDatabase
from tests.runtime.answering import answering, http

SENT = Attempted(AttemptOutcome.SENT)
NUMBER, MAILBOX = "07700 900 123", "children@northshire.example"
TO = {ChannelName.SMS: NUMBER, ChannelName.NOTIFY_EMAIL: MAILBOX}
SECOND = {ChannelName.SMS: "07700 900 124", ChannelName.NOTIFY_EMAIL: "second@northshire.example"}
BOTH = pytest.mark.parametrize("name", list(TO))
AT = datetime(2026, 11, 21, 3, 5, tzinfo=UTC)
DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
async def notify() -> AsyncIterator[NotifyStandIn]:
    async with notify_stand_in() as notify:
        yield notify


def channel(database: Database, settings: Settings, name: ChannelName = ChannelName.SMS) -> NotifyChannel:
    return NotifyChannel(name, database, NotifyAccess.of(settings), settings.link)


async def a_delivery(database: Database, name: ChannelName = ChannelName.SMS, to: str = "") -> Delivery:
    return await notice(database, await raise_one(database), "raised", name, to or TO[name])


def temporary(code: str) -> Attempted:
    return Attempted(AttemptOutcome.TEMPORARY, code)


def permanent(code: str) -> Attempted:
    return Attempted(AttemptOutcome.PERMANENT, code)


# Settings that do not fit, and none


@pytest.mark.parametrize(
    "wrong, said",
    [
        ({"notify_api_key": SecretStr("nonsense")}, "NIGHTLIGHT_NOTIFY_API_KEY"),
        ({"notify_api_key": SecretStr(KEY[:-1])}, "NIGHTLIGHT_NOTIFY_API_KEY"),
        ({"notify_url": "http://notify.example"}, "NIGHTLIGHT_NOTIFY_URL"),
        ({"notify_url": "api.notifications.example"}, "NIGHTLIGHT_NOTIFY_URL"),
        ({"notify_sms_template_id": "the text"}, "NIGHTLIGHT_NOTIFY_EMAIL_TEMPLATE_ID"),
    ],
    ids=["no key", "half a key", "in the clear", "no address", "no template"],
)
def test_a_setting_that_does_not_fit_is_refused_at_the_start_without_the_key(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as refused:
        NotifyAccess.of(Settings(**{"notify_api_key": SecretStr(KEY)} | wrong))
    assert KEY[-36:-1] not in str(refused.value)


def test_the_secret_of_the_key_is_in_no_representation() -> None:
    assert KEY[-36:] not in repr(NotifyAccess.of(Settings(notify_api_key=SecretStr(KEY))))


@BOTH
@pytest.mark.parametrize("settings", [Settings(), Settings(notify_api_key=SecretStr(KEY))], ids=["no key", "no template"])
async def test_what_is_not_configured_waits(database: Database, name: ChannelName, settings: Settings) -> None:
    assert await channel(database, settings, name).deliver(await a_delivery(database, name)) == NOT_CONFIGURED
    assert temporary("not-configured") == NOT_CONFIGURED


# What a failure means


@pytest.mark.parametrize(
    "name, to, code",
    [
        (ChannelName.SMS, "the duty phone", "no-number"),
        (ChannelName.SMS, "Mum of Zebedee 07700 900123", "no-number"),
        (ChannelName.SMS, "07700900123, 07700900124", "no-number"),
        (ChannelName.NOTIFY_EMAIL, "nobody", "no-address"),
        (ChannelName.NOTIFY_EMAIL, "a@b.example, c@d.example", "no-address"),
    ],
)
async def test_an_address_that_is_none_needs_a_person_and_is_not_shown_to_notify(
    database: Database, notify: NotifyStandIn, name: ChannelName, to: str, code: str
) -> None:
    delivery = await a_delivery(database, name, to)
    assert await channel(database, notify.settings(), name).deliver(delivery) == permanent(code)
    assert notify.wire == []


@BOTH
@pytest.mark.parametrize(
    "status, kind, expected",
    [
        (400, "ValidationError", permanent("notify-invalid")),
        (400, "BadRequestError", permanent("notify-refused")),
        (400, "", permanent("notify-refused")),
        (403, "AuthError", permanent("notify-key")),
        (401, "AuthError", permanent("notify-key")),
        (404, "NoResultFound", permanent("notify-404")),
        (429, "RateLimitError", temporary("notify-busy")),
        (429, "TooManyRequestsError", temporary("notify-day-limit")),
        (500, "Exception", temporary("notify-500")),
        (503, "Exception", temporary("notify-503")),
    ],
    ids=lambda value: str(value) if isinstance(value, int | str) else "",
)
async def test_a_failure_says_whether_it_is_temporary_or_permanent(
    database: Database, notify: NotifyStandIn, name: ChannelName, status: int, kind: str, expected: Attempted
) -> None:
    notify.refusals.append((status, kind or "BadRequestError"))
    assert await channel(database, notify.settings(), name).deliver(await a_delivery(database, name)) == expected
    assert notify.messages == []
    assert f"`{re.sub(r'[0-9]{3}$', 'NNN', expected.detail)}`" in (DOCS / "alerts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", ["no-number", "notify-unclear", "notify-clock", "notify-has-it", "receipt-permanent"])
def test_every_code_of_ours_is_explained(code: str) -> None:
    assert f"`{code}`" in (DOCS / "alerts.md").read_text(encoding="utf-8")


async def test_a_clock_that_is_wrong_mends_itself_and_is_told_apart_from_a_wrong_key(
    database: Database, notify: NotifyStandIn
) -> None:
    delivery = await a_delivery(database)
    notify.skew = 300.0
    assert await channel(database, notify.settings()).deliver(delivery) == temporary("notify-clock")
    notify.skew = 0.0
    wrong = notify.settings().model_copy(update={"notify_api_key": SecretStr(f"{KEY[:-1]}1")})
    assert await channel(database, wrong).deliver(delivery) == permanent("notify-key")


async def test_a_recipient_outside_the_team_of_a_trial_key_needs_a_person(database: Database, notify: NotifyStandIn) -> None:
    notify.team_only.add(NUMBER)
    assert await channel(database, notify.settings()).deliver(await a_delivery(database)) == permanent("notify-refused")


async def test_a_number_that_is_no_mobile_one_needs_a_person(database: Database, notify: NotifyStandIn) -> None:
    delivery = await a_delivery(database, to="020 7946 0101")
    assert await channel(database, notify.settings()).deliver(delivery) == permanent("notify-invalid")


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>sign in to the guest network</html>", 201),
        Response("[]", 201),
        Response('{"id": "1", "reference": null}', 201),
        Response("a" * 2_000_000, 201),
    ],
    ids=["a page", "a list", "another message", "too much"],
)
async def test_an_answer_that_nobody_can_read_is_no_success(database: Database, notify: NotifyStandIn, answer: Response) -> None:
    notify.answers = answer
    assert await channel(database, notify.settings()).deliver(await a_delivery(database)) == temporary("notify-unclear")


async def test_a_redirect_is_not_followed(database: Database, notify: NotifyStandIn) -> None:
    notify.answers = Response("", 307, {"location": f"{notify.url}/v2/notifications/sms"})
    assert await channel(database, notify.settings()).deliver(await a_delivery(database)) == permanent("notify-307")
    assert notify.messages == []


async def test_without_notify_it_waits(database: Database) -> None:
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        settings = NotifyStandIn(f"http://127.0.0.1:{nobody.getsockname()[1]}").settings()
        assert await channel(database, settings).deliver(await a_delivery(database)) == temporary("no-connection")


async def test_a_notify_that_nobody_vouches_for_is_told_nothing(database: Database) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with answering(http(b"{}"), context) as stranger:
        settings = NotifyStandIn(f"https://127.0.0.1:{stranger.port}").settings()
        assert await channel(database, settings).deliver(await a_delivery(database)) == temporary("tls-failed")
    assert stranger.asked == []


async def test_a_notify_that_does_not_answer_is_not_waited_for(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alerts.channels.notify_client.CALL_SECONDS", 0.2)

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        settings = NotifyStandIn(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}").settings()
        assert await channel(database, settings).deliver(await a_delivery(database)) == temporary("timed-out")


# Told, once


@BOTH
async def test_a_message_is_sent_with_the_delivery_as_its_reference(
    database: Database, notify: NotifyStandIn, name: ChannelName
) -> None:
    delivery = await a_delivery(database, name)
    assert await channel(database, notify.settings(), name).deliver(delivery) == SENT
    (message,) = notify.messages
    assert (message.reference, message.to) == (str(delivery.id), delivery.recipient)
    assert [method for method, _ in notify.asked] == ["POST"]
    assert await rows(database, "SELECT receipt_id FROM deliveries WHERE id = %s", delivery.id) == [(message.id,)]


@BOTH
@pytest.mark.parametrize("again", [{"may_be_told": True}, {"attempts": 1}], ids=["claimed before", "tried before"])
async def test_a_message_whose_answer_was_lost_is_not_sent_again(
    database: Database, notify: NotifyStandIn, name: ChannelName, again: dict[str, Any]
) -> None:
    delivery = await a_delivery(database, name)
    by = channel(database, notify.settings(), name)
    notify.loses = 1
    assert await by.deliver(delivery) == temporary("no-connection")
    assert await by.deliver(replace(delivery, **again)) == Attempted(AttemptOutcome.SENT, "notify-has-it")
    assert len(notify.messages) == 1
    assert await rows(database, "SELECT receipt_id FROM deliveries WHERE id = %s", delivery.id) == [(notify.messages[0].id,)]


async def test_what_was_never_sent_is_sent_however_often_it_was_claimed(database: Database, notify: NotifyStandIn) -> None:
    delivery = replace(await a_delivery(database), may_be_told=True, attempts=4)
    assert await channel(database, notify.settings()).deliver(delivery) == SENT
    assert [method for method, _ in notify.asked] == ["GET", "POST"]


async def test_with_dispatchers_at_work_a_lost_answer_is_one_message(
    database: Database, nudges: Nudges, notify: NotifyStandIn
) -> None:
    delivery = await a_delivery(database)
    notify.loses = 1

    async def is_told() -> bool:
        return await rows(database, "SELECT 1 FROM deliveries WHERE id = %s AND state = 'sent'", delivery.id) != []

    channels = [channel(database, notify.settings()) for _ in range(2)]
    async with dispatcher(database, nudges, channels[0]), dispatcher(database, nudges, channels[1]):
        await eventually(is_told, "the message that Notify has is found")
    assert await attempts(database, delivery.id) == [
        (1, "temporary-failure", "no-connection"), (2, "sent", "notify-has-it"),
    ]  # fmt: skip
    assert len(notify.messages) == 1


@pytest.mark.parametrize("refusal", [(500, "Exception"), (429, "RateLimitError"), (403, "AuthError")])
async def test_where_notify_cannot_be_asked_nothing_is_sent(
    database: Database, notify: NotifyStandIn, refusal: tuple[int, str]
) -> None:
    notify.refusals.append(refusal)
    attempted = await channel(database, notify.settings()).deliver(replace(await a_delivery(database), may_be_told=True))
    assert not attempted.has_told
    assert notify.messages == []


def kept(status: str, hours: float | None = 1.0) -> Kept:
    return Kept(str(uuid4()), status, None if hours is None else AT - timedelta(hours=hours))


@pytest.mark.parametrize(
    "statuses, expected",
    [
        ([], None),
        (["created"], Attempted(AttemptOutcome.SENT, "notify-has-it")),
        (["sending"], Attempted(AttemptOutcome.SENT, "notify-has-it")),
        (["sent"], Attempted(AttemptOutcome.SENT, "notify-has-it")),
        (["a-state-of-next-year"], Attempted(AttemptOutcome.SENT, "notify-has-it")),
        (["delivered"], Attempted(AttemptOutcome.DELIVERED, "receipt-delivered")),
        (["temporary-failure", "delivered"], Attempted(AttemptOutcome.DELIVERED, "receipt-delivered")),
        (["sending", "temporary-failure"], Attempted(AttemptOutcome.SENT, "notify-has-it")),
        (["temporary-failure"], None),
        (["technical-failure", "technical-failure"], None),
        (["permanent-failure"], permanent("receipt-permanent")),
    ],
    ids=lambda value: "+".join(value) or "none" if isinstance(value, list) else "",
)
def test_what_notify_has_decides_whether_it_is_sent_again(statuses: list[str], expected: Attempted | None) -> None:
    assert told_by([kept(status) for status in statuses], AT)[0] == expected


def test_a_number_that_is_none_is_tried_again_after_a_day() -> None:
    assert told_by([kept("permanent-failure", 25)], AT) == (None, "")
    assert told_by([kept("permanent-failure", 23), kept("permanent-failure", 48)], AT)[0] == permanent("receipt-permanent")
    assert told_by([kept("permanent-failure", None)], AT) == (None, "")


# What is on the wire


@pytest.mark.parametrize("kind", ["test", "production"])
async def test_nothing_of_the_person_the_site_or_what_was_written_reaches_notify(
    database: Database, fresh_database: FreshDatabase, notify: NotifyStandIn, kind: str
) -> None:
    """Every notice, of the first alert of a thread and of another one, by e-mail and as a text message; headers included."""
    with psycopg.connect(fresh_database.owner_url) as owner:
        owner.execute("UPDATE store SET kind = %s", (kind,))
    both = await raise_thread(database)
    ((person_id,),) = await rows(database, "SELECT id FROM persons")
    for name, to in TO.items():
        by = channel(database, notify.settings(), name)
        for raised in both:
            for said in NOTICES:
                delivery = await notice(database, raised, said, name, to)
                assert await by.deliver(delivery) == SENT
                assert await by.deliver(replace(delivery, may_be_told=True)) == Attempted(AttemptOutcome.SENT, "notify-has-it")
        assert await by.deliver(await bundle_of(database, both, name, SECOND[name])) == SENT
    ids = [person_id, *(raised.encounter_id for raised in both)]
    assert len(notify.messages) == 4 * len(NOTICES) + 2
    for wire in notify.wire:
        assert leaks(wire, ids) == []
    for message in notify.messages:
        text = f"{message.subject}\n{message.body}"
        assert leaks(text, ids) == []
        assert text.strip().startswith("TEST: ") is (kind == "test")


async def test_a_text_message_reads_like_this(database: Database, notify: NotifyStandIn) -> None:
    raised = await raise_one(database)
    delivery = await notice(database, raised, "raised", ChannelName.SMS, NUMBER)
    await channel(database, notify.settings()).deliver(delivery)
    assert notify.messages[0].body == (
        f"TEST: For your team: a new alert, reference {reference_of(raised.id)}. "
        f"Sign in: https://nightlight.example/alerts/{raised.id}"
    )


async def test_an_email_of_notify_reads_like_this(database: Database, notify: NotifyStandIn) -> None:
    await execute(database, "UPDATE authorities SET name = 'Cyngor Sir Ynys Môn' WHERE name = %s", AUTHORITY_NAME)
    first, second = await raise_thread(database)
    delivery = await notice(database, second, "raised", ChannelName.NOTIFY_EMAIL, MAILBOX)
    await channel(database, notify.settings(), ChannelName.NOTIFY_EMAIL).deliver(delivery)
    (message,) = notify.messages
    belongs = f"another new alert that belongs with {reference_of(first.id)}"
    assert message.subject == f"TEST: Nightlight: {belongs}, reference {reference_of(second.id)}"
    assert message.body.splitlines()[:5] == [
        "TEST: To Cyngor Sir Ynys Môn",
        "",
        f"For your team in Nightlight: {belongs}.",
        "",
        f"Reference: {reference_of(second.id)}",
    ]


LETTER = Letter(
    alert_id=UUID("01938f3e-7b5d-7c4d-9a01-2b3c7c4d19af"),
    thread_id=UUID("01938f3e-7b5d-7c4d-9a01-2b3c0badcafe"),
    authority_name="Cyngor Sir Ynys Môn",
    notice="raised",
    raised_at=AT,
    at=AT,
    link=f"https://{'nightlight' * 4}.example.nhs.uk/alerts/01938f3e-7b5d-7c4d-9a01-2b3c7c4d19af",
    is_test=True,
)
BUNDLED = replace(LETTER, others=tuple(UUID(int=each) for each in range(999)))


@pytest.mark.parametrize("letter", [*(replace(LETTER, notice=said) for said in NOTICES), BUNDLED], ids=[*NOTICES, "bundle"])
def test_a_text_message_has_two_parts_at_most(letter: Letter) -> None:
    """153 characters of the GSM alphabet each, with the name that Notify puts in front; letters beyond it would make three."""
    words = text_words(letter)
    text = "Nightlight: " + re.sub(r"\(\((\w+)\)\)", lambda found: words[found[1]], TEXT_BODY)
    assert text.isascii()
    assert not set(text) & set("[]{}^~|\\`")
    assert len(text) <= 2 * 153


def test_a_bundle_says_how_many_it_tells_of_and_one_reference() -> None:
    words = text_words(BUNDLED)
    assert words["what"] == "1000 new alerts that reached Nightlight late"
    assert words["reference"] == "7C4D-19AF and 999 more"


def test_personalisation_says_these_things_and_no_other() -> None:
    assert email_words(LETTER).keys() == {"test", "what", "authority", "reference", "link"}
    assert text_words(LETTER).keys() == {"test", "what", "reference", "link"}


@pytest.mark.parametrize("text", [EMAIL_SUBJECT, EMAIL_BODY, TEXT_BODY], ids=["subject", "e-mail", "text message"])
def test_the_templates_in_the_guide_are_the_ones_that_are_filled_here(text: str) -> None:
    assert f"```text\n{text.strip()}\n```" in (DOCS / "notify.md").read_text(encoding="utf-8")
