"""The client of the PDS FHIR API, in its application-restricted access mode: it reads one patient, or finds one.

`safeguarding.tracing` and `nightlight trace` ask; what came is told as `domain.trace` has it. It never raises and never logs an
address: PDS has the NHS number and the names in its addresses.
Source: NHSDigital/personal-demographics-service-api, specification; docs/integration/pds.md.
"""

import asyncio
import logging
import ssl
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx2
import orjson

from domain.nhs_number import NhsNumber
from domain.trace import Demographics, NoTrace, NotUnique, NotVerified, NotVerifiedReason, Trace, Traced
from fhir_adapter.pds.access import PdsAccess
from fhir_adapter.pds.breaker import Breaker, admit, failed, released, seconds_left, succeeded
from fhir_adapter.pds.metrics import ANSWERS
from fhir_adapter.pds.pace import Pace, retry_after
from fhir_adapter.pds.reading import Unclear, read_patient, read_search
from fhir_adapter.pds.tokens import NoToken, Tokens
from runtime.logs import get_logger

LONGEST_ANSWER = 1_000_000

Parameters = list[tuple[str, str | int | float | bool | None]]
Read = Callable[[int, Any], Traced]

log = get_logger()


class _Failed(Exception):
    """PDS gave no answer that anybody can use; `reason` says why."""

    def __init__(self, reason: NotVerifiedReason, retry_seconds: float | None = None) -> None:
        super().__init__(reason.value)
        self.result = NotVerified(reason, retry_seconds)


class _NotOurTurn(Exception):
    """So many ask that our turn would come too late: nothing was asked."""

    def __init__(self, seconds: float) -> None:
        super().__init__("not our turn")
        self.seconds = seconds


