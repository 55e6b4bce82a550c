"""Signing in through a real OpenID Connect provider on loopback, and signing out."""

import json
import re
import socket
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from api.security import local_path
from domain.actor import Role
from tests.api.house import NORTHMOOR, House, open_house
from tests.api.provider import provider
from tests.conftest import FreshDatabase

SECRET = SecretStr("a secret")
HOMES = {"carla": "/encounters", "sunil": "/encounters", "wanda": "/worklist", "dora": "/extracts", "iggy": "/access-review"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with provider() as address:
        yield address


@pytest.fixture
async def house(fresh_database: FreshDatabase, redis_url: str, tmp_path: Path, issuer: str) -> AsyncIterator[House]:
    async with open_house(fresh_database, redis_url, tmp_path, oidc_issuer=issuer, oidc_client_secret=SECRET) as house:
        yield house


async def leave(browser: httpx.AsyncClient, path: str = "/sign-in") -> str:
    """Where the sign-in sends the browser."""
    answer = await browser.get(path)
    assert answer.status_code == 302
    return answer.headers["location"]


async def agree(address: str, person: str, **form: str) -> str:
    """At the provider: say who one is; the address that it sends the browser back to."""
    async with httpx.AsyncClient(timeout=60) as elsewhere:
        answer = await elsewhere.post(address, data={"sub": person} | form)
    assert answer.status_code == 302
    return answer.headers["location"]


async def sign_in(browser: httpx.AsyncClient, person: str, path: str = "/sign-in") -> httpx.Response:
    return await browser.get(await agree(await leave(browser, path), person))


def cookie_attributes(answer: httpx.Response, name: str) -> set[str]:
    cookies = [value for header, value in answer.headers.multi_items() if header == "set-cookie" and value.startswith(f"{name}=")]
    return {part.strip().lower() for part in cookies[0].split(";")[1:]}


@pytest.mark.parametrize("person", ["nobody", "boss", "stray", "mixed"])
async def test_whoever_has_no_role_here_gets_a_page_that_says_so_and_no_session(house: House, person: str) -> None:
    async with house.browser() as browser:
        answer = await sign_in(browser, person)
        assert "You have no role here" in answer.text
        assert (await browser.get("/worklist")).status_code == 303
    assert answer.status_code == 403
    assert await house.rows("SELECT * FROM sessions") == []


async def test_an_answer_with_another_state_signs_nobody_in(house: House) -> None:
    async with house.browser() as browser:
        back = await agree(await leave(browser), "wanda")
        answer = await browser.get(re.sub(r"state=[^&]+", "state=made-up", back))
    assert (answer.status_code, await house.rows("SELECT * FROM sessions")) == (400, [])


async def test_an_answer_brought_by_another_browser_signs_nobody_in(house: House) -> None:
    async with house.browser() as browser, house.browser() as other:
        back = await agree(await leave(browser), "wanda")
        answer = await other.get(back)
    assert (answer.status_code, await house.rows("SELECT * FROM sessions")) == (400, [])


async def test_an_answer_is_good_for_one_time(house: House) -> None:
    async with house.browser() as browser:
        back = await agree(await leave(browser), "wanda")
        assert (await browser.get(back)).status_code == 303
        assert (await browser.get(back)).status_code == 400
    assert len(await house.rows("SELECT * FROM sessions")) == 1


async def test_who_refuses_at_the_provider_is_not_signed_in(house: House) -> None:
    async with house.browser() as browser:
        answer = await browser.get(await agree(await leave(browser), "wanda", action="deny"))
    assert (answer.status_code, "You are not signed in" in answer.text) == (400, True)


async def test_a_sign_in_cookie_that_was_changed_is_worth_nothing(house: House) -> None:
    async with house.browser() as browser:
        back = await agree(await leave(browser), "wanda")
        cookie = browser.cookies["nightlight-sign-in"]
    async with house.browser() as other:
        other.cookies["nightlight-sign-in"] = ("A" if cookie[0] != "A" else "B") + cookie[1:]
        answer = await other.get(back)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "worklist",
        "/ok\r\nSet-Cookie: x=y", "", "http:/evil.example", "/\tx",
    ],
)  # fmt: skip
def test_nobody_is_ever_sent_to_another_host(target: str) -> None:
    assert local_path(target) == "/"


@pytest.mark.parametrize("target", ["/worklist", "/alerts/1?x=2", "/"])
def test_a_path_of_ours_is_kept(target: str) -> None:
    assert local_path(target) == target


async def test_a_foreign_next_ends_at_the_start_page(house: House) -> None:
    async with house.browser() as browser:
        answer = await sign_in(browser, "wanda", "/sign-in?next=https://evil.example/")
    assert answer.headers["location"] == "/"


async def test_who_signs_in_comes_back_to_the_page_as_it_was_chosen(house: House) -> None:
    async with house.browser() as browser:
        asked = (await browser.get("/worklist?view=mine&sort=age", headers={"accept": "text/html"})).headers["location"]
        assert (await sign_in(browser, "wanda", asked)).headers["location"] == "/worklist?view=mine&sort=age"


