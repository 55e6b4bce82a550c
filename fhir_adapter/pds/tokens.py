"""Access tokens: a signed assertion is exchanged for one, which is kept until shortly before it runs out.

`fhir_adapter.pds.client` asks for the token of every request. Sources: RFC 7523, section 2.2; NHS England, "Application-restricted
RESTful APIs: signed JWT authentication" (RS512, kid, iss and sub the API key, aud the token URL, exp 5 minutes at most, jti).
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt

from fhir_adapter.pds.access import PdsAccess

ALGORITHM = "RS512"
ASSERTION_LIFE_SECONDS = 300
SPARE_SECONDS = 60.0
"""How long before its end a token is not used any more."""

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

Exchange = Callable[[Mapping[str, str]], Awaitable[Mapping[str, Any]]]
"""Posts a form to the token URL and gives the JSON object that came back."""


class NoToken(Exception):
    """The token endpoint answered, and what it gave is no token."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and until when it is used (monotonic seconds)."""

    value: str
    good_until: float


class Tokens:
    """Keeps one token. Who comes while a new one is fetched waits for it."""

    def __init__(self, access: PdsAccess, exchange: Exchange) -> None:
        self._access = access
        self._exchange = exchange
        self._kept: Token | None = None
        self._fetching = asyncio.Lock()

    async def current(self, at: float, now: float) -> str:
        """A token that is good at the monotonic second `at`; `now` is Unix time. Raises what the exchange raises, and NoToken."""
        async with self._fetching:
            if self._kept is None or at >= self._kept.good_until:
                self._kept = read_token(await self._exchange(assertion_form(self._access, now)), at)
            return self._kept.value

    def forget(self, value: str) -> None:
        """PDS refused this token; the next request gets a new one."""
        if self._kept is not None and self._kept.value == value:
            self._kept = None


def assertion_form(access: PdsAccess, now: float) -> dict[str, str]:
    """The form that asks for a token. `now` is Unix time."""
    claims = {
        "iss": access.api_key,
        "sub": access.api_key,
        "aud": access.token_url,
        "jti": str(uuid.uuid4()),
        "iat": int(now),
        "exp": int(now) + ASSERTION_LIFE_SECONDS,
    }
    header = {"alg": ALGORITHM, "typ": "JWT", "kid": access.key_id}
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode(header, claims, access.private_key, algorithms=[ALGORITHM]),
    }


def read_token(body: Mapping[str, Any], at: float) -> Token:
    """The token of an answer; its life is written as a number or as text. Raises NoToken."""
    value, kind = body.get("access_token"), str(body.get("token_type", "Bearer"))
    try:
        life = float(str(body.get("expires_in", "")))
    except ValueError:
        raise NoToken("no life") from None
    if not isinstance(value, str) or not value or kind.casefold() != "bearer" or not life > 0:
        raise NoToken("no bearer token")
    return Token(value, at + max(life - SPARE_SECONDS, life / 2))
