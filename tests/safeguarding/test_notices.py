"""Notices: what is due is told once whatever restarts, until a mail server takes it, and names nobody."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from itertools import product
from uuid import uuid4

import pytest
from pydantic import SecretStr

from domain.extract import Scope
from flags_store.authorities import Authority, read_authorities
from flags_store.notices import Audience, Notice, NoticeKind, Told, claim_notice, oldest_unsent
from nightlight.processes.notices import keep_noticing
from runtime.clock import england_day, now
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.notice_words import write_notice
from safeguarding.notices import LATE_AGAIN, LEASE, Due, Post, due_of, record_due, send_next, week_of
from safeguarding.onboarding.agreements import AgreedWith, Terms, record_agreement
from tests.alerts.mail import Mailbox, mail_server, reserve_port, url_of
from tests.conftest import FreshDatabase
from tests.extracts.files import a_file, row
from tests.extracts.store import OFFICER, Store

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)  # a Wednesday
FRESH = Authority(
    "301", "Ambershire", "", "", None, "live", timedelta(days=1), AT - timedelta(hours=1), (), "data@ambershire.example"
)
LATE = replace(FRESH, last_extracted_at=AT - timedelta(days=2))
WEEK = Due(Audience.AUTHORITY, NoticeKind.WEEKLY, "2026-W10")
AUTHORITY, OPERATOR = Audience.AUTHORITY, Audience.OPERATOR


def told(kind: NoticeKind, period: str, audience: Audience = AUTHORITY, at: datetime = AT) -> Told:
    return Told(audience, kind, period, at)


def lateness(due: list[Due]) -> list[tuple[Audience, NoticeKind, str, int]]:
    return [(each.audience, each.kind, each.period, each.times) for each in due if each.kind is not NoticeKind.WEEKLY]


# What is due


@pytest.mark.parametrize(
    "at, week",
    [
        pytest.param(datetime(2026, 3, 2, 6, 59, tzinfo=UTC), "2026-W09", id="Monday before seven"),
        pytest.param(datetime(2026, 3, 2, 7, 0, tzinfo=UTC), "2026-W10", id="Monday at seven"),
        pytest.param(datetime(2026, 3, 8, 23, 59, tzinfo=UTC), "2026-W10", id="Sunday"),
        pytest.param(datetime(2026, 6, 1, 6, 0, tzinfo=UTC), "2026-W23", id="Monday at seven in summer"),
        pytest.param(datetime(2026, 6, 1, 5, 59, tzinfo=UTC), "2026-W22", id="Monday before seven in summer"),
        pytest.param(datetime(2027, 1, 1, 12, 0, tzinfo=UTC), "2026-W53", id="a week of two years"),
    ],
)
def test_the_week_begins_on_monday_at_seven_in_england(at: datetime, week: str) -> None:
    assert week_of(at) == week


@pytest.mark.parametrize("state", ["setting-up", "trial", "live", "paused"])
def test_only_a_live_authority_alarms_and_only_one_that_is_set_up_gets_the_weekly_summary(state: str) -> None:
    due = due_of(replace(LATE, state=state), [], AT, operator=True)
    assert (WEEK in due) == (state != "setting-up")
    assert bool(lateness(due)) == (state == "live")


def test_an_authority_without_an_address_is_told_nothing_and_the_operator_is_told_all_the_same() -> None:
    due = due_of(replace(LATE, data_email=None), [], AT, operator=True)
    assert [each.audience for each in due] == [OPERATOR]
    assert due_of(replace(LATE, data_email=None), [], AT, operator=False) == []


def test_a_fresh_feed_alarms_nobody() -> None:
    assert due_of(FRESH, [], AT, operator=True) == [WEEK]


@pytest.mark.parametrize("days, times", [(0, 0), (2, 0), (3, 1), (8, 2), (30, 10)])
def test_a_late_feed_is_told_of_once_and_again_every_three_days(days: int, times: int) -> None:
    base = LATE.last_extracted_at
    assert base is not None
    at = base + LATE.rhythm + timedelta(days=days, minutes=1)
    period = f"{base.isoformat()}#{times}"
    assert lateness(due_of(LATE, [], at, operator=True)) == [
        (AUTHORITY, NoticeKind.LATE, period, times),
        (OPERATOR, NoticeKind.LATE, period, times),
    ]


def test_a_feed_that_never_came_is_late_from_the_first_time_that_this_was_told() -> None:
    never = replace(LATE, last_extracted_at=None)
    assert lateness(due_of(never, [], AT, operator=False)) == [(AUTHORITY, NoticeKind.LATE, "never#0", 0)]
    before = told(NoticeKind.LATE, "never#0", at=AT - LATE_AGAIN)
    assert lateness(due_of(never, [before], AT, operator=False)) == [(AUTHORITY, NoticeKind.LATE, "never#1", 1)]


def test_a_feed_that_comes_again_is_told_of_once_to_those_who_heard_that_it_was_late() -> None:
    base = "2026-03-01T12:00:00+00:00"
    late = [told(NoticeKind.LATE, f"{base}#0"), told(NoticeKind.LATE, f"{base}#1")]
    assert lateness(due_of(FRESH, late, AT, operator=True)) == [(AUTHORITY, NoticeKind.RECEIVED_AGAIN, base, 0)]
    assert lateness(due_of(FRESH, [*late, told(NoticeKind.RECEIVED_AGAIN, base)], AT, operator=True)) == []


def test_a_feed_that_is_late_no_more_by_a_longer_rhythm_alone_was_not_received_again() -> None:
    assert LATE.last_extracted_at is not None
    late = [told(NoticeKind.LATE, f"{LATE.last_extracted_at.isoformat()}#0")]
    assert lateness(due_of(replace(LATE, rhythm=timedelta(days=7)), late, AT, operator=True)) == []


# What it says


def notice(kind: NoticeKind, audience: Audience, **facts: int | str | None) -> Notice:
    known: dict[str, int | float | str | None] = {
        "rejected": 3, "rejected_since": (AT - timedelta(days=12)).isoformat(), "still_sent": 1, "held": 0, "held_since": None,
        "missing": 2, "matched": "not measured", "last_extracted_at": (AT - timedelta(days=2)).isoformat(),
        "rhythm_seconds": 86400.0, "times": 0, "told": 1, "party": "organisation R0A of Ambershire", "last_day": "2027-03-31",
        "days_left": 30,
    }  # fmt: skip
    return Notice(uuid4(), "301", "Ambershire", None, audience, kind, known | facts, AT, 1, is_test=True)


NOBODYS = {(NoticeKind.WEEKLY, OPERATOR), (NoticeKind.AGREEMENT, AUTHORITY)}
ALL = [pair for pair in product(NoticeKind, Audience) if pair not in NOBODYS]


@pytest.mark.parametrize("kind, audience", ALL)
def test_every_notice_has_a_text_that_reads_the_same_each_time_and_says_test_in_a_test_store(
    kind: NoticeKind, audience: Audience
) -> None:
    one = notice(kind, audience)
    subject, text = write_notice(one, "https://nightlight.example/extracts")
    assert write_notice(one, "https://nightlight.example/extracts") == (subject, text)
    assert subject.startswith("TEST: Nightlight: ")
    assert text.startswith("TEST: this comes from a test system.")
    assert "https://nightlight.example/extracts" in text
    assert "Ambershire" in text
    real = write_notice(replace(one, is_test=False), "https://nightlight.example/extracts")
    assert "TEST" not in " ".join(real)


def test_the_weekly_summary_tells_counts_and_the_oldest_ages() -> None:
    text = write_notice(notice(NoticeKind.WEEKLY, AUTHORITY), "x")[1]
    for line in (
        "Rejected records that wait: 3, the oldest for 12 days",
        "Waiting for a second person: 0",
        "Plans missing from two full extracts: 2",
        "Matched with PDS: not measured",
        "Newest extract: taken on 2 March 2026 at 12:00",
    ):
        assert f"{line}\n" in text


def test_the_operator_reads_that_nobody_at_the_authority_could_be_told() -> None:
    assert "Nobody at the authority was told" in write_notice(notice(NoticeKind.LATE, OPERATOR, told=0), "x")[1]
    assert "Nobody at the authority was told" not in write_notice(notice(NoticeKind.LATE, OPERATOR), "x")[1]


def test_a_feed_that_stays_late_is_told_of_otherwise_than_the_first_time() -> None:
    assert "your feed is late" in write_notice(notice(NoticeKind.LATE, AUTHORITY), "x")[0]
    assert "your feed is still late" in write_notice(notice(NoticeKind.LATE, AUTHORITY, times=1), "x")[0]


# Written down once, sent until it is taken


@pytest.fixture
async def store(fresh_database: FreshDatabase) -> AsyncIterator[Store]:
    async with Database(fresh_database.service_url, 8) as database:
        store = Store(database)
        await store.furnish()
        await store.rows("UPDATE authorities SET data_email = 'data@ambershire.example' WHERE code = '301' RETURNING 1")
        await store.rows("UPDATE authorities SET state = 'setting-up' WHERE code = '302' RETURNING 1")
        yield store


def post(server: socket.socket | None, operator: str = "on-call@operator.example") -> Post:
    settings = Settings(public_url="https://nightlight.example")
    return Post.of(url_of(server) if server else "", "Nightlight <nightlight@nightlight.example>", operator, settings.link)


async def send_all(store: Store, server: socket.socket) -> None:
    while await send_next(store.database, post(server)):
        pass


def about(mailbox: Mailbox) -> list[tuple[str, str]]:
    return sorted((str(letter["To"]), str(letter["Subject"])) for letter in mailbox.letters)


async def agree_until(store: Store, ends: date) -> None:
    """The authority has an agreement that ends on a day."""
    texts = ("Sharing", "Both", "Us", "Direct care", "Act", "dpo@301.example")
    async with store.database.transaction() as transaction:
        await record_agreement(transaction, OFFICER, Terms(AgreedWith.AUTHORITY, "301", *texts, ends - timedelta(days=60), ends))


async def test_each_is_sent_once_whatever_restarts_and_whoever_else_looks(store: Store) -> None:
    mailbox, server = Mailbox(), reserve_port()
    async with mail_server(mailbox, server):
        for _ in range(3):
            await record_due(store.database, operator=True)
            await send_all(store, server)
    subjects = [subject for _, subject in about(mailbox)]
    assert [each.removeprefix("TEST: Nightlight: ").split(",")[0] for each in subjects] == [
        "what waits for you", "your feed is late", "the feed of Ambershire is late",
    ]  # fmt: skip


async def test_with_the_mail_server_away_or_refusing_nothing_is_lost(store: Store) -> None:
    mailbox, server = Mailbox(), reserve_port()
    await record_due(store.database, operator=False)
    assert await send_next(store.database, post(server))
    assert await store.rows("SELECT last_error, sent_at FROM notices WHERE tries > 0") == [("no-connection", None)]
    mailbox.refusals = ["450 later", "550 never"]
    async with mail_server(mailbox, server):
        for _ in range(5):
            await store.rows("UPDATE notices SET next_try_at = now() RETURNING 1")
            await send_all(store, server)
    assert len(mailbox.letters) == 2
    async with store.database.transaction() as transaction:
        assert await oldest_unsent(transaction) is None


async def test_a_crash_after_the_servers_yes_sends_it_again_under_the_same_message_id(store: Store) -> None:
    mailbox, server = Mailbox(), reserve_port()
    await record_due(store.database, operator=False)
    async with mail_server(mailbox, server):
        await send_all(store, server)
        await store.rows("UPDATE notices SET sent_at = NULL, next_try_at = now() RETURNING 1")
        await send_all(store, server)
    ids = [str(letter["Message-ID"]) for letter in mailbox.letters]
    assert (len(ids), len(set(ids))) == (4, 2)
    bodies = {(str(letter["Message-ID"]), letter.get_content()) for letter in mailbox.letters}
    assert len(bodies) == 2


async def test_what_one_process_has_in_hand_no_other_takes(store: Store) -> None:
    await record_due(store.database, operator=False)
    async with store.database.transaction() as transaction:
        taken = [await claim_notice(transaction, LEASE, operator=False) for _ in range(3)]
    assert [each is not None for each in taken] == [True, True, False]


async def test_without_a_mail_server_they_wait_and_without_an_address_too(store: Store) -> None:
    await record_due(store.database, operator=True)
    assert not await send_next(store.database, post(None))
    await store.rows("UPDATE authorities SET data_email = NULL RETURNING 1")
    mailbox, server = Mailbox(), reserve_port()
    async with mail_server(mailbox, server):
        await send_all(store, server)
    assert [to for to, _ in about(mailbox)] == ["on-call@operator.example"]
    assert await store.rows("SELECT count(*) FROM notices WHERE sent_at IS NULL") == [(2,)]


async def test_a_feed_that_was_late_and_comes_is_told_of(store: Store) -> None:
    mailbox, server = Mailbox(), reserve_port()
    await record_due(store.database, operator=True)
    await store.load(a_file(row()), now())
    await record_due(store.database, operator=True)
    async with mail_server(mailbox, server):
        await send_all(store, server)
    subjects = [subject for _, subject in about(mailbox)]
    assert "TEST: Nightlight: your feed was received again" in subjects
    assert "TEST: Nightlight: the feed of Ambershire was received again" in subjects


async def test_nobody_can_be_known_by_any_e_mail(store: Store) -> None:
    """A store full of work: rejected, sensitive, held, missing; every kind of notice; not one word of anybody in it."""
    await store.load(
        a_file(row(), row(nhs_number="9990000019", local_id="LOC-77", given_name="Wilhelmina")), now() - timedelta(days=9)
    )
    await store.load(
        a_file(row(local_id="LOC-77", nhs_number="12345", family_name="Quux")), now() - timedelta(days=8), scope=Scope.FULL
    )
    await agree_until(store, england_day(now()))
    await record_due(store.database, operator=True)
    await store.load(a_file(row(start_date="2025-02-30"), row(local_id="B2", kind="X"), row(local_id="C3")), now(), sensitive=True)
    await record_due(store.database, operator=True)
    mailbox, server = Mailbox(), reserve_port()
    async with mail_server(mailbox, server):
        await send_all(store, server)
    kinds = {(kind, audience) for kind, audience in await store.rows("SELECT kind, audience FROM notices")}
    assert kinds == {(kind.value, audience.value) for kind, audience in ALL}
    for letter in mailbox.letters:
        whole = said(letter)
        for word in (
            "Ada", "Example", "Wilhelmina", "Quux", "LOC-77", "A1", "9990000018", "999 000 0018", "9990000019", "12345", "2018",
            "2025-01-06", "CPP", "LAC", "UCPP", "child protection", "01632",
        ):  # fmt: skip
            assert word not in whole, word


def said(letter: EmailMessage) -> str:
    """All of it but the ids and the times that a mail program reads."""
    head = "\n".join(f"{name}: {value}" for name, value in letter.items() if name not in {"Message-ID", "Date"})
    return f"{head}\n{letter.get_content()}"


async def test_the_newest_extract_decides_about_lateness_for_one_authority_alone(store: Store) -> None:
    await store.rows("UPDATE authorities SET state = 'live', data_email = 'data@birchford.example' WHERE code = '302' RETURNING 1")
    await store.load(a_file(row()), now())
    await record_due(store.database, operator=False)
    assert await store.rows("SELECT authority_code FROM notices WHERE kind = 'late'") == [("302",)]
    async with store.database.transaction() as transaction:
        assert [each.code for each in await read_authorities(transaction) if each.is_late(now())] == ["302"]


def test_an_operators_address_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="NIGHTLIGHT_OPERATOR_EMAIL"):
        post(None, "nobody, really")


async def test_the_loader_tells_what_is_due_by_itself(store: Store) -> None:
    mailbox, server = Mailbox(), reserve_port()
    settings = Settings(smtp_url=SecretStr(url_of(server)), operator_email="on-call@operator.example")
    async with mail_server(mailbox, server):
        noticing = asyncio.create_task(keep_noticing(store.database, settings, seconds=0.05))
        while len(mailbox.received) < 3:
            assert not noticing.done()
            await asyncio.sleep(0.01)
        noticing.cancel()
        with suppress(asyncio.CancelledError):
            await noticing
    assert len(mailbox.received) == 3


@pytest.mark.parametrize(
    "days_left, subject",
    [
        (60, "the agreement with organisation R0A runs out"),
        (0, "the agreement with organisation R0A runs out"),
        (-1, "the agreement with organisation R0A has run out"),
    ],
)
def test_the_operator_reads_that_an_agreement_ends_and_that_it_changes_nothing(days_left: int, subject: str) -> None:
    said = write_notice(notice(NoticeKind.AGREEMENT, OPERATOR, party="organisation R0A", days_left=days_left), "x")
    assert said[0] == f"TEST: Nightlight: {subject}"
    assert "31 March 2027" in said[1]
    assert "No flag is hidden and no alert stops" in said[1]


async def test_the_end_of_an_agreement_is_told_to_the_operator_once_for_each_stage(store: Store) -> None:
    ends = england_day(AT) + timedelta(days=60)
    await agree_until(store, ends)
    told = "SELECT authority_code, audience, period FROM notices WHERE kind = 'agreement' ORDER BY id"
    for ahead in (-1, 0, 1, 30, 31, 53, 60, 61, 90):
        for operator in (False, True):
            await record_due(store.database, operator=operator, at=AT + timedelta(days=ahead))
    stages = [(None, "operator", f"authority 301 {ends}#{stage}") for stage in (60, 30, 7, -1)]
    assert await store.rows(told) == stages
    mailbox, server = Mailbox(), reserve_port()
    async with mail_server(mailbox, server):
        await send_all(store, server)
    assert [each for each in about(mailbox) if "agreement" in each[1]] == [
        ("on-call@operator.example", "TEST: Nightlight: the agreement with authority 301 has run out"),
        *[("on-call@operator.example", "TEST: Nightlight: the agreement with authority 301 runs out")] * 3,
    ]
