"""The REST API of GOV.UK Notify: send one message, and ask which messages of a reference are there.

`alerts.channels.notify` calls it; what failed is told as an `Attempted` with a short code of ours, never with Notify's words.
Source: docs.notifications.service.gov.uk/rest-api.html (requests, error codes, the token of 30 seconds); docs/adr/0042.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx2
import orjson
from joserfc import jwt
from joserfc.jwk import OctKey

from alerts.channels.notify_access import NotifyAccess
from domain.alert import AttemptOutcome, ChannelName
from domain.channel import Attempted
from runtime.clock import now

STEP_SECONDS = 8.0
CALL_SECONDS = 12.0
"""For a whole call: two of them, asking and sending, fit into one attempt."""
CLOCK_SECONDS = 30.0
"""By which our clock and Notify's may differ."""
LONGEST_ANSWER = 1_000_000

_DAY_LIMIT = "TooManyRequestsError"
_INVALID = "ValidationError"


class NotifyFailed(Exception):
    """Notify did not take a message, or gave no answer. Nothing that it said is in it."""

    def __init__(self, outcome: AttemptOutcome, code: str) -> None:
        super().__init__(code)
        self.attempted = Attempted(outcome, code)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that Notify has: its id, its state in Notify's words, and since when."""

    id: str
    status: str
    created_at: datetime | None


class NotifyClient:
    """Calls Notify from any number of tasks; keeps no connection. No redirect is followed, no proxy of the environment used."""

    def __init__(self, access: NotifyAccess) -> None:
        self.access = access
        self._context = ssl.create_default_context()
        for library in ("httpx2", "httpcore2"):  # they would tell addresses
            logging.getLogger(library).setLevel(logging.CRITICAL)

    async def send(self, channel: ChannelName, to: str, reference: UUID, words: Mapping[str, str]) -> str:
        """Send one message; the id that Notify gives it. Raises NotifyFailed."""
        kind, field = ("sms", "phone_number") if channel is ChannelName.SMS else ("email", "email_address")
        body = {
            field: to,
            "template_id": self.access.templates[channel],
            "personalisation": words,
            "reference": str(reference),
        }
        answer = await self._call("POST", f"/v2/notifications/{kind}", HTTPStatus.CREATED, body=body)
        if not isinstance(answer, dict) or answer.get("reference") != str(reference) or not _is_id(answer.get("id")):
            raise NotifyFailed(AttemptOutcome.TEMPORARY, "notify-unclear")
        return str(answer["id"])

    async def find(self, reference: UUID) -> list[Kept]:
        """Every message of this reference that Notify still has, the newest first. Raises NotifyFailed."""
        answer = await self._call("GET", "/v2/notifications", HTTPStatus.OK, asked={"reference": str(reference)})
        found = answer.get("notifications") if isinstance(answer, dict) else None
        if not isinstance(found, list) or not all(isinstance(each, dict) and _is_id(each.get("id")) for each in found):
            raise NotifyFailed(AttemptOutcome.TEMPORARY, "notify-unclear")
        return [
            Kept(each["id"], str(each.get("status", "")), _instant(each.get("created_at")))
            for each in found
            if each.get("reference") == str(reference)
        ]

    async def _call(
        self,
        method: str,
        path: str,
        expected: HTTPStatus,
        body: Mapping[str, Any] | None = None,
        asked: Mapping[str, str] | None = None,
    ) -> Any:
        headers = {
            "authorization": f"Bearer {self._token()}",
            "content-type": "application/json",
            "user-agent": "Nightlight",
        }
        content = None if body is None else orjson.dumps(body)
        try:
            async with (
                asyncio.timeout(CALL_SECONDS),
                httpx2.AsyncClient(verify=self._context, timeout=STEP_SECONDS, trust_env=False) as http,
                http.stream(method, f"{self.access.url}{path}", headers=headers, content=content, params=asked) as response,
            ):
                answer = _json(await _content(response))
        except (TimeoutError, httpx2.TimeoutException):
            raise NotifyFailed(AttemptOutcome.TEMPORARY, "timed-out") from None
        except (httpx2.HTTPError, httpx2.StreamError, OSError) as error:
            raise NotifyFailed(AttemptOutcome.TEMPORARY, "tls-failed" if _is_about_tls(error) else "no-connection") from None
        if response.status_code != expected:
            raise _failure(response.status_code, answer, response.headers.get("date", ""))
        return answer

    def _token(self) -> str:
        """A fresh one for each request: Notify takes it for 30 seconds."""
        claims = {"iss": self.access.service_id, "iat": int(time.time())}
        return jwt.encode({"typ": "JWT", "alg": "HS256"}, claims, OctKey.import_key(self.access.secret), algorithms=["HS256"])


def _failure(status: int, answer: Any, date: str) -> NotifyFailed:
    """By the status and the type of the error alone: Notify's sentences may change, and quote an address."""
    kinds = _kinds(answer)
    if status == HTTPStatus.BAD_REQUEST:
        return NotifyFailed(AttemptOutcome.PERMANENT, "notify-invalid" if _INVALID in kinds else "notify-refused")
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        if _clocks_differ(date):
            return NotifyFailed(AttemptOutcome.TEMPORARY, "notify-clock")
        return NotifyFailed(AttemptOutcome.PERMANENT, "notify-key")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return NotifyFailed(AttemptOutcome.TEMPORARY, "notify-day-limit" if _DAY_LIMIT in kinds else "notify-busy")
    is_away = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT or status // 100 == 2
    return NotifyFailed(AttemptOutcome.TEMPORARY if is_away else AttemptOutcome.PERMANENT, f"notify-{status}")


def _kinds(answer: Any) -> set[str]:
    errors = answer.get("errors") if isinstance(answer, dict) else None
    return {str(each.get("error")) for each in errors if isinstance(each, dict)} if isinstance(errors, list) else set()


def _clocks_differ(date: str) -> bool:
    """Whether the instant of Notify's answer is not ours. RFC 9110, section 6.6.1."""
    try:
        return abs((parsedate_to_datetime(date) - now()).total_seconds()) > CLOCK_SECONDS
    except (ValueError, TypeError):
        return False


def _is_about_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


def _instant(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else None


async def _content(response: httpx2.Response) -> bytes:
    content = bytearray()
    async for part in response.aiter_bytes():
        content += part
        if len(content) > LONGEST_ANSWER:
            raise NotifyFailed(AttemptOutcome.TEMPORARY, "notify-unclear")
    return bytes(content)


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
