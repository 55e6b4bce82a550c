"""GOV.UK Notify as its documentation describes the API, on a port of the system's choice: tokens, templates, errors, receipts.

Source: docs.notifications.service.gov.uk/rest-api.html, and the official client for Python, which was tried against this.
"""

import asyncio
import re
import socket
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import uvicorn
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from alerts.channels.notify_words import EMAIL_BODY, EMAIL_SUBJECT, TEXT_BODY
from runtime.settings import Settings

SERVICE, SECRET = "26785a09-ab16-4eb0-8407-a37497a57506", "3d844edf-8d35-48ac-975b-e847b4f122b0"
KEY = f"nightlight_test-{SERVICE}-{SECRET}"
EMAIL_TEMPLATE, TEXT_TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a", "0a1ed0a8-6a0c-4b30-9c5f-ad5b0a7b0d1c"
CALLBACK_TOKEN = "a-token-of-the-callback"
SECONDS = 30
TYPES = {400: "BadRequestError", 403: "AuthError", 404: "NoResultFound", 429: "RateLimitError", 500: "Exception"}


@dataclass(slots=True)
class Message:
    """One that Notify has taken."""

    id: str
    kind: str
    reference: str | None
    to: str
    subject: str
    body: str
    status: str = "created"
    created_at: str = ""


