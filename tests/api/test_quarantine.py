"""The quarantine's page: who may see what, what a decision does, and how readiness tells of what waits."""

import re
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.actor import Role
from tests.api.house import NORTHMOOR, House, nhs_number
from tests.api.reading import words
from tests.hl7_listener.samples import sample

A04 = sample("a04_emergency")
NO_PID = b"\r".join(line for line in A04.split(b"\r") if not line.startswith(b"PID"))
OTHERS = [
    (Role.CLINICIAN, "R0A"), (Role.SOCIAL_WORKER, NORTHMOOR), (Role.DATA_OFFICER, NORTHMOOR),
    (Role.INFORMATION_GOVERNANCE, "nightlight"),
]  # fmt: skip


async def put(house: House, age: str = "1 s", facility: str = "R0A01", raw: bytes = NO_PID, peer: str = "127.0.0.1") -> Any:
    """A message that could not be taken so long ago."""
    [(message_id,)] = await house.rows(
        """
        INSERT INTO quarantine
            (received_at, peer, sending_facility, control_id, reason, error_code, raw, content_hash, acknowledgement)
        VALUES (now() - %s::interval, %s, %s, 'C1', 'the message has no PID segment', '100', %s, gen_random_uuid()::text::bytea, '')
        RETURNING id
        """,
        age, peer, facility, raw,
    )  # fmt: skip
    return message_id


async def ready(house: House) -> dict[str, Any]:
    async with house.browser() as browser:
        found: dict[str, Any] = (await browser.get("/ready")).json()
    return found


async def test_a_message_that_is_held_too_long_is_named_by_readiness(house: House) -> None:
    for process in ("listener", "dispatcher", "loader"):
        await house.rows("INSERT INTO heartbeats VALUES (%s, 'one', now()) RETURNING 1", process)
    assert (await ready(house))["oldest_quarantined_message_seconds"] is None
    message_id = await put(house, "50 minutes")
    assert (await ready(house))["reasons"] == []
    await put(house, "2 minutes")
    await house.rows("UPDATE quarantine SET received_at = now() - interval '4000 s' WHERE id = %s RETURNING 1", message_id)
    body = await ready(house)
    [reason] = body["reasons"]
    assert re.fullmatch(r"a message has been in quarantine for 40[0-5]\d s", reason)
    assert body["status"] == "degraded"
    assert 4000 <= body["oldest_quarantined_message_seconds"] < 4060
    await house.rows("UPDATE quarantine SET state = 'discarded', decided_at = now() WHERE id = %s RETURNING 1", message_id)
    assert (await ready(house))["reasons"] == []


async def test_the_age_of_the_oldest_is_a_metric_and_0_where_none_is_held(house: House) -> None:
    async def measured() -> float:
        async with house.browser() as browser:
            text = (await browser.get("/metrics")).text
        [line] = [line for line in text.splitlines() if line.startswith("nightlight_oldest_quarantined_message_seconds{")]
        return float(line.split()[-1])

    assert await measured() == 0.0
    await put(house, "4000 s")
    assert 4000 <= await measured() < 4060


# Who may see what


async def missing_page(house: House, session: str) -> str:
    async with house.browser(session) as browser:
        answer = await browser.get("/there-is-no-such-page")
    assert answer.status_code == 404
    return answer.text.split("<main")[1]


async def nurse(house: House, organisation: str = "R0A") -> str:
    return await house.sign_in(Role.SITE_SAFEGUARDING, organisation, "Nora Nurse")


async def decide(house: House, session: str, message_id: UUID, what: str, **form: str) -> tuple[int, str]:
    async with house.browser(session) as browser:
        answer = await browser.post(f"/quarantine/{message_id}/{what}", data={"csrf": await house.token(session)} | form)
        if answer.status_code == 303:
            answer = await browser.get(answer.headers["location"])
            return 303, words(answer.text)
    return answer.status_code, words(answer.text)


async def actions(house: House) -> list[object]:
    return [
        action for (action,) in await house.rows("SELECT action FROM audit_events WHERE action LIKE 'quarantine.%%' ORDER BY id")
    ]


async def test_anonymous_people_see_and_decide_nothing(house: House) -> None:
    message_id = await put(house)
    async with house.browser() as browser:
        for path in ("/quarantine", f"/quarantine/{message_id}"):
            assert (await browser.get(path)).headers["location"] == f"/sign-in?next={path}"
        for what in ("replay", "discard"):
            assert (await browser.post(f"/quarantine/{message_id}/{what}", data={"csrf": "x"})).status_code == 401
    assert await house.rows("SELECT state FROM quarantine") == [("held",)]


@pytest.mark.parametrize("role, organisation", [*OTHERS, (Role.SITE_SAFEGUARDING, "R0B")])
async def test_for_everybody_else_a_message_is_the_page_that_does_not_exist(house: House, role: Role, organisation: str) -> None:
    message_id = await put(house)
    session = await house.sign_in(role, organisation)
    form = {"csrf": await house.token(session), "reason": "because I say so"}
    missing = await missing_page(house, session)
    async with house.browser(session) as browser:
        answers = [
            await browser.get(f"/quarantine/{message_id}"),
            await browser.post(f"/quarantine/{message_id}/replay", data=form),
            await browser.post(f"/quarantine/{message_id}/discard", data=form),
        ]
        if role is not Role.SITE_SAFEGUARDING:
            answers.append(await browser.get("/quarantine"))
    assert [(answer.status_code, answer.text.split("<main")[1]) for answer in answers] == [(404, missing)] * len(answers)
    assert await house.rows("SELECT state FROM quarantine") == [("held",)]
    assert await actions(house) == []


