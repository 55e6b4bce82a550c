"""The published query profile: every example is sent over a real socket, every table is the one of the code."""

import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from domain.answer import CouldNotCheckReason
from domain.care_setting import CareSetting
from domain.flag import DISPLAY, SNOMED
from flags_store.authorities import add_authority
from hl7_listener.answering import Answerer
from hl7_listener.query_response import code_of
from hl7_listener.query_segments import NoteKind
from hl7_listener.server import listening
from hl7_listener.tls import Certificates
from runtime.clock import england_day, now
from safeguarding.peers import add_peer
from safeguarding.sites import add_site
from tests.conftest import FreshDatabase
from tests.docs.reading import page, rows, section
from tests.hl7_listener.test_listener import LIMITS
from tests.hl7_listener.tls import Caller, Office, calling, client, fingerprint
from tests.safeguarding.house import OPERATOR, House, open_house

PAGE = page("hl7-profile.md")
EXAMPLES = re.findall(r"^### ([^\n]+)\n(?:(?!^#).)*?```hl7\n(.*?)```\n\n```hl7\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
STARTED, ENDED = "20260105", "20260901"
TODAY = england_day(now())
DAYS = {TODAY - timedelta(days=300): STARTED, TODAY - timedelta(days=60): ENDED}
"""What stands for the two days of the page, whenever the test runs."""
WITHOUT_CERTIFICATE = "Refused"


async def furnish(house: House) -> None:
    """The children, the authorities and the site that the page tells of; no office is open at whatever hour the test runs."""
    async with house.database.transaction() as transaction:
        for code, name, phone in (("301", "Northmoor Council", "020 7946 000"), ("302", "Southmoor Council", "020 7946 001")):
            await add_authority(transaction, OPERATOR, code, name, f"{phone}1", f"{phone}2", hours=(), live=True)
        await add_site(
            transaction, OPERATOR, "R0A01", "Amber Hospital ED", CareSetting.EMERGENCY_DEPARTMENT, organisation_name="Amber Trust",
            host_authority_code="302", safeguarding_phone="020 7946 0003",
        )  # fmt: skip
        await transaction.execute("UPDATE authorities SET last_extracted_at = %s", (now(),))
    started, ended = DAYS
    await house.flag("9990000018", start_date=started)
    await house.flag("9990000026", kind="LAC", start_date=started, end_date=ended)
    await house.flag("9990000042", start_date=started, sensitive=True)


@asynccontextmanager
async def connected(house: House, folder: Path, *, with_certificate: bool) -> AsyncIterator[Caller]:
    """A connection to a listener: of the peer that may ask, over mutual TLS, or of one that shows no certificate."""
    office = Office(folder)
    leaf = office.leaf()
    async with house.database.transaction() as transaction:
        await add_peer(transaction, OPERATOR, "amber-ehr", ["R0A01"], certificate=fingerprint(leaf), may_query=True)
    sock = socket.create_server(("127.0.0.1", 0))
    answerer = Answerer(house.desk, house.directory, house.database)
    certificates, context = (Certificates(office.issue()), client(office.ca, leaf)) if with_certificate else (None, None)
    async with (
        listening(sock, answerer.answer, LIMITS, certificates),
        calling(sock.getsockname()[1], context) as caller,
    ):
        yield caller


def normalised(response: str) -> str:
    """The response with the times, the control ID and the plan's days that the page has, in its lines."""
    for day, there in DAYS.items():
        response = response.replace(f"{day:%Y%m%d}", there)
    header, *segments = response.split("\r")[:-1]
    fields = header.split("|")
    fields[6], fields[9] = "20261105101531+0000", "NR1"
    lines = [re.sub(r"^(OBX.*\|)\d{14}[+-]\d{4}$", r"\g<1>20261105063000+0000", each) for each in segments]
    return "".join(f"{line}\n" for line in ("|".join(fields), *lines))


@pytest.fixture
async def house(fresh_database: FreshDatabase) -> AsyncIterator[House]:
    async with open_house(fresh_database.service_url, furnish=False) as house:
        await furnish(house)
        yield house


@pytest.mark.parametrize("heading,query,response", EXAMPLES, ids=[heading for heading, _, _ in EXAMPLES])
async def test_an_example_is_answered_as_the_page_says(
    house: House, tmp_path: Path, heading: str, query: str, response: str
) -> None:
    async with connected(house, tmp_path, with_certificate=heading != WITHOUT_CERTIFICATE) as caller:
        answered = await caller.send(query.replace("\n", "\r").encode())
    assert normalised(answered.decode()) == response


def test_the_page_has_an_example_of_every_kind_of_answer() -> None:
    assert [heading for heading, _, _ in EXAMPLES] == [
        "Flagged", "Ended, by Q21 and version 2.4", "Masked", "None known", "Could not check", WITHOUT_CERTIFICATE,
    ]  # fmt: skip


def test_the_kinds_of_plan_are_those_of_the_code() -> None:
    assert rows(section("hl7-profile.md", "### Kinds of plan")) == [[SNOMED[kind], DISPLAY[kind]] for kind in SNOMED]


def test_the_kinds_of_note_are_those_of_the_code() -> None:
    assert [kind for kind, _ in rows(section("hl7-profile.md", "### Kinds of note"))] == [f"`{kind.value}`" for kind in NoteKind]


def test_the_reasons_why_nobody_could_check_are_those_of_the_code() -> None:
    listed = rows(section("hl7-profile.md", "### Why nobody could be checked"))
    assert listed == [[str(code_of(reason).value), reason.words] for reason in CouldNotCheckReason]
