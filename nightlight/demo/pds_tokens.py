"""The token endpoint of the PDS stand-in: who brings an assertion that is signed as NHS England asks gets a token.

`nightlight.demo.pds_stand_in` calls it. Source: NHS England, "Application-restricted RESTful APIs: signed JWT authentication".
"""

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

TOKEN_SECONDS = 599
_LONGEST_ASSERTION = 300
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(slots=True)
class TokenDesk:
    """One registered application, the tokens that it was given, and the assertions that it has used."""

    key: RSAKey
    key_id: str
    api_key: str
    token_url: str
    token_seconds: float = TOKEN_SECONDS
    given: dict[str, float] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def exchange(self, form: Mapping[str, Any]) -> tuple[int, dict[str, str]]:
        """The status and the JSON body for a form."""
        wrong = next(self._wrong(form), None)
        if wrong is not None:
            return 400, {"error": "invalid_request", "error_description": wrong}
        token = secrets.token_urlsafe(24)
        self.given[token] = time.monotonic() + self.token_seconds
        issued = str(int(time.time() * 1000))
        life = str(int(self.token_seconds))  # as text: so does NHS England
        return 200, {"access_token": token, "expires_in": life, "token_type": "Bearer", "issued_at": issued}

    def is_good(self, token: str) -> bool:
        """Whether the token was given here and has not run out."""
        return self.given.get(token, 0.0) > time.monotonic()

    def _wrong(self, form: Mapping[str, Any]) -> Iterator[str]:
        """What is wrong, the first thing first."""
        if form.get("grant_type") != "client_credentials":
            yield "grant_type is invalid"
        if form.get("client_assertion_type") != _ASSERTION_TYPE:
            yield f"Missing or invalid client_assertion_type - must be '{_ASSERTION_TYPE}'"
        try:
            assertion = jwt.decode(str(form.get("client_assertion", "")), self.key, algorithms=["RS512"])
        except (JoseError, ValueError):
            yield "JWT signature verification failed, or its algorithm is not RS512"
            return
        claims, now = assertion.claims, time.time()
        if assertion.header.get("kid") != self.key_id:
            yield "Invalid 'kid' header in client_assertion JWT - no matching public key"
        if not claims.get("iss") == claims.get("sub") == self.api_key:
            yield "Invalid 'iss'/'sub' claims in client_assertion JWT"
        if claims.get("aud") != self.token_url:
            yield "Missing or invalid 'aud' claim in client_assertion JWT"
        if not isinstance(claims.get("exp"), int) or not now < claims["exp"] <= now + _LONGEST_ASSERTION + 1:
            yield "Invalid 'exp' claim in client_assertion JWT - more than 5 minutes in future, or in the past"
        if not claims.get("jti") or claims["jti"] in self.used:
            yield "Missing or non-unique 'jti' claim in client_assertion JWT"
        self.used.add(str(claims.get("jti")))