@dataclass(slots=True)
class NotifyStandIn:
    """What it was asked (`wire`: everything but the token), what it has taken, and what it says instead for a while.

    `refusals` are given in the place of an answer, one a request: (status, type of error). So often as `loses` says, it takes a
    message and the connection breaks in the place of an answer.
    """

    url: str = ""
    skew: float = 0.0
    team_only: set[str] = field(default_factory=set)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    loses: int = 0
    breaks: bool = False
    answers: Response | None = None
    wire: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def settings(self, **more: Any) -> Settings:
        """Those that lead here."""
        return Settings(
            notify_api_key=SecretStr(KEY), notify_url=self.url, notify_email_template_id=EMAIL_TEMPLATE,
            notify_sms_template_id=TEXT_TEMPLATE, public_url="https://nightlight.example", **more,
        )  # fmt: skip

    async def answer(self, request: Request) -> Response:
        response = self.answers or await self._answer(request)
        response.headers["date"] = datetime.fromtimestamp(time.time() + self.skew, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        return response

    async def _answer(self, request: Request) -> Response:
        headers = [f"{name}: {value}" for name, value in request.headers.items() if name != "authorization"]
        body = (await request.body()).decode()
        self.wire.append("\n".join([f"{request.method} {request.url}", *headers, "", body]))
        self.asked.append((request.method, request.url.path))
        if self.refusals:
            status, kind = self.refusals.pop(0)
            return error(status, kind, "a sentence that may change, and names 07700900123")
        if problem := self._check_token(request.headers.get("authorization", "")):
            return error(403, "AuthError", problem)
        if request.method == "POST":
            return self._take(request.path_params["kind"], await request.json())
        return self._show(request)

    def _check_token(self, header: str) -> str:
        scheme, _, token = header.partition(" ")
        try:
            decoded = jwt.decode(token, OctKey.import_key(SECRET), algorithms=["HS256"])
        except (JoseError, ValueError):
            return "Invalid token: API key not found"
        if scheme != "Bearer" or decoded.header != {"typ": "JWT", "alg": "HS256"} or set(decoded.claims) != {"iss", "iat"}:
            return "Invalid token"
        if decoded.claims["iss"] != SERVICE:
            return "Invalid token: service not found"
        if abs(decoded.claims["iat"] - time.time() - self.skew) > SECONDS:
            return "Error: Your system clock must be accurate to within 30 seconds"
        return ""

    def _take(self, kind: str, asked: dict[str, Any]) -> Response:
        to = asked.get("phone_number" if kind == "sms" else "email_address")
        if not isinstance(to, str):
            return error(400, "ValidationError", "a required property is missing")
        good = r"(\+44|0)7\d{9}" if kind == "sms" else r"[^@\s]+@[^@\s]+\.[^@\s]+"
        if not re.fullmatch(good, re.sub(r"[ ()-]", "", to) if kind == "sms" else to):
            return error(400, "ValidationError", f"{to} is not valid")
        if asked.get("template_id") != (TEXT_TEMPLATE if kind == "sms" else EMAIL_TEMPLATE):
            return error(400, "BadRequestError", "Template not found")
        if to in self.team_only:
            return error(400, "BadRequestError", "Can't send to this recipient using a team-only API key")
        subject, body = ("", TEXT_BODY) if kind == "sms" else (EMAIL_SUBJECT, EMAIL_BODY)
        words = asked.get("personalisation", {})
        if missing := set(re.findall(r"\(\((\w+)\)\)", subject + body)) - set(words):
            return error(400, "BadRequestError", f"Missing personalisation: {', '.join(sorted(missing))}")
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        taken = Message(
            str(uuid.uuid4()), kind, asked.get("reference"), to, filled(subject, words), filled(body, words), created_at=at
        )
        self.messages.append(taken)
        if self.loses:
            self.loses -= 1
            self.breaks = True
        content = {"body": taken.body, **({"from_number": "NIGHTLIGHT"} if kind == "sms" else {"subject": taken.subject})}
        template = {"id": asked["template_id"], "version": 1, "uri": f"{self.url}/v2/template/{asked['template_id']}"}
        uri = f"{self.url}/v2/notifications/{taken.id}"
        answer = {"id": taken.id, "reference": taken.reference, "content": content, "uri": uri, "template": template}
        return JSONResponse(answer, 201)

    def _show(self, request: Request) -> Response:
        newest = list(reversed(self.messages))
        if message_id := request.path_params.get("id"):
            found = [each for each in newest if each.id == message_id]
            return JSONResponse(shown(found[0])) if found else error(404, "NoResultFound", "No result found")
        reference = request.query_params.get("reference")
        found = [each for each in newest if reference is None or each.reference == reference]
        return JSONResponse({"notifications": [shown(each) for each in found], "links": {"current": str(request.url)}})

    async def call_back(self, address: str, message: Message, token: str = CALLBACK_TOKEN, **other: object) -> int:
        """Post the receipt of a message, as it stands; the status of the answer."""
        body = receipt(message) | other
        async with httpx.AsyncClient(timeout=60) as http:
            answer = await http.post(address, json=body, headers={"authorization": f"Bearer {token}"})
        return answer.status_code


def receipt(message: Message) -> dict[str, object]:
    """What Notify posts to a service's callback address."""
    return {
        "id": message.id,
        "reference": message.reference,
        "to": message.to,
        "status": message.status,
        "created_at": message.created_at,
        "completed_at": message.created_at,
        "sent_at": message.created_at,
        "notification_type": message.kind,
        "template_id": TEXT_TEMPLATE if message.kind == "sms" else EMAIL_TEMPLATE,
        "template_version": 1,
    }


def filled(text: str, words: dict[str, str]) -> str:
    """A template with its placeholders filled."""
    return re.sub(r"\(\((\w+)\)\)", lambda found: str(words[found[1]]), text)


def shown(message: Message) -> dict[str, object]:
    """A message as GET gives it."""
    return {
        "id": message.id,
        "reference": message.reference,
        "type": message.kind,
        "status": message.status,
        "email_address": message.to if message.kind == "email" else None,
        "phone_number": message.to if message.kind == "sms" else None,
        "subject": message.subject or None,
        "body": message.body,
        "created_at": message.created_at,
    }


def error(status: int, kind: str, words: str) -> Response:
    """As Notify says that it does not."""
    return JSONResponse({"status_code": status, "errors": [{"error": kind or TYPES[status], "message": words}]}, status)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def notify_stand_in() -> AsyncIterator[NotifyStandIn]:
    """Serve until the block ends."""
    sock = socket.create_server(("127.0.0.1", 0))
    notify = NotifyStandIn(f"http://127.0.0.1:{sock.getsockname()[1]}")
    routes = [
        Route("/v2/notifications/{kind:str}", notify.answer, methods=["POST"]),
        Route("/v2/notifications/{id:str}", notify.answer, methods=["GET"]),
        Route("/v2/notifications", notify.answer, methods=["GET"]),
    ]
    config = uvicorn.Config(
        Breaking(Starlette(routes=routes), notify), http="h11", access_log=False, log_config=None, date_header=False,
        timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = _Server(config)
    serving = asyncio.create_task(server.serve([sock]))
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.01)
    try:
        yield notify
    finally:
        server.should_exit = True
        await serving


class Breaking:
    """An answer that is to be lost begins, and never ends."""

    def __init__(self, app: Any, notify: NotifyStandIn) -> None:
        self._app, self._notify = app, notify

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def unless_broken(message: Any) -> None:
            if not self._notify.breaks:
                await send(message)

        await self._app(scope, receive, unless_broken)
        if self._notify.breaks:
            self._notify.breaks = False
            await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"9999")]})
