"""The certificates of HL7 listeners and of peers in `/ready` and `/metrics`: said in time, and not for listeners that are gone."""

from datetime import timedelta

import pytest

from runtime.clock import now
from safeguarding.certificates import ListenerCertificate, record_certificates
from safeguarding.peers import add_peer
from tests.api.house import ST_AGNES, House
from tests.api.test_health import beat, ready, reasons
from tests.safeguarding.house import OPERATOR


async def show(house: House, days: float, problem: str = "") -> None:
    async with house.database.transaction() as transaction:
        expires_at = now() + timedelta(days=days, minutes=1)
        await record_certificates(transaction, [ListenerCertificate("tls", expires_at, problem)])


@pytest.mark.parametrize(
    "days,problem,said",
    [
        (29, "", "the certificate of the listener tls expires in 29 days"),
        (-1, "", "the certificate of the listener tls has expired"),
        (90, "the key file is gone", "the listener tls cannot use its newest certificate files: the key file is gone"),
    ],
)
async def test_a_certificate_that_needs_a_person_makes_the_service_degraded(
    house: House, days: float, problem: str, said: str
) -> None:
    await beat(house, "listener", "dispatcher", "loader")
    await show(house, days, problem)
    assert await reasons(house) == [said]


async def test_a_certificate_with_time_left_is_shown_and_measured(house: House) -> None:
    await beat(house, "listener", "dispatcher", "loader")
    await show(house, 5)
    await show(house, 90)
    status, body = await ready(house)
    assert (status, body["status"], body["certificates"]) == (200, "ready", {"tls": {"days_left": 90.0}})
    async with house.browser() as browser:
        text = (await browser.get("/metrics")).text
    assert 'nightlight_certificate_days{listener="tls"} 90.0' in text
    assert 'nightlight_certificate_problem{listener="tls"} 0.0' in text


async def test_a_listener_that_is_gone_warns_of_no_certificate(house: House) -> None:
    await beat(house, "listener", "dispatcher", "loader")
    await show(house, 5)
    await house.rows("UPDATE listener_certificates SET seen_at = now() - interval '1 hour' RETURNING 1")
    _, body = await ready(house)
    assert (body["reasons"], body["certificates"]) == ([], {})


async def register(house: House, days: float | None) -> None:
    async with house.database.transaction() as transaction:
        expires_at = None if days is None else now() + timedelta(days=days, minutes=1)
        await add_peer(transaction, OPERATOR, "amber-pas", [ST_AGNES], certificate="a1" * 32, certificate_expires_at=expires_at)


@pytest.mark.parametrize(
    "days,said",
    [
        (29, ["the certificate of the peer amber-pas expires in 29 days"]),
        (-1, ["the certificate of the peer amber-pas has expired"]),
        (31, []),
        (None, []),
    ],
)
async def test_a_peers_certificate_is_told_of_in_time_where_its_end_is_known(
    house: House, days: float | None, said: list[str]
) -> None:
    await beat(house, "listener", "dispatcher", "loader")
    await register(house, days)
    _, body = await ready(house)
    known = {} if days is None else {"amber-pas": {"days_left": float(days)}}
    assert (body["reasons"], body["peer_certificates"]) == (said, known)
    async with house.browser() as browser:
        text = (await browser.get("/metrics")).text
    assert (f'nightlight_peer_certificate_days{{peer="amber-pas"}} {days}' in text) is (days is not None)
