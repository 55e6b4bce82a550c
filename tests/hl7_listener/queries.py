"""Queries as a clinical system sends them, a peer that may ask, and responses taken apart, for the tests of the query door."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hl7_listener.message import Message
from hl7_listener.reader import parse
from hl7_listener.sender import Sender
from tests.safeguarding.house import CHILD, House, open_house

CERTIFICATE = "c0" * 32
ASKER = Sender("127.0.0.1", CERTIFICATE, mutual=True)
PDQ = f"@PID.3.1^{CHILD}~@PID.3.4^NHS"


def q22(parameters: str = PDQ, *, version: str = "2.5", control: str = "RCP|I", name: str = "IHE PDQ Query") -> bytes:
    """A query of IHE PDQ from R0A01 with the tag T1."""
    return _message("Q22", f"QPD|{name}|T1|{parameters}", control, version)


def q21(identifier: str = f"{CHILD}^^^NHS^NH", *, version: str = "2.4", control: str = "RCP|I") -> bytes:
    """A query for a person's demographics, as the UK's engines send it."""
    return _message("Q21", f"QPD|Q21^Get Person Demographics^HL70471|T1|{identifier}", control, version)


def _message(event: str, qpd: str, control: str, version: str) -> bytes:
    header = rf"MSH|^~\&|EHR|R0A01|NIGHTLIGHT|R0A|20261105101530||QBP^{event}^QBP_Q21|QC1|P|{version}||||||UNICODE UTF-8"
    return "".join(f"{segment}\r" for segment in (header, qpd, control) if segment).encode()


@asynccontextmanager
async def asking_house(service_url: str, *, furnish: bool = True) -> AsyncIterator[House]:
    """A house with a peer, known by its certificate, that may speak and ask for R0A01, and only speak for R0A02."""
    async with open_house(service_url, furnish=furnish) as house:
        if furnish:
            async with house.database.transaction() as transaction:
                await transaction.execute(
                    """
                    WITH peer AS (INSERT INTO peers (name, certificate) VALUES ('EHR of R0A', %s) RETURNING id)
                    INSERT INTO peer_facilities (peer_id, site, may_query)
                    SELECT id, site, site = 'R0A01' FROM peer, unnest(ARRAY['R0A01', 'R0A02']) AS site
                    """,
                    (CERTIFICATE,),
                )
            house.directory.forget()
        yield house


def response_of(raw: bytes) -> Message:
    """A response as our own reader sees it; it must be one whole message."""
    assert raw.endswith(b"\r")
    message = parse(raw)
    assert message.message_type == "RSP"
    return message


def status_of(response: Message) -> tuple[str, str]:
    """MSA-1 and QAK-2."""
    return response.required("MSA").field(1), response.required("QAK").field(2)


def notes_of(response: Message) -> list[tuple[str, str]]:
    """Each note's kind and text."""
    return [(note.component(4, 1), note.field(3)) for note in response.segments("NTE")]


def valid_numbers(text: str) -> set[str]:
    """Whatever in a text could be an NHS number, by a rule of its own: ten digits, blanks and hyphens between them, modulus 11."""
    digits = re.sub(r"[\s-]", "", text)
    windows = (digits[at : at + 10] for at in range(len(digits)))
    return {each for each in windows if re.fullmatch("[0-9]{10}", each) and sum(map(_weighed, enumerate(each))) % 11 == 0}


def _weighed(place: tuple[int, str]) -> int:
    return (10 - place[0]) * int(place[1])
