"""Systems that may call the FHIR API: registered clients, and the short signed tokens that they carry.

`nightlight client add` and `nightlight token` write; `fhir_adapter` checks every request.
Source: SMART Backend Services (scopes, token life); RFC 7519.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from psycopg.rows import class_row

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput, NotAllowed
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Transaction

TOKEN_LIFE = timedelta(minutes=5)
_ALGORITHM = "HS256"
_AUDIENCE = "nightlight-fhir"
SCOPES = ("system/Flag.rs", "system/CareTeam.rs")
"""The scopes that this release understands."""


class Care(StrEnum):
    """What care a client is registered for: the header IsUnscheduledAccessEvent chooses only within it."""

    SCHEDULED = "scheduled"
    UNSCHEDULED = "unscheduled"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Client:
    """One registered system of one organisation (ODS code)."""

    id: str
    organisation_code: str
    scopes: list[str]
    care: Care
    enabled: bool


async def add_client(transaction: Transaction, actor: Actor, client: Client) -> None:
    """Register a client. Raises InvalidInput for an unknown scope, Conflict where the id is taken."""
    unknown = sorted(set(client.scopes) - set(SCOPES))
    if unknown or not client.scopes:
        raise InvalidInput(f"a scope is one of {', '.join(SCOPES)}")
    added = await transaction.execute(
        "INSERT INTO clients (id, organisation_code, scopes, care) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (client.id, client.organisation_code, client.scopes, client.care),
    )
    if added.rowcount == 0:
        raise Conflict(f"a client {client.id} is registered already")
    await record_audit(transaction, actor, "client.add", "client", client.id, care=client.care)


async def find_client(transaction: Transaction, client_id: str) -> Client | None:
    """The client with the id, or None."""
    cursor = transaction.cursor(row_factory=class_row(Client))
    await cursor.execute(
        "SELECT id, organisation_code, scopes, care, disabled_at IS NULL AS enabled FROM clients WHERE id = %s",
        (client_id,),
    )
    return await cursor.fetchone()


def sign_token(key: bytes, client: Client, life: timedelta = TOKEN_LIFE) -> str:
    """A bearer token for the client. Raises NotAllowed where it is disabled."""
    if not client.enabled:
        raise NotAllowed(f"the client {client.id} is disabled")
    issued = now()
    claims = {
        "sub": client.id,
        "aud": _AUDIENCE,
        "iat": int(issued.timestamp()),
        "exp": int((issued + life).timestamp()),
        "jti": secrets.token_urlsafe(16),
    }
    return jwt.encode({"alg": _ALGORITHM}, claims, OctKey.import_key(key), algorithms=[_ALGORITHM])


class TokenVerifier:
    """Checks bearer tokens with one key; who the client is now, and whether it is enabled, the caller looks up."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)
        self._claims = jwt.JWTClaimsRegistry(
            aud={"essential": True, "value": _AUDIENCE}, exp={"essential": True}, sub={"essential": True}
        )

    def client_id(self, token: str) -> str:
        """The client that the token was signed for. Raises NotAllowed for a token that is not ours or has run out."""
        try:
            decoded = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
            self._claims.validate(decoded.claims)
        except (JoseError, ValueError):
            raise NotAllowed("the bearer token is not valid, or has run out") from None
        return str(decoded.claims["sub"])