async def test_an_address_too_long_for_a_cookie_comes_back_without_what_was_chosen(house: House) -> None:
    async with house.browser() as browser:
        asked = (await browser.get(f"/worklist?site={'x' * 4000}", headers={"accept": "text/html"})).headers["location"]
        assert (await sign_in(browser, "wanda", asked)).headers["location"] == "/worklist"


async def test_the_provider_is_asked_with_pkce_state_and_nonce(house: House) -> None:
    async with house.browser() as browser:
        asked = parse_qs(urlsplit(await leave(browser)).query)
    assert asked["response_type"] == ["code"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{house.url}/auth/callback"]
    assert len(asked["state"][0]) >= 20
    assert len(asked["nonce"][0]) >= 20
    assert len(asked["code_challenge"][0]) == 43


async def test_what_is_remembered_meanwhile_is_in_the_browsers_own_cookie(house: House) -> None:
    async with house.browser() as browser:
        answer = await browser.get("/sign-in?next=/worklist")
    cookie = answer.headers["set-cookie"]
    assert {"httponly", "samesite=lax"} <= {part.strip().lower() for part in cookie.split(";")}
    assert json.loads(b64decode(cookie.split("=", 1)[1].split(".")[0] + "=="))["next"] == "/worklist"


@pytest.mark.parametrize("person", HOMES)
async def test_each_role_signs_in_and_comes_to_its_own_page(house: House, person: str) -> None:
    async with house.browser() as browser:
        answer = await sign_in(browser, person)
        home = await browser.get(answer.headers["location"])
        assert (answer.headers["location"], home.headers["location"]) == ("/", HOMES[person])
        page = await browser.get(HOMES[person])
    assert page.status_code == 200
    assert person.title() in page.text


async def test_signing_in_leads_back_to_where_one_wanted_to_be(house: House) -> None:
    async with house.browser() as browser:
        wanted = (await browser.get("/worklist")).headers["location"]
        assert (await sign_in(browser, "wanda", wanted)).headers["location"] == "/worklist"


async def test_the_session_cookie_is_kept_from_scripts_and_other_sites(house: House) -> None:
    async with house.browser() as browser:
        answer = await sign_in(browser, "wanda")
    assert cookie_attributes(answer, "nightlight") == {"httponly", "path=/", "samesite=lax"}


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host(
    fresh_database: FreshDatabase, redis_url: str, tmp_path: Path, issuer: str
) -> None:
    https = "https://nightlight.example"
    async with (
        open_house(fresh_database, redis_url, tmp_path, oidc_issuer=issuer, oidc_client_secret=SECRET, public_url=https) as house,
        house.browser() as browser,
    ):
        leaving = await browser.get("/sign-in")
        back = urlsplit(await agree(leaving.headers["location"], "wanda"))
        browser.headers["cookie"] = leaving.headers["set-cookie"].split(";")[0]
        answer = await browser.get(f"{back.path}?{back.query}")
    assert cookie_attributes(answer, "__Host-nightlight") == {"secure", "httponly", "path=/", "samesite=lax"}
    assert answer.headers["strict-transport-security"]


async def test_every_sign_in_begins_a_new_session_and_ends_the_one_before(house: House) -> None:
    async with house.browser() as browser:
        await sign_in(browser, "wanda")
        first = browser.cookies["nightlight"]
        await sign_in(browser, "dora")
        assert browser.cookies["nightlight"] != first
    async with house.browser(first) as browser:
        assert (await browser.get("/worklist")).status_code == 303


async def test_signing_out_ends_the_session_for_good(house: House) -> None:
    session = await house.sign_in(Role.SOCIAL_WORKER, NORTHMOOR)
    async with house.browser(session) as browser:
        answer = await browser.post("/sign-out", data={"csrf": await house.token(session)})
        assert answer.headers["location"] == "/signed-out"
        assert "You are signed out" in (await browser.get("/signed-out")).text
    async with house.browser(session) as browser:
        assert (await browser.get("/worklist")).status_code == 303
    assert [row[0] for row in await house.rows("SELECT action FROM audit_events WHERE subject_type = 'person' ORDER BY id")] == [
        "session.start", "session.end",
    ]  # fmt: skip


async def test_without_the_provider_a_page_says_so(fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
    async with open_house(fresh_database, redis_url, tmp_path, oidc_issuer=gone) as house, house.browser() as browser:
        answer = await browser.get("/sign-in")
    assert (answer.status_code, "You cannot sign in just now" in answer.text) == (503, True)


async def test_without_any_provider_a_page_says_what_to_set(fresh_database: FreshDatabase, redis_url: str, tmp_path: Path) -> None:
    async with open_house(fresh_database, redis_url, tmp_path) as house, house.browser() as browser:
        answer = await browser.get("/sign-in")
    assert (answer.status_code, "NIGHTLIGHT_OIDC_ISSUER" in answer.text) == (503, True)
