"""The client against the stand-in, over HTTP: what it finds, what it asks with, and how each trouble ends."""

import asyncio
import io
import logging
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from domain.nhs_number import NhsNumber
from domain.trace import (
    Confidentiality,
    Demographics,
    Detail,
    DetailsDiffer,
    Gender,
    Invalidated,
    NotFound,
    NotUnique,
    NotVerified,
    NotVerifiedReason,
    Superseded,
    Trace,
    Traced,
    Verified,
)
from fhir_adapter.pds import open_trace
from fhir_adapter.pds.access import PdsAccess
from fhir_adapter.pds.breaker import FAILURES
from runtime.logs import configure
from tests.fhir_adapter.pds.register import (
    AMELIA,
    DEAD,
    INVALID,
    NOBODY,
    OLD,
    OTHER_TWIN,
    SENSITIVE,
    VERY_SENSITIVE,
    Register,
    rsa_key,
    told,
)

UNAVAILABLE = NotVerified(NotVerifiedReason.UNAVAILABLE)
REFUSED = NotVerified(NotVerifiedReason.REFUSED)


@pytest.mark.parametrize(
    "number,details,means",
    [
        (AMELIA, None, Verified(AMELIA, compared=False)),
        (AMELIA, told(), Verified(AMELIA, compared=True)),
        (AMELIA, told("OBRIEN EXAMPLE", "AMELIA"), Verified(AMELIA, compared=True, otherwise_spelled=True)),
        (AMELIA, told("Example"), DetailsDiffer((Detail.FAMILY_NAME,))),
        (OLD, told(), Superseded(AMELIA, compared=True)),
        (OLD, told("Example"), DetailsDiffer((Detail.FAMILY_NAME,))),
        (INVALID, told(), Invalidated()),
        (NOBODY, told(), NotFound()),
        (SENSITIVE, told("Selby", "Robin"), Verified(SENSITIVE, True, Confidentiality.RESTRICTED)),
        (DEAD, told("Marsh", "Theo"), Verified(DEAD, True, deceased=True)),
    ],
)
async def test_a_number_is_verified_or_it_is_said_why_not(
    register: Register, number: NhsNumber, details: Demographics | None, means: Traced
) -> None:
    async with open_trace(register.access()) as trace:
        assert await trace.verify(number, details) == means


@pytest.mark.parametrize(
    "details,means",
    [
        (told(), Verified(AMELIA, compared=True)),
        (told(given=""), Verified(AMELIA, compared=True)),
        (told("Nobody"), NotFound()),
        (told("Gone", "Ivy"), NotFound()),
        (told("Selby", "Robin"), Verified(SENSITIVE, True, Confidentiality.RESTRICTED)),
        (told("Selby", "Robin", postcode="XX1 1XX"), Verified(SENSITIVE, True, Confidentiality.RESTRICTED)),
        (told("Selwyn", "Robin"), Verified(VERY_SENSITIVE, True, Confidentiality.VERY_RESTRICTED)),
        (told("Oakley", "Sam"), NotUnique()),
        (told("Oakley", "Sam", gender=Gender.MALE), NotUnique()),
        (told("Oakley", "Sam", postcode="TE3 3ST"), Verified(OTHER_TWIN, compared=True)),
        (told("Oakley", "Sam", postcode="TE9 9ST"), NotFound()),
        (told("Oak*", "Sam"), NotVerified(NotVerifiedReason.TOO_LITTLE)),
        (told("Unknown", "Male"), NotVerified(NotVerifiedReason.TOO_LITTLE)),
    ],
)
async def test_only_a_unique_match_is_found(register: Register, details: Demographics, means: Traced) -> None:
    async with open_trace(register.access()) as trace:
        assert await trace.find(details) == means


