"""The token endpoint as one ASGI application, which `api` mounts at /oauth2.

A signed assertion of a registered client comes in; a short bearer token, or an RFC 6749 error, goes out. The assertion's id is on
disk before the token leaves. Sources: SMART App Launch 2.2, "Backend Services"; RFC 6749, RFC 7523.
"""

from typing import Any

import orjson
import psycopg

from domain.errors import Temporary
from fhir_adapter.errors import Refused
from fhir_adapter.http import Receive, Request, Scope, Send, read_body, read_request, respond
from fhir_adapter.smart.configuration import TOKEN_PATH
from fhir_adapter.smart.request import TokenError, TokenRequest, invalid_client, read_token_request
from runtime.clients import TOKEN_LIFE, Client, ClientReader, TokenSigner
from runtime.database import Database
from runtime.endpoints import EndpointError
from runtime.jwks import BadToken, Unverified, Verified, VerifyingKey, parsed_key_set, read_unverified, verify
from runtime.logs import get_logger
from runtime.published_keys import PublishedKeys
from runtime.scopes import grant
from runtime.used_tokens import use_once

LONGEST_FORM = 16 * 1024
_PATH = "/" + TOKEN_PATH.rpartition("/")[2]
_HEADERS = {"content-type": "application/json", "pragma": "no-cache"}

log = get_logger()


class TokenEndpoint:
    """Issues tokens to any number of callers. `audience` is its own address, as every assertion must name it."""

    def __init__(self, database: Database, clients: ClientReader, published: PublishedKeys, key: bytes, audience: str) -> None:
        self._database = database
        self._clients = clients
        self._published = published
        self._signer = TokenSigner(key)
        self._audience = audience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP exchange."""
        status, headers = 200, {}
        try:
            content = await self._answer(read_request(scope), receive)
        except Exception as error:  # whatever it is, no token leaves
            refused = _to_token_error(error)
            _note(refused, error)
            status, headers = refused.status, refused.headers
            content = {"error": refused.error, "error_description": refused.words}
        await respond(send, status, orjson.dumps(content), {**_HEADERS, **headers})

    async def _answer(self, request: Request, receive: Receive) -> dict[str, Any]:
        if request.path != _PATH:
            raise TokenError("invalid_request", "There is nothing at this address.", status=404)
        if request.method != "POST":
            raise TokenError("invalid_request", "A token is asked for by POST.", status=405, headers={"allow": "POST"})
        body = await read_body(receive, LONGEST_FORM)
        asked = read_token_request(request.headers.get("content-type", ""), body)
        client = await self._authenticate(asked)
        scopes = grant(asked.scopes, client.scopes) if asked.scopes else client.scopes
        if not scopes:
            raise TokenError("invalid_scope", "The client is registered for nothing of what is asked for.")
        token = self._signer.sign(client, TOKEN_LIFE, scopes)
        lasts = int(TOKEN_LIFE.total_seconds())
        return {"access_token": token, "token_type": "bearer", "expires_in": lasts, "scope": " ".join(scopes)}

    async def _authenticate(self, asked: TokenRequest) -> Client:
        """The client whose assertion it is; the assertion is used up."""
        said = read_unverified(asked.assertion)
        client = await self._clients.find(said.issuer)
        if client is None or not client.enabled:
            raise invalid_client("client")
        verified = verify(asked.assertion, await self._keys(client, said), self._audience)
        if not verified.issuer == verified.subject == client.id or asked.client_id not in {"", client.id}:
            raise invalid_client("issuer")
        if not await self._is_new(verified):
            raise invalid_client("replayed")
        return client

    async def _keys(self, client: Client, said: Unverified) -> tuple[VerifyingKey, ...]:
        registered = parsed_key_set(client.key_set)
        if client.jwks_url and not any(key.kid == said.kid for key in registered):
            return await self._published.find(client.jwks_url, said.kid)
        return registered

    async def _is_new(self, verified: Verified) -> bool:
        async with self._database.single() as statement:
            return await use_once(statement, "oauth2", verified.issuer, verified.jti, verified.expires_at)


def _to_token_error(error: Exception) -> TokenError:
    if isinstance(error, TokenError):
        return error
    if isinstance(error, BadToken):
        return invalid_client(error.reason)
    if isinstance(error, Refused):
        return TokenError("invalid_request", error.words, status=error.kind.status)
    words = "We could not check the assertion. Make another one, and ask again."
    reason = f"keys-{error.code}" if isinstance(error, EndpointError) else type(error).__name__
    return TokenError("temporarily_unavailable", words, reason, 503, {"retry-after": "2"})


def _note(refused: TokenError, error: Exception) -> None:
    """Log why: never what was sent."""
    expected = isinstance(error, TokenError | BadToken | Refused | EndpointError | Temporary | psycopg.Error)
    (log.warning if expected else log.error)("token refused", status=refused.status, reason=refused.reason)
