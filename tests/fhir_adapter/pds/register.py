"""The PDS stand-in served on a free port of loopback, and the access of an application that is registered with it."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from joserfc.jwk import RSAKey

from domain.nhs_number import NhsNumber
from domain.trace import Demographics
from fhir_adapter.pds.access import PdsAccess
from fhir_adapter.pds.tokens import assertion_form
from nightlight.demo.pds_people import Registered
from nightlight.demo.pds_stand_in import BASE, TOKEN, StandIn, server_on
from nightlight.demo.pds_tokens import TokenDesk
from nightlight.demo.sample import invented_number

AMELIA, SENSITIVE, VERY_SENSITIVE = NhsNumber("9990000018"), invented_number(8_001), invented_number(8_002)
OLD, INVALID, NOBODY, DEAD, BARE = (invented_number(8_010 + each) for each in range(5))
TWIN, OTHER_TWIN, HIDDEN_TWIN = (invented_number(8_020 + each) for each in range(3))
BORN = date(2018, 5, 6)

PEOPLE = (
    Registered(AMELIA, "O'Brien-Example", ("Amelia", "Rose"), BORN, "female"),
    Registered(OLD, "Example", ("Amelia",), BORN, superseded_by=AMELIA),
    Registered(INVALID, "Gone", ("Ivy",), BORN, invalid=True),
    Registered(SENSITIVE, "Selby", ("Robin",), BORN, "male", confidentiality="R"),
    Registered(VERY_SENSITIVE, "Selwyn", ("Robin",), BORN, "male", confidentiality="V"),
    Registered(TWIN, "Oakley", ("Sam",), BORN, "male", "TE2 2ST"),
    Registered(OTHER_TWIN, "Oakley", ("Sam",), BORN, "female", "TE3 3ST"),
    Registered(HIDDEN_TWIN, "Oakley", ("Sam",), BORN, "male", confidentiality="R"),
    Registered(DEAD, "Marsh", ("Theo",), BORN, "male", died_on=date(2020, 1, 1)),
    Registered(BARE, "", (), BORN, bare=True),
)


@cache
def rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048)


def told(family: str = "O'Brien-Example", given: str = "Amelia", born: date = BORN, **more: Any) -> Demographics:
    return Demographics(family, born, given, **more)


@dataclass(slots=True)
class Register:
    """The stand-in, and where it is."""

    stand_in: StandIn
    origin: str

    def access(self, **changes: Any) -> PdsAccess:
        """That of the registered application, unless changed. Its pace keeps no test waiting."""
        tokens = self.stand_in.tokens
        access = PdsAccess(
            f"{self.origin}{BASE}", tokens.token_url, tokens.api_key, tokens.key_id, rsa_key(), per_second=10_000,
            timeout_seconds=60,
        )  # fmt: skip
        return replace(access, **changes)

    async def token(self) -> str:
        async with httpx.AsyncClient(timeout=60) as http:
            form = assertion_form(self.access(), time.time())
            return str((await http.post(self.stand_in.tokens.token_url, data=form)).json()["access_token"])


class _Quiet(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextmanager
def register_in_a_thread(people: Sequence[Registered]) -> Iterator[Register]:
    """The same in a thread of its own, for what runs a loop itself."""
    found: list[Register] = []
    ready, done = threading.Event(), threading.Event()

    async def main() -> None:
        async with open_register(people) as register:
            found.append(register)
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert ready.wait(60)
        yield found[0]
    finally:
        done.set()
        thread.join()


def environment(register: Register, folder: Path) -> dict[str, str]:
    """The variables that lead to it."""
    access, key = register.access(), folder / "key.pem"
    key.write_bytes(rsa_key().as_pem(private=True))
    return {
        "NIGHTLIGHT_PDS_URL": access.url,
        "NIGHTLIGHT_PDS_TOKEN_URL": access.token_url,
        "NIGHTLIGHT_PDS_API_KEY": access.api_key,
        "NIGHTLIGHT_PDS_KEY_ID": access.key_id,
        "NIGHTLIGHT_PDS_PRIVATE_KEY_FILE": str(key),
        "NIGHTLIGHT_PDS_PER_SECOND": "10000",
    }


@asynccontextmanager
async def open_register(people: Sequence[Registered] = PEOPLE) -> AsyncIterator[Register]:
    """Serve the stand-in until the block ends."""
    sock = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{sock.getsockname()[1]}"
    public = RSAKey.import_key(rsa_key().as_pem(private=False))
    stand_in = StandIn(people, TokenDesk(public, "test-1", "an-api-key", f"{origin}{TOKEN}"))
    server = _Quiet(server_on(stand_in, sock).config)
    serving = asyncio.create_task(server.serve([sock]))
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    try:
        yield Register(stand_in, origin)
    finally:
        server.should_exit = True
        await serving