async def test_names_and_birth_date_are_asked_with_and_the_rest_only_to_tell_several_apart(register: Register) -> None:
    async with open_trace(register.access()) as trace:
        await trace.find(told(gender=Gender.FEMALE, postcode="TE1 1ST"))
        await trace.find(told("Oakley", "Sam", gender=Gender.FEMALE, postcode="TE3 3ST"))
        await trace.find(told("Un*", "Sam"))
    exact = "_fuzzy-match=false&_exact-match=false&_max-results=1"
    assert list(register.stand_in.asked) == [
        f"/Patient?family=O%27Brien-Example&birthdate=eq2018-05-06&given=Amelia&{exact}",
        f"/Patient?family=Oakley&birthdate=eq2018-05-06&given=Sam&{exact}",
        f"/Patient?family=Oakley&birthdate=eq2018-05-06&given=Sam&gender=female&address-postalcode=TE3+3ST&{exact}",
    ]


async def test_one_token_serves_many_requests_and_a_refused_one_is_renewed_once(register: Register) -> None:
    async with open_trace(register.access()) as trace:
        await asyncio.gather(*(trace.verify(AMELIA) for _ in range(5)))
        assert len(register.stand_in.tokens.given) == 1
        register.stand_in.troubles.append(401)
        assert await trace.verify(AMELIA) == Verified(AMELIA, compared=False)
        assert len(register.stand_in.tokens.given) == 2
        register.stand_in.troubles.extend([401, 401])
        assert await trace.verify(AMELIA) == REFUSED
        assert len(register.stand_in.tokens.given) == 3


async def test_a_key_that_is_not_registered_is_refused(register: Register) -> None:
    async with open_trace(register.access(key_id="another")) as trace:
        assert await trace.verify(AMELIA) == REFUSED
        assert not register.stand_in.asked


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_when_pds_is_away_nobody_is_verified(register: Register, status: int) -> None:
    register.stand_in.troubles.append(status)
    async with open_trace(register.access()) as trace:
        assert await trace.find(told()) == UNAVAILABLE
        assert await trace.find(told()) == Verified(AMELIA, compared=True)


async def test_an_address_where_nobody_answers_is_unavailable() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        async with open_trace(PdsAccess(f"{origin}/FHIR", f"{origin}/token", "x", "x", rsa_key(), per_second=10_000)) as trace:
            assert await trace.verify(AMELIA) == UNAVAILABLE


async def test_a_wrong_path_never_means_that_nobody_has_the_number(register: Register) -> None:
    access = register.access()
    async with open_trace(register.access(url=f"{access.url}/nowhere")) as trace:
        assert await trace.verify(AMELIA) == UNAVAILABLE


async def test_too_many_requests_hold_everybody_back_as_long_as_was_asked(register: Register) -> None:
    register.stand_in.troubles.append(429)
    async with open_trace(register.access()) as trace:
        began = asyncio.get_running_loop().time()
        assert await trace.verify(AMELIA) == NotVerified(NotVerifiedReason.RATE_LIMITED, 1.0)
        assert await trace.verify(AMELIA) == Verified(AMELIA, compared=False)
        assert asyncio.get_running_loop().time() - began > 0.5


async def test_who_would_wait_too_long_for_a_turn_is_told_so_and_nothing_is_sent(register: Register) -> None:
    async with open_trace(register.access(per_second=0.1)) as trace:
        first = await trace.verify(AMELIA)
        assert isinstance(first, NotVerified), "the token took the only turn"
        assert first.reason is NotVerifiedReason.RATE_LIMITED
        assert first.retry_after
        assert not register.stand_in.asked


async def test_after_several_failures_nobody_asks_any_more(register: Register) -> None:
    register.stand_in.troubles.extend([503] * (FAILURES + 3))
    async with open_trace(register.access()) as trace:
        assert [await trace.verify(AMELIA) for _ in range(FAILURES)] == [UNAVAILABLE] * FAILURES
        after = await trace.verify(AMELIA)
    assert isinstance(after, NotVerified)
    assert after.reason is NotVerifiedReason.CIRCUIT_OPEN
    assert len(register.stand_in.asked) == FAILURES


