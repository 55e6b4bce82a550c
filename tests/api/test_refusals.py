"""What the pages refuse: strangers, other roles, other organisations, forms that are not ours."""

import re
from uuid import UUID

import pytest
from starlette.routing import Route

from domain.actor import Role
from tests.api.house import NORTHMOOR, WESTLEA, House, nhs_number

NOBODYS = UUID("01a20000-0000-7000-8000-000000000000")
PAGES = [
    "/encounters", "/boards", "/worklist", "/children", "/placements", "/quarantine", "/rules", "/extracts", "/access-review",
    "/rejects", "/samples", "/telling", "/webhooks", "/onboarding", "/cards", "/incidents",
    "/deliveries",
]  # fmt: skip
THEIRS = {
    (Role.CLINICIAN, "R0A"): {"/encounters", "/boards"},
    (Role.SITE_SAFEGUARDING, "R0A"): {"/encounters", "/boards", "/quarantine", "/rules", "/cards", "/incidents"},
    (Role.SOCIAL_WORKER, NORTHMOOR): {"/worklist", "/children", "/placements", "/telling"},
    (Role.DATA_OFFICER, NORTHMOOR): {
        "/extracts", "/children", "/placements", "/rejects", "/samples", "/telling", "/webhooks", "/onboarding", "/incidents",
    },
    (Role.INFORMATION_GOVERNANCE, "nightlight"): {"/access-review", "/onboarding", "/cards", "/incidents"},
    (Role.OPERATOR, "nightlight"): {"/deliveries"},
}  # fmt: skip


async def missing_page(house: House, session_id: str) -> tuple[int, str]:
    async with house.browser(session_id) as browser:
        answer = await browser.get("/there-is-no-such-page")
    return answer.status_code, answer.text.split("<main")[1]


async def an_alert(house: House) -> tuple[UUID, UUID]:
    """A child of Northmoor in St Agnes: the encounter and the alert."""
    await house.flag(nhs_number(1))
    encounter = await house.seen(nhs_number(1))
    return encounter, (await house.alerts())[0]


@pytest.mark.parametrize("path", [*PAGES, f"/encounters/{NOBODYS}", f"/alerts/{NOBODYS}", f"/extracts/{NOBODYS}"])
async def test_anonymous_people_are_sent_to_sign_in(house: House, path: str) -> None:
    async with house.browser() as browser:
        answer = await browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


@pytest.mark.parametrize("path", ["/worklist/rows", "/worklist/events"])
async def test_anonymous_scripts_are_told_401(house: House, path: str) -> None:
    async with house.browser() as browser:
        answer = await browser.get(path, headers={"accept": "*/*"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "path", ["/sign-out", f"/encounters/{NOBODYS}/details", f"/alerts/{NOBODYS}", "/extracts", "/worklist/shown", "/access-review"]
)
async def test_anonymous_forms_do_nothing(house: House, path: str) -> None:
    async with house.browser() as browser:
        answer = await browser.post(path, data={"csrf": "x"})
    assert answer.status_code == 401


async def test_made_up_and_ended_sessions_are_nobody(house: House) -> None:
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    async with house.browser(session) as browser:
        assert (await browser.post("/sign-out", data={"csrf": await house.token(session)})).status_code == 303
    for stale in (session, "made-up"):
        async with house.browser(stale) as browser:
            assert (await browser.get("/worklist")).status_code == 303


def routes_of(house: House) -> list[Route]:
    """All that the application answers, those of its routers as well."""
    inner = [route for each in house.app.routes for route in getattr(getattr(each, "original_router", None), "routes", [each])]
    return [each for each in inner if isinstance(each, Route)]


def posts(house: House) -> list[str]:
    """An address of every form and script that takes a POST, with nobody's ids in it; signing in has its own tests."""
    found = [each.path for each in routes_of(house) if "POST" in (each.methods or ())]
    return [re.sub(r"{[^}]*}", _filled, path) for path in found if not path.startswith("/sign-in")]


def _filled(part: re.Match[str]) -> str:
    given = {"{place}": "1", "{code}": "office", "{plural}": "authorities", "{ods_code}": "R0A01"}
    return given.get(part[0], str(NOBODYS))


async def test_no_post_of_any_page_is_taken_from_a_stranger_or_from_elsewhere(house: House) -> None:
    paths = posts(house)
    assert {"/webhooks", "/telling/rules/new", "/worklist/team", f"/alerts/{NOBODYS}/take", f"/incidents/{NOBODYS}"} <= set(paths)
    async with house.browser() as browser:
        assert {path: (await browser.post(path, data={"csrf": "x"})).status_code for path in paths} == dict.fromkeys(paths, 401)
    for who in THEIRS:
        session = await house.sign_in(*who)
        form = {"csrf": await house.token(session)}
        async with house.browser(session) as browser:
            browser.headers["sec-fetch-site"] = "cross-site"
            taken = {path: (await browser.post(path, data=form)).status_code for path in paths}
        assert set(taken.values()) <= {403, 404}, (who, taken)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("who", THEIRS)
async def test_a_page_of_another_role_is_the_page_that_does_not_exist(house: House, who: tuple[Role, str], path: str) -> None:
    session = await house.sign_in(*who)
    async with house.browser(session) as browser:
        answer = await browser.get(path)
    if path in THEIRS[who]:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, answer.text.split("<main")[1]) == await missing_page(house, session)