class PdsTrace:
    """Asks PDS (implements `Trace`). One for each process: its token, its pace and its breaker are shared by all who ask."""

    def __init__(self, access: PdsAccess, http: httpx2.AsyncClient) -> None:
        self._access = access
        self._http = http
        self._tokens = Tokens(access, self._exchange)
        self._pace = Pace(access.per_second)
        self._breaker = Breaker()

    async def verify(self, number: NhsNumber, told: Demographics | None = None) -> Traced:
        """Whether the number is a patient's, and whose details agree where some were told."""
        return await self._ask(f"/Patient/{number}", [], lambda status, body: read_patient(status, body, number, told))

    async def find(self, told: Demographics) -> Traced:
        """The one patient of these details, or why there is none.

        Asked with names and birth date first; gender and postcode only tell several matches apart (a postcode leaves out
        whoever is restricted). Never a fuzzy search: it would match other people.
        """
        if not told.can_be_traced:
            return NotVerified(NotVerifiedReason.TOO_LITTLE)
        found = await self._search(told.widened)
        return await self._search(told) if found == NotUnique() and told != told.widened else found

    async def _search(self, told: Demographics) -> Traced:
        parameters: Parameters = [
            ("family", told.family_name),
            ("birthdate", f"eq{told.birth_date.isoformat()}"),
            *([("given", told.given_name)] if told.given_name else []),
            *([("gender", told.gender.value)] if told.gender else []),
            *([("address-postalcode", told.postcode)] if told.postcode else []),
            ("_fuzzy-match", "false"),
            ("_exact-match", "false"),
            ("_max-results", "1"),
        ]
        return await self._ask("/Patient", parameters, lambda status, body: read_search(status, body, told))

    async def _ask(self, path: str, parameters: Parameters, read: Read) -> Traced:
        result = await self._guarded(path, parameters, read)
        word = result.reason.value if isinstance(result, NotVerified) else type(result).__name__.lower()
        ANSWERS.labels(word).inc()
        return result

    async def _guarded(self, path: str, parameters: Parameters, read: Read) -> Traced:
        """Behind the breaker. An answer that refuses us counts as a failure: asking it again and again would mend nothing."""
        self._breaker, may_ask = admit(self._breaker, time.monotonic())
        if not may_ask:
            return NotVerified(NotVerifiedReason.CIRCUIT_OPEN, seconds_left(self._breaker, time.monotonic()))
        then: Callable[[Breaker, float], Breaker] = released
        try:
            async with asyncio.timeout(4 * self._access.timeout_seconds):
                result = read(*await self._authorised(path, parameters))
            then = failed if result == NotVerified(NotVerifiedReason.REFUSED) else succeeded
        except _NotOurTurn as error:
            return NotVerified(NotVerifiedReason.RATE_LIMITED, error.seconds)
        except _Failed as failure:
            then = succeeded if failure.result.reason is NotVerifiedReason.RATE_LIMITED else failed  # 429: it is there, and busy
            return failure.result
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, OSError, Unclear, NoToken, TimeoutError) as error:
            then = failed
            log.warning("PDS gave no answer", error=type(error).__name__)
            return NotVerified(NotVerifiedReason.UNAVAILABLE)
        finally:
            self._breaker = then(self._breaker, time.monotonic())
        return result

    async def _authorised(self, path: str, parameters: Parameters) -> tuple[int, Any]:
        """With a token; with a new one, once, where PDS does not take the one that was kept."""
        request_id, correlation_id = str(uuid.uuid4()), str(uuid.uuid4())
        for is_again in (False, True):
            token = await self._tokens.current(time.monotonic(), time.time())
            headers = {
                "authorization": f"Bearer {token}",
                "accept": "application/fhir+json",
                "x-request-id": request_id,
                "x-correlation-id": correlation_id,
                **({"nhsd-end-user-organisation-ods": self._access.organisation} if self._access.organisation else {}),
            }
            request = self._http.build_request("GET", f"{self._access.url}{path}", params=parameters, headers=headers)
            status, body = await self._send(request)
            if status != 401 or is_again:
                break
            self._tokens.forget(token)
        return status, body

    async def _exchange(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        status, body = await self._send(self._http.build_request("POST", self._access.token_url, data=form))
        if status in {400, 401, 403}:
            log.error("PDS takes no assertion of ours", status=status)
            raise _Failed(NotVerifiedReason.REFUSED)
        if status != 200 or not isinstance(body, dict):
            raise NoToken("no token came")
        return body

    async def _send(self, request: httpx2.Request) -> tuple[int, Any]:
        """One request at our pace. Raises _Failed where PDS is busy or away, and _NotOurTurn."""
        wait = self._pace.turn(time.monotonic())
        if wait is None:
            raise _NotOurTurn(self._pace.seconds_left(time.monotonic()))
        await asyncio.sleep(wait)
        response = await self._http.send(request, stream=True)
        try:
            content = await _content(response)
        finally:
            await response.aclose()
        if response.status_code == 429:
            seconds = retry_after(response.headers.get("retry-after"), datetime.now(UTC))
            self._pace.hold(time.monotonic() + seconds)
            raise _Failed(NotVerifiedReason.RATE_LIMITED, seconds)
        if response.status_code == 408 or response.status_code >= 500:
            log.warning("PDS is away", status=response.status_code)
            raise _Failed(NotVerifiedReason.UNAVAILABLE)
        return response.status_code, _json(content)


async def _content(response: httpx2.Response) -> bytes:
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > LONGEST_ANSWER:
            raise Unclear
    return bytes(content)


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


@asynccontextmanager
async def open_trace(access: PdsAccess | None) -> AsyncIterator[Trace]:
    """Who can be asked: PDS, or nobody where there is no access. No redirect is followed, and no proxy of the environment used."""
    if access is None:
        yield NoTrace()
        return
    for library in ("httpx2", "httpcore2"):  # they would tell addresses
        logging.getLogger(library).setLevel(logging.CRITICAL)
    timeout = httpx2.Timeout(access.timeout_seconds)
    context = ssl.create_default_context()
    async with httpx2.AsyncClient(verify=context, timeout=timeout, trust_env=False) as http:
        yield PdsTrace(access, http)