async def test_a_caller_that_gives_up_leaves_no_probe_behind(register: Register) -> None:
    async with silent() as origin:
        access = register.access(url=f"{origin}/FHIR")
        async with open_trace(access) as trace:
            asking = asyncio.create_task(trace.verify(AMELIA))
            await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking


async def test_a_server_that_says_nothing_is_given_up(register: Register) -> None:
    async with silent() as origin, open_trace(register.access(url=f"{origin}/FHIR", timeout_seconds=0.1)) as trace:
        assert await trace.verify(AMELIA) == UNAVAILABLE


async def test_an_answer_without_end_is_given_up(register: Register) -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b" " * 2_000_000
    async with silent(endless) as origin, open_trace(register.access(url=f"{origin}/FHIR")) as trace:
        assert await trace.verify(AMELIA) == UNAVAILABLE


async def test_no_redirect_is_followed(register: Register) -> None:
    moved = f"HTTP/1.1 302 Found\r\nLocation: {register.access().url}/Patient/{AMELIA}\r\nContent-Length: 0\r\n\r\n".encode()
    async with silent(moved) as origin, open_trace(register.access(url=f"{origin}/FHIR")) as trace:
        assert await trace.verify(AMELIA) == UNAVAILABLE
    assert not register.stand_in.asked


async def test_each_request_has_an_id_of_its_own_and_a_resend_keeps_it(register: Register) -> None:
    seen: list[dict[str, str]] = []

    async def keep(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
            seen.append(dict(line.lower().split(": ", 1) for line in lines if line))
            writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/FHIR"
        async with open_trace(register.access(url=url, organisation="R0A")) as trace:
            assert await trace.verify(AMELIA) == REFUSED
            await trace.verify(AMELIA)
    first, again, second = (headers["x-request-id"] for headers in seen[:3])
    assert first == again != second
    assert uuid.UUID(first).version == 4
    assert seen[0]["x-correlation-id"] == seen[1]["x-correlation-id"]
    assert {headers["nhsd-end-user-organisation-ods"] for headers in seen} == {"r0a"}
    assert {headers["accept"] for headers in seen} == {"application/fhir+json"}


async def test_no_log_has_an_address_a_number_a_name_or_a_token(
    register: Register, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    configure("DEBUG", "test")
    told_of = io.StringIO()
    handler = logging.StreamHandler(told_of)
    logging.getLogger().addHandler(handler)
    caplog.set_level(logging.DEBUG)
    try:
        async with open_trace(register.access()) as trace:
            register.stand_in.troubles.extend([503, 429])
            for _ in range(2):
                await trace.verify(AMELIA, told())
            await trace.find(told())
            register.stand_in.troubles.append(401)
            await trace.find(told())
        async with open_trace(register.access(url="http://127.0.0.1:1/FHIR")) as trace:
            await trace.find(told())
    finally:
        logging.getLogger().removeHandler(handler)
        structlog.reset_defaults()
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn")]  # that is the stand-in
    written = (capsys.readouterr().err + told_of.getvalue() + "".join(ours)).casefold()
    assert "pds is away" in written
    secrets = [AMELIA, "brien", "amelia", "2018-05-06", "/patient", "bearer", *register.stand_in.tokens.given]
    assert [word for word in secrets if word.casefold() in written] == []


async def test_without_an_access_everything_works_and_says_not_verified() -> None:
    async with open_trace(None) as trace:
        not_configured = NotVerified(NotVerifiedReason.NOT_CONFIGURED)
        assert await trace.verify(AMELIA) == await trace.find(told()) == not_configured
        asked: Trace = trace
        assert asked is trace


@asynccontextmanager
async def silent(answer: bytes = b"") -> AsyncIterator[str]:
    """A server that takes a request, gives these bytes, and says nothing more."""
    done = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await done.wait()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        done.set()
        server.close()
        await server.wait_closed()