@pytest.mark.parametrize("path", [f"/quarantine/{UUID(int=1)}", "/quarantine/1", "/quarantine?state=secret"])
async def test_what_is_not_there_is_the_page_that_does_not_exist(house: House, path: str) -> None:
    session = await nurse(house)
    async with house.browser(session) as browser:
        answer = await browser.get(path)
    assert (answer.status_code, answer.text.split("<main")[1]) == (404, await missing_page(house, session))


@pytest.mark.parametrize("what", ["replay", "discard"])
async def test_a_form_that_is_not_ours_decides_nothing(house: House, what: str) -> None:
    message_id = await put(house, raw=A04)
    session = await nurse(house)
    async with house.browser(session) as browser:
        for form, headers in (({"csrf": "x"}, {}), ({"csrf": await house.token(session)}, {"sec-fetch-site": "cross-site"})):
            answer = await browser.post(f"/quarantine/{message_id}/{what}", data=form | {"reason": "not needed"}, headers=headers)
            assert answer.status_code == 403
    assert await house.rows("SELECT state FROM quarantine") == [("held",)]


async def test_a_message_whose_sender_may_not_speak_for_the_site_is_counted_and_not_shown(house: House) -> None:
    stranger, unknown = await put(house, peer="10.9.9.9"), await put(house, facility="R0Z99")
    session = await nurse(house)
    async with house.browser(session) as browser:
        page = await browser.get("/quarantine")
        for message_id in (stranger, unknown):
            assert str(message_id) not in page.text
            assert (await browser.get(f"/quarantine/{message_id}")).status_code == 404
    assert "1 more names a site of yours and came from a system that may not speak for it" in words(page.text)


# The good case


async def test_the_list_says_why_and_how_long_and_shows_no_patient(house: House) -> None:
    await put(house, "3 hours", raw=A04)
    async with house.browser(await nurse(house)) as browser:
        page = words((await browser.get("/quarantine")).text)
    assert "C1" in page
    assert "3 h 0 min ago" in page
    assert "The message has no PID segment 100" in page
    assert "St Agnes Hospital" in page
    assert "HARDING" not in page
    assert await actions(house) == []


async def test_opening_a_held_message_shows_its_fields_and_what_would_mend_it_and_is_audited(house: House) -> None:
    message_id = await put(house, raw=A04.replace(b"Testtown", b"<script>alert(1)</script>"))
    async with house.browser(await nurse(house)) as browser:
        page = (await browser.get(f"/quarantine/{message_id}")).text
    assert "PID-5 Value HARDING^Amelia^Rose^^Miss^^L" in words(page)
    assert "send it again" in words(page)
    assert "<script>alert" not in page
    assert await house.rows("SELECT action, actor_name, subject_id FROM audit_events WHERE action LIKE 'quarantine.%%'") == [
        ("quarantine.view", "Nora Nurse", str(message_id))
    ]


async def test_a_replay_that_is_taken_is_marked_alerts_once_and_hides_the_content(house: House) -> None:
    await house.flag(nhs_number(1))
    message_id = await put(house, raw=A04)
    session = await nurse(house)
    status, page = await decide(house, session, message_id, "replay")
    assert status == 303
    assert "Replayed" in page
    assert "by Nora Nurse" in page
    assert "HARDING" not in page
    assert len(await house.alerts()) == 1
    status, page = await decide(house, session, message_id, "replay")
    assert status == 409
    assert "This message is replayed already, by Nora Nurse" in page
    assert len(await house.alerts()) == 1
    assert await actions(house) == ["quarantine.replay"]


async def test_a_replay_that_cannot_be_taken_stays_and_says_so(house: House) -> None:
    message_id = await put(house, raw=NO_PID)
    status, page = await decide(house, await nurse(house), message_id, "replay")
    assert status == 303
    assert "It was tried again" in page
    assert "and still cannot be taken" in page
    assert await house.rows("SELECT state FROM quarantine") == [("held",)]


@pytest.mark.parametrize("reason", ["", "   ", "no", "x" * 201])
async def test_nothing_is_discarded_without_a_reason(house: House, reason: str) -> None:
    message_id = await put(house)
    status, page = await decide(house, await nurse(house), message_id, "discard", reason=reason)
    assert status == 422
    assert "Say why, in 5 to 200 characters" in page
    assert await house.rows("SELECT state FROM quarantine") == [("held",)]


async def test_what_is_discarded_says_by_whom_and_why(house: House) -> None:
    message_id = await put(house)
    session = await nurse(house)
    status, page = await decide(house, session, message_id, "discard", reason="sent again with PID")
    assert status == 303
    assert "by Nora Nurse: sent again with PID" in page
    async with house.browser(session) as browser:
        held = words((await browser.get("/quarantine")).text)
        discarded = words((await browser.get("/quarantine?state=discarded")).text)
    assert "There are none" in held
    assert "sent again with PID" in discarded


async def test_with_the_store_away_nothing_is_decided_and_the_page_says_try_again(house: House) -> None:
    message_id = await put(house, raw=A04)
    session = await nurse(house)
    form = {"csrf": await house.token(session)}
    async with house.browser(session) as browser, house.store_away():
        assert (await browser.post(f"/quarantine/{message_id}/replay", data=form)).status_code == 503
    with psycopg.connect(house.settings.database_url.get_secret_value()) as store:
        assert store.execute("SELECT state FROM quarantine").fetchall() == [("held",)]
