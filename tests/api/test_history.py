"""The history of one alert: everything that became of it, oldest first, in plain words, for its own authority alone."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from api.delivery_words import why
from api.history_words import lines, waits
from domain.actor import Role
from domain.alert import ChannelName
from domain.routing import Routing
from flags_store.authorities import Authority
from safeguarding.directory import Directory
from safeguarding.telling.conversation import Said
from safeguarding.telling.history import Attempted, History, Look, Waits
from safeguarding.telling.routings import routing_of
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number
from tests.api.reading import words
from tests.api.test_worklist import confirm, post, shown_as, worker
from tests.docs.reading import section

CHILD = nhs_number(1)
AT = datetime(2026, 7, 6, 13, 2, tzinfo=UTC)  # 14:02 in England
NORTH = Authority("706", "Northmoor Council", "office 1", "night 2", "duty@northmoor.example", "live", timedelta(days=1), AT, ())
ROUTING: Routing = routing_of(NORTH)
MAIL = "E-mail to duty@northmoor.example (Office team): "
DIRECTORY = Directory(is_production=True, sites={}, authorities={"706": NORTH}, peers=(), read_at=AT)


async def seen(house: House) -> UUID:
    await house.flag(CHILD)
    await house.seen(CHILD)
    return (await house.alerts())[0]


async def history(house: House, alert: UUID, authority: str = NORTHMOOR) -> str:
    async with house.browser(await worker(house, authority)) as browser:
        page = await browser.get(f"/alerts/{alert}/history")
    assert page.status_code == 200
    return words(page.text)


@pytest.mark.parametrize(
    "role, organisation",
    [
        (Role.SOCIAL_WORKER, WESTLEA),
        (Role.CLINICIAN, "R0A"),
        (Role.DATA_OFFICER, NORTHMOOR),
        (Role.INFORMATION_GOVERNANCE, "nightlight"),
    ],
)
async def test_the_history_is_there_for_the_own_authoritys_social_workers_alone(
    house: House, role: Role, organisation: str
) -> None:
    alert = await seen(house)
    async with house.browser(await house.sign_in(role, organisation)) as browser:
        refused = await browser.get(f"/alerts/{alert}/history")
        nowhere = await browser.get(f"/alerts/{uuid4()}/history")
    assert (refused.status_code, nowhere.status_code) == (404, 404)
    assert await house.rows("SELECT 1 FROM audit_events WHERE action = 'alert.history'") == []


async def test_opening_the_history_is_audited_and_stands_in_it_the_next_time(house: House) -> None:
    alert = await seen(house)
    assert "opened this history" not in await history(house, alert)
    assert "Wanda Worker, social worker, opened this history." in await history(house, alert)
    kept = await house.rows("SELECT actor_name, subject_id FROM audit_events WHERE action = 'alert.history'")
    assert kept == [("Wanda Worker", str(alert))] * 2


async def test_who_was_told_who_looked_and_who_answered_stand_in_their_order(house: House) -> None:
    alert = await seen(house)
    session = await worker(house)
    assert await confirm(house, session, await shown_as(house)) == 204
    async with house.browser(session) as browser:
        await browser.get(f"/alerts/{alert}")
        await browser.post(f"/alerts/{alert}/take", data={"csrf": await house.token(session)})
    await post(house, alert, answer="will-ring", text="on 020 7946 0999")
    text = await history(house, alert)
    expected = [
        "Nightlight: Told that the child was seen. Now with: Office team.",
        "Wanda Worker, social worker, was shown the alert on the worklist.",
        "Wanda Worker, social worker, opened the alert.",
        "Wanda Worker, Northmoor Council: Took the alert",
        "Wanda Worker, Northmoor Council answered: “We will ring you” on 020 7946 0999",
    ]
    places = [text.index(line) for line in expected]
    assert places == sorted(places)
    assert "Delivered Screen: a browser has shown it." in text
    assert "HARDING" not in text


async def test_an_e_mail_that_waits_says_since_when_why_how_often_and_when_next(house: House) -> None:
    alert = await seen(house)
    await house.rows(
        """
        WITH waiting AS (
            INSERT INTO deliveries (alert_id, channel, recipient, team, due_at, attempts, next_attempt_at)
            VALUES (%s, 'email', 'duty@northmoor.example', 'office', now() - interval '7 minutes', 3, now() + interval '5 minutes')
            RETURNING id
        )
        INSERT INTO attempts (delivery_id, attempted_at, number, outcome, detail)
        SELECT id, now() - (4 - n) * interval '1 minute', n, 'temporary-failure', 'no-connection'
        FROM waiting, generate_series(1, 3) n RETURNING 1
        """,
        alert,
    )
    text = await history(house, alert)
    assert re.search(
        r"What still waits E-mail to duty@northmoor.example \(Office team\): waits since [^,]+, because the mail server cannot be "
        r"reached; tried 3 times; next at",
        text,
    )
    assert "Not sent E-mail to duty@northmoor.example (Office team): the mail server cannot be reached. Tried 3 times until" in text


def attempt(minutes: int, outcome: str, detail: str = "", channel: str = "email", notice: str = "raised") -> Attempted:
    at = AT + timedelta(minutes=minutes)
    return Attempted(at, UUID(int=1), channel, "duty@northmoor.example", "office", notice, minutes, outcome, detail)


def said(event: str, who: str, side: str, words_: str, team: str = "") -> Said:
    return Said(AT, side, who, "", "", event, words_, "", team)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "attempts, expected",
    [
        ([attempt(0, "sent")], [f"{MAIL}the mail server has taken it."]),
        ([attempt(0, "sent", "bundled")], [f"{MAIL}told together with others of which messages came late."]),
        ([attempt(0, "temporary-failure", "smtp-450")], [f"{MAIL}the mail server answered 450."]),
        (
            [attempt(0, "temporary-failure", "timed-out"), attempt(1, "temporary-failure", "timed-out"), attempt(2, "sent")],
            [
                f"{MAIL}the mail server does not answer in time. Tried 2 times until 14:03.",
                f"{MAIL}the mail server has taken it.",
            ],
        ),
        (
            [attempt(0, "permanent-failure", "no-number", "sms", "left-before-seen 2")],
            [
                "Text message (GOV.UK Notify) to duty@northmoor.example (Office team): the number is not one telephone number. "
                "It tells that the child left before being seen, for the 2nd time."
            ],
        ),
        ([attempt(0, "sent", "", "screen")], ["Screen: open worklists were told to look."]),
        ([attempt(0, "delivered", "shown", "screen")], ["Screen: a browser has shown it."]),
        (
            [attempt(0, "delivered", "", "email", "escalate")],
            [f"{MAIL}it has arrived. It was sent because nobody had acknowledged it."],
        ),
    ],
    ids=["sent", "bundled", "refused", "again and again", "needs a person", "nudged", "shown", "escalated"],
)  # fmt: skip
def test_every_attempt_is_said_in_words_and_the_same_failure_again_is_one_line(
    attempts: list[Attempted], expected: list[str]
) -> None:
    told = lines(History(AT, [], attempts, [], []), ROUTING, DIRECTORY)
    assert [f"{line.what} {line.more}".strip() for line in told] == expected
    assert sum(len(line.times) or 1 for line in told) == len(attempts)


@pytest.mark.parametrize(
    "given, expected",
    [
        (said("escalate", "Nightlight", "nightlight", "Not acknowledged in time: passed on", "emergency"),
         "Nightlight: Not acknowledged in time: passed on. Now with: Emergency duty team."),
        (said("left-before-seen", "St Agnes PAS", "hospital", "The child left before being seen"),
         "St Agnes PAS: The child left before being seen"),
        (said("reply", "Carla", "hospital", "Please ring us"), "Carla answered: “Please ring us”"),
    ],
    ids=["escalated", "the hospital's system", "a clinician"],
)  # fmt: skip
def test_what_was_said_names_who_said_it(given: Said, expected: str) -> None:
    assert [line.what for line in lines(History(AT, [given], [], [], []), ROUTING, DIRECTORY)] == [expected]


def waiting(**given: object) -> Waits:
    whole = {
        "channel": "email", "recipient": "duty@northmoor.example", "team": "office", "notice": "raised", "due_at": AT,
        "attempts": 3, "next_attempt_at": AT + timedelta(minutes=7), "is_in_hand": False, "outcome": "temporary-failure",
        "detail": "no-connection",
    }  # fmt: skip
    return Waits(**(whole | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given, expected",
    [
        ({}, "waits since 14:02, because the mail server cannot be reached; tried 3 times; next at 14:09."),
        ({"attempts": 1}, "waits since 14:02, because the mail server cannot be reached; tried once; next at 14:09."),
        ({"next_attempt_at": AT}, "waits since 14:02, because the mail server cannot be reached; tried 3 times; next at once."),
        ({"attempts": 0, "outcome": None, "detail": None}, "waits since 14:02; it has not been tried yet."),
        ({"is_in_hand": True}, "waits since 14:02; it is being sent now."),
        ({"due_at": AT + timedelta(hours=19)}, "waits until 09:02 tomorrow, when they are next on duty."),
        (
            {"due_at": AT + timedelta(minutes=9), "is_gathering": True},
            "waits until 14:11, to be told together with others of which messages came late.",
        ),
        (
            {"attempts": 0, "is_gathering": True, "is_with_others": True},
            "waits since 14:02; it is told together with another alert, in one message that has not gone out yet.",
        ),
    ],
    ids=["failing", "once", "now", "not tried", "in hand", "queued for the morning", "gathering", "with others"],
)
def test_what_waits_says_since_when_and_why(given: dict[str, object], expected: str) -> None:
    told = waits(History(AT, [], [], [], [waiting(**given)]), ROUTING, DIRECTORY, AT + timedelta(minutes=3))
    assert told == [f"E-mail to duty@northmoor.example (Office team): {expected}"]


def test_looks_are_said_with_who_and_the_times_are_englands() -> None:
    look = Look(AT, "Wanda Worker", "social-worker", "alert.view")
    assert [line.what for line in lines(History(AT, [], [], [look], []), ROUTING, DIRECTORY)] == [
        "Wanda Worker, social worker, opened the alert."
    ]


@pytest.mark.parametrize("code", ["", "some-new-code", "smtp-5", "status-"])
def test_a_code_that_nobody_has_words_for_is_shown_as_it_is(code: str) -> None:
    assert why(ChannelName.WEBHOOK, code) == f"the authority's system failed ({code or 'no reason is known'})"


def test_every_code_of_the_guide_has_words() -> None:
    table = section("alerts.md", "## The life of a delivery")
    codes = [code for cells in re.findall(r"^\| (`[^|]+) \|", table, re.MULTILINE) for code in re.findall(r"`([^`]+)`", cells)]
    codes = [code.replace("NNN", "503").replace("4xx", "450").replace("5xx", "550") for code in codes]
    well = {"shown", "notify-has-it", "receipt-delivered"}
    assert len(codes) > 40
    assert [code for code in codes if code not in well and "failed (" in why(ChannelName.EMAIL, code)] == []
