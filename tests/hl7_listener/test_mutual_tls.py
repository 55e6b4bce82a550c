"""Mutual TLS with real messages: whose certificate may speak for which facility, and what becomes of the rest."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from hl7_listener.answering import Answerer
from hl7_listener.server import listening
from hl7_listener.tls import Certificates
from safeguarding.peers import add_peer, remove_peer
from tests.conftest import FreshDatabase
from tests.hl7_listener.samples import sample
from tests.hl7_listener.test_listener import LIMITS, code_of
from tests.hl7_listener.tls import Office, calling, client, fingerprint
from tests.safeguarding.house import OPERATOR, House, open_house


@dataclass(slots=True)
class Hospital:
    """A listener that demands certificates, the house behind it, and one hospital's certificate."""

    house: House
    office: Office
    port: int
    leaf: trustme.LeafCert

    async def register(self, *sites: str, network: str | None = None) -> None:
        async with self.house.database.transaction() as transaction:
            await add_peer(transaction, OPERATOR, "amber-pas", sites, certificate=fingerprint(self.leaf), network=network)
        self.house.directory.forget()

    async def send(self, message: bytes) -> bytes:
        async with calling(self.port, client(self.office.ca, self.leaf)) as caller:
            return await caller.send(message)


@pytest.fixture
async def hospital(fresh_database: FreshDatabase, tmp_path: Path) -> AsyncIterator[Hospital]:
    office = Office(tmp_path)
    async with open_house(fresh_database.service_url) as house, listener(house, office) as port:
        yield Hospital(house, office, port, office.leaf())


@asynccontextmanager
async def listener(house: House, office: Office) -> AsyncIterator[int]:
    sock = socket.create_server(("127.0.0.1", 0))
    answerer = Answerer(house.desk, house.directory, house.database)
    async with listening(sock, answerer.answer, LIMITS, Certificates(office.issue())):
        yield sock.getsockname()[1]


def a04() -> bytes:
    return sample("a04_emergency")


async def refused(hospital: Hospital, message: bytes, reason: bytes) -> None:
    acknowledgement = await hospital.send(message)
    assert code_of(acknowledgement) == "AE"
    assert reason in acknowledgement
    assert await hospital.house.rows("SELECT raw, state FROM quarantine") == [(message, "held")]
    assert await hospital.house.value("SELECT count(*) FROM accesses") == 0


async def test_a_certificate_that_no_peer_has_is_refused_and_kept_although_its_address_is_known(hospital: Hospital) -> None:
    await refused(hospital, a04(), b"certificate is not registered")


async def test_a_certificate_speaks_for_no_facility_of_another(hospital: Hospital) -> None:
    await hospital.register("R0A02")
    await refused(hospital, a04(), b"may not speak for the facility")


async def test_a_certificate_from_another_network_than_its_peer_s_is_refused(hospital: Hospital) -> None:
    await hospital.register("R0A01", network="10.1.2.0/24")
    await refused(hospital, a04(), b"may not speak from this address")


async def test_a_peer_that_was_removed_is_refused_on_a_connection_that_stands(hospital: Hospital) -> None:
    await hospital.register("R0A01")
    async with calling(hospital.port, client(hospital.office.ca, hospital.leaf)) as caller:
        assert code_of(await caller.send(a04())) == "AA"
        async with hospital.house.database.transaction() as transaction:
            await remove_peer(transaction, OPERATOR, "amber-pas")
        hospital.house.directory.forget()
        assert code_of(await caller.send(a04().replace(b"NL000417", b"NL000418"))) == "AE"


async def test_a_hospital_with_its_own_certificate_is_taken(hospital: Hospital) -> None:
    await hospital.register("R0A01", network="127.0.0.0/8")
    assert code_of(await hospital.send(a04())) == "AA"
    assert await hospital.house.value("SELECT count(*) FROM encounters") == 1
