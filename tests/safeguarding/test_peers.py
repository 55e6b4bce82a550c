"""Peers: who is refused, who is known by what, and that each change has its audit event."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.errors import Conflict, InvalidInput, NotFound, NotSpeakingFor
from safeguarding.directory import Directory
from safeguarding.peers import RegisteredPeer, add_peer, read_peers, remove_peer, set_certificate
from tests.conftest import FreshDatabase
from tests.safeguarding.house import OPERATOR, House, open_house

AMBER, BERYL = "a1" * 32, "b2" * 32


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(fresh_database.service_url) as house:
        yield house


async def add(house: House, name: str = "amber-pas", sites: tuple[str, ...] = ("R0A01",), **given: Any) -> None:
    async with house.database.transaction() as transaction:
        await add_peer(transaction, OPERATOR, name, sites, **given)


async def directory(house: House) -> Directory:
    house.directory.forget()
    return await house.directory.current()


@pytest.mark.parametrize(
    "given,error,said",
    [
        ({}, InvalidInput, "known by its network"),
        ({"network": "ward 4"}, InvalidInput, "is not an address"),
        ({"network": "10.1.2.0/24", "may_query": True}, InvalidInput, "queries need mutual TLS"),
        ({"certificate": AMBER, "sites": ()}, InvalidInput, "at least one site"),
        ({"certificate": AMBER, "name": " "}, InvalidInput, "a name"),
        ({"certificate": AMBER, "sites": ("R0A01", "R0Z99")}, NotFound, "there is no site R0Z99"),
        ({"certificate": BERYL}, Conflict, "certificate already"),
        ({"certificate": AMBER, "name": "beryl"}, Conflict, "a peer beryl is there"),
        ({"network": "10.9.0.0/16"}, Conflict, "network already"),
    ],
)
async def test_a_peer_that_makes_no_sense_is_refused_and_nothing_is_written(
    house: House, given: dict[str, Any], error: type[Exception], said: str
) -> None:
    await add(house, "beryl", certificate=BERYL)
    await add(house, "old", network="10.9.0.0/16")
    before = await house.rows("SELECT name FROM peers ORDER BY name")
    with pytest.raises(error, match=said):
        await add(house, **given)
    assert await house.rows("SELECT name FROM peers ORDER BY name") == before
    assert await house.value("SELECT count(*) FROM audit_events WHERE action = 'peer.add'") == 2


async def test_who_was_never_there_cannot_be_removed(house: House) -> None:
    async with house.database.transaction() as transaction:
        with pytest.raises(NotFound, match="there is no peer"):
            await remove_peer(transaction, OPERATOR, "nobody")


@pytest.mark.parametrize("name, certificate, error", [("nobody", AMBER, NotFound), ("beryl", AMBER, Conflict)])
async def test_a_certificate_is_given_to_nobody_unknown_and_to_no_second_peer(
    house: House, name: str, certificate: str, error: type[Exception]
) -> None:
    await add(house, "beryl", certificate=BERYL)
    if name == "beryl":
        await add(house, "amber", certificate=AMBER)
    with pytest.raises(error):
        async with house.database.transaction() as transaction:
            await set_certificate(transaction, OPERATOR, name, certificate, None)
    assert await house.value("SELECT certificate FROM peers WHERE name = 'beryl'") == BERYL
    assert await house.value("SELECT count(*) FROM audit_events WHERE action = 'peer.set'") == 0


async def test_a_peer_is_known_by_its_new_certificate_and_no_more_by_the_old_one(house: House) -> None:
    ends = datetime(2031, 5, 6, tzinfo=UTC)
    await add(house, "amber", certificate=AMBER, certificate_expires_at=datetime(2027, 1, 1, tzinfo=UTC))
    async with house.database.transaction() as transaction:
        await set_certificate(transaction, OPERATOR, "amber", BERYL, ends)
        assert [peer.certificate_expires_at for peer in await read_peers(transaction) if peer.name == "amber"] == [ends]
    now = await directory(house)
    assert now.peer_of("192.0.2.7", BERYL).name == "amber"
    with pytest.raises(NotSpeakingFor):
        now.peer_of("192.0.2.7", AMBER)
    assert await house.rows("SELECT subject_id, detail->>'certificate' FROM audit_events WHERE action = 'peer.set'") == [
        ("amber", BERYL)
    ]


async def test_adding_and_removing_is_audited_and_listed(house: House) -> None:
    await add(house, sites=("r0a01", "R0A02"), certificate=AMBER, network="10.1.0.0/16", may_query=True)
    async with house.database.transaction() as transaction:
        amber = next(peer for peer in await read_peers(transaction) if peer.name == "amber-pas")
        assert amber == RegisteredPeer("amber-pas", "10.1.0.0/16", AMBER, ["R0A01", "R0A02"], ["R0A01", "R0A02"])
        await remove_peer(transaction, OPERATOR, "amber-pas")
        assert "amber-pas" not in [peer.name for peer in await read_peers(transaction)]
    assert await house.rows(
        "SELECT action, subject_id, detail->>'sites' FROM audit_events WHERE subject_type = 'peer' ORDER BY id"
    ) == [
        ("peer.add", "amber-pas", "R0A01,R0A02"),
        ("peer.remove", "amber-pas", None),
    ]


@pytest.mark.parametrize(
    "address,certificate,said",
    [
        ("192.0.2.1", None, "address is not registered"),
        ("10.1.2.3", None, "address is not registered"),  # its peer has a certificate and showed none
        ("127.0.0.1", "c3" * 32, "certificate is not registered"),  # a known address is no excuse
        ("192.0.2.1", AMBER, "may not speak from this address"),
    ],
)
async def test_who_is_not_known_may_not_speak(house: House, address: str, certificate: str | None, said: str) -> None:
    await add(house, certificate=AMBER, network="10.1.0.0/16")
    with pytest.raises(NotSpeakingFor, match=said):
        (await directory(house)).peer_of(address, certificate)


async def test_a_peer_is_known_by_its_certificate_wherever_two_share_a_network(house: House) -> None:
    await add(house, "amber", certificate=AMBER, network="10.1.0.0/16")
    await add(house, "beryl", ("R0A02",), certificate=BERYL, network="10.1.0.0/16", may_query=True)
    await add(house, "old", network="10.1.0.0/16")
    now = await directory(house)
    assert now.peer_of("10.1.2.3", AMBER).name == "amber"
    assert now.peer_of("10.1.2.3", BERYL).may_query == {"R0A02"}
    assert now.peer_of("10.1.2.3", None).name == "old"
    assert now.peer_of("10.1.2.3", None).may_query == frozenset()


async def test_a_peer_may_not_speak_for_a_site_of_another(house: House) -> None:
    await add(house, "amber", certificate=AMBER)
    now = await directory(house)
    amber = now.peer_of("192.0.2.7", AMBER)
    assert now.site_for(amber, "R0A01").ods_code == "R0A01"
    with pytest.raises(NotSpeakingFor, match="MSH-4"):
        now.site_for(amber, "R0A02")