@pytest.mark.parametrize(
    "who",
    [(Role.CLINICIAN, "R0B"), (Role.SITE_SAFEGUARDING, "R0B"), (Role.SOCIAL_WORKER, NORTHMOOR), (Role.DATA_OFFICER, NORTHMOOR)],
)
async def test_another_organisations_encounter_is_the_page_that_does_not_exist(house: House, who: tuple[Role, str]) -> None:
    encounter, _ = await an_alert(house)
    session = await house.sign_in(*who)
    token = await house.token(session)
    async with house.browser(session) as browser:
        answers = [
            await browser.get(f"/encounters/{encounter}"),
            await browser.post(f"/encounters/{encounter}/details", data={"csrf": token}),
            await browser.post(f"/encounters/{encounter}/break-glass", data={"csrf": token, "reason": "because I say so"}),
        ]
    for answer in answers:
        assert (answer.status_code, answer.text.split("<main")[1]) == await missing_page(house, session)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert await house.rows("SELECT * FROM accesses WHERE trigger_event = 'banner'") == []
    assert await house.rows("SELECT * FROM audit_events WHERE action = 'flag.break-glass'") == []


@pytest.mark.parametrize("who", [(Role.SOCIAL_WORKER, WESTLEA), (Role.DATA_OFFICER, NORTHMOOR), (Role.CLINICIAN, "R0A")])
async def test_another_authoritys_alert_is_the_page_that_does_not_exist(house: House, who: tuple[Role, str]) -> None:
    _, alert = await an_alert(house)
    session = await house.sign_in(*who)
    form = {"csrf": await house.token(session), "answer": "known", "text": ""}
    async with house.browser(session) as browser:
        answers = [await browser.get(f"/alerts/{alert}"), await browser.post(f"/alerts/{alert}", data=form)]
    for answer in answers:
        assert (answer.status_code, answer.text.split("<main")[1]) == await missing_page(house, session)
    assert await house.rows("SELECT state FROM alerts") == [("raised",)]


@pytest.mark.parametrize("path", ["/alerts/1", "/alerts/not-an-id", "/encounters/999%20000%200018", "/extracts/../secret"])
async def test_what_is_no_address_is_the_page_that_does_not_exist(house: House, path: str) -> None:
    role = Role.CLINICIAN if path.startswith("/enc") else Role.SOCIAL_WORKER
    session = await house.sign_in(role, "R0A" if role is Role.CLINICIAN else NORTHMOOR)
    async with house.browser(session) as browser:
        answer = await browser.get(path)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
        {"sec-fetch-site": None, "origin": "https://evil.example"},
        {"sec-fetch-site": None, "origin": "null"},
        {"sec-fetch-site": None, "origin": None},
    ],
)
async def test_a_form_from_elsewhere_does_nothing(house: House, headers: dict[str, str | None]) -> None:
    _, alert = await an_alert(house)
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    form = {"csrf": await house.token(session), "answer": "known", "text": ""}
    async with house.browser(session) as browser:
        for name, value in headers.items():
            browser.headers.pop(name, None)
            if value is not None:
                browser.headers[name] = value
        answer = await browser.post(f"/alerts/{alert}", data=form)
    assert answer.status_code == 403
    assert await house.rows("SELECT state FROM alerts") == [("raised",)]


async def test_a_browser_without_fetch_metadata_is_known_by_its_origin(house: House) -> None:
    _, alert = await an_alert(house)
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    async with house.browser(session) as browser:
        del browser.headers["sec-fetch-site"]
        answer = await browser.post(f"/alerts/{alert}", data={"csrf": await house.token(session), "answer": "known"})
    assert answer.status_code == 303


@pytest.mark.parametrize("token", ["", "x", "é", None])
async def test_a_form_without_the_sessions_token_does_nothing(house: House, token: str | None) -> None:
    encounter, alert = await an_alert(house)
    worker = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    clinician = await house.sign_in(Role.CLINICIAN, "R0A")
    form = {"answer": "known"} | ({} if token is None else {"csrf": token})
    for session, path in [(worker, f"/alerts/{alert}"), (clinician, f"/encounters/{encounter}/details"), (worker, "/sign-out")]:
        async with house.browser(session) as browser:
            assert (await browser.post(path, data=form)).status_code == 403
    assert await house.rows("SELECT state FROM alerts") == [("raised",)]
    assert await house.rows("SELECT * FROM accesses WHERE trigger_event = 'banner'") == []
    assert await house.rows("SELECT * FROM sessions WHERE ended_at IS NOT NULL") == []


async def test_the_token_of_another_session_does_nothing(house: House) -> None:
    _, alert = await an_alert(house)
    session, other = [await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR) for _ in range(2)]
    async with house.browser(session) as browser:
        answer = await browser.post(f"/alerts/{alert}", data={"csrf": await house.token(other), "answer": "known"})
    assert answer.status_code == 403


async def test_a_form_that_is_too_large_is_not_read(house: House) -> None:
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    form = {"csrf": await house.token(session), "answer": "known", "text": "x" * 100_000}
    async with house.browser(session) as browser:
        answer = await browser.post("/sign-out", data=form)
    assert answer.status_code == 413
