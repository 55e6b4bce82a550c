"""Keys at a registered URL, from a real server: how often it is asked, and what holds while it does not answer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
import pytest

from runtime.endpoints import EndpointError, Endpoints
from runtime.published_keys import AGAIN_SECONDS, KEPT_ON_SECONDS, KEPT_SECONDS, PublishedKeys
from tests.runtime.answering import Answering, answering, http
from tests.runtime.signing import Signer, signer

OLD, NEW = signer("ES384", "old"), signer("ES384", "new")
DOWN = http(b"", "503 Away")


@dataclass(slots=True)
class Clock:
    """Stands still unless a test moves it."""

    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass(frozen=True, slots=True)
class Published:
    """A server with keys, and who asks it."""

    server: Answering
    clock: Clock
    keys: PublishedKeys

    async def find(self, kid: str = "old") -> list[str]:
        found = await self.keys.find(f"http://127.0.0.1:{self.server.port}/jwks", kid)
        return [key.kid for key in found]


def _key_set(*signers: Signer, header: str = "x-none: 1") -> bytes:
    return http(orjson.dumps({"keys": [each.public() for each in signers]}), "200 OK", header)


@pytest.fixture
async def published() -> AsyncIterator[Published]:
    clock = Clock()
    async with answering(_key_set(OLD)) as server:
        yield Published(server, clock, PublishedKeys(Endpoints(("127.0.0.1",)), clock))


@pytest.mark.parametrize(
    "answer, code",
    [(DOWN, "status-503"), (http(b"<html>"), "not-json"), (http(b"[]"), "no-keys"), (http(b'{"keys": []}'), "no-keys")],
)
async def test_without_any_keys_nobody_can_tell_and_the_server_is_left_alone_for_a_while(
    published: Published, answer: bytes, code: str
) -> None:
    published.server.answer = answer
    for _ in range(3):
        with pytest.raises(EndpointError) as failed:
            await published.find()
        assert failed.value.code == code
    assert len(published.server.asked) == 1
    published.server.answer = _key_set(OLD)
    published.clock.at += AGAIN_SECONDS
    assert await published.find() == ["old"]


async def test_an_address_that_is_not_listed_is_not_asked(published: Published) -> None:
    with pytest.raises(EndpointError, match="not-https"):
        await PublishedKeys(Endpoints()).find(f"http://127.0.0.1:{published.server.port}/", "old")
    assert published.server.asked == []


async def test_keys_are_kept_for_some_minutes(published: Published) -> None:
    for seconds in (0, 1, KEPT_SECONDS - 2):
        published.clock.at += seconds
        assert await published.find() == ["old"]
    assert len(published.server.asked) == 1
    published.clock.at += 2
    await published.find()
    assert len(published.server.asked) == 2


async def test_a_new_key_is_found_at_once_and_an_unknown_one_is_asked_for_every_half_minute_at_most(published: Published) -> None:
    assert await published.find() == ["old"]
    published.server.answer = _key_set(OLD, NEW)
    published.clock.at += AGAIN_SECONDS - 1
    assert await published.find("new") == ["old"]
    published.clock.at += 1
    assert await published.find("new") == ["old", "new"]
    for _ in range(5):
        await published.find("nobody's")
    assert len(published.server.asked) == 2


async def test_a_key_that_was_taken_away_is_gone_when_the_keys_are_fetched_again(published: Published) -> None:
    await published.find()
    published.server.answer = _key_set(NEW)
    published.clock.at += KEPT_SECONDS
    assert await published.find() == ["new"]


async def test_the_last_good_keys_hold_for_a_day_while_fetching_fails(published: Published) -> None:
    await published.find()
    published.server.answer = DOWN
    published.clock.at += KEPT_ON_SECONDS
    assert await published.find() == ["old"]
    assert len(published.server.asked) == 2
    published.clock.at += AGAIN_SECONDS
    with pytest.raises(EndpointError, match="status-503"):
        await published.find()


async def test_many_who_ask_at_once_ask_the_server_once(published: Published) -> None:
    found = await asyncio.gather(*(published.find() for _ in range(20)))
    assert found == [["old"]] * 20
    assert len(published.server.asked) == 1


@pytest.mark.parametrize(
    "header, kept",
    [
        ("cache-control: max-age=60", 60),
        ("Cache-Control: public, MAX-AGE=120, must-revalidate", 120),
        ("cache-control: max-age=0", AGAIN_SECONDS),
        ("cache-control: no-store", AGAIN_SECONDS),
        ("cache-control: no-cache, max-age=250", AGAIN_SECONDS),
        ("cache-control: max-age=99999999", KEPT_SECONDS),
        ("cache-control: max-age=soon", KEPT_SECONDS),
    ],
)
async def test_keys_are_kept_no_longer_than_their_owner_says(published: Published, header: str, kept: float) -> None:
    published.server.answer = _key_set(OLD, header=header)
    await published.find()
    published.clock.at += kept - 1
    await published.find()
    assert len(published.server.asked) == 1
    published.clock.at += 1
    await published.find()
    assert len(published.server.asked) == 2
