"""Systems that may call the FHIR API: registered clients, and the short signed tokens that they carry.

`nightlight client add` and `nightlight token` write; `fhir_adapter` checks every request.
Source: SMART Backend Services (scopes, token life); RFC 7519.
"""

import asyncio
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from psycopg.rows import kwargs_row

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput, NotAllowed
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Connection, Database

KEPT_SECONDS = 3.0
TOKEN_LIFE = timedelta(minutes=5)
_ALGORITHM = "HS256"
_AUDIENCE = "nightlight-fhir"
SCOPES = (
    "system/Flag.rs",
    "system/CareTeam.rs",
    "system/AuditEvent.rs",
    "system/Encounter.cu",
    "system/Subscription.cruds",
)
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


async def add_client(transaction: Connection, actor: Actor, client: Client) -> None:
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


async def find_client(transaction: Connection, client_id: str) -> Client | None:
    """The client with the id, or None."""
    cursor = transaction.cursor(row_factory=kwargs_row(_row_to_client))
    await cursor.execute(
        "SELECT id, organisation_code, scopes, care, disabled_at IS NULL AS enabled FROM clients WHERE id = %s",
        (client_id,),
    )
    return await cursor.fetchone()


def _row_to_client(id: str, organisation_code: str, scopes: list[str], care: str, enabled: bool) -> Client:
    return Client(id, organisation_code, scopes, Care(care), enabled)


class ClientReader:
    """Finds clients, each read anew every few seconds: disabling one is felt by every process after that."""

    def __init__(self, database: Database, kept_seconds: float = KEPT_SECONDS) -> None:
        self._database = database
        self._kept_seconds = kept_seconds
        self._kept: dict[str, tuple[float, Client | None]] = {}
        self._reading = asyncio.Lock()

    async def find(self, client_id: str) -> Client | None:
        """The client as it stood at most `KEPT_SECONDS` ago, or None. Raises CouldNotReachStore."""
        if not self._is_fresh(client_id):
            async with self._reading:
                if not self._is_fresh(client_id):
                    async with self._database.transaction() as transaction:
                        client = await find_client(transaction, client_id)
                    self._kept[client_id] = (time.monotonic() + self._kept_seconds, client)
        return self._kept[client_id][1]

    def _is_fresh(self, client_id: str) -> bool:
        return client_id in self._kept and time.monotonic() < self._kept[client_id][0]


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


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """Whose token it is, and until when it is good (Unix seconds)."""

    client_id: str
    expires_at: float


class TokenVerifier:
    """Checks bearer tokens with one key; who the client is now, and whether it is enabled, the caller looks up."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)
        self._claims = jwt.JWTClaimsRegistry(
            aud={"essential": True, "value": _AUDIENCE}, exp={"essential": True}, sub={"essential": True}
        )

    def verify(self, token: str) -> VerifiedToken:
        """Whose token it is and how long it is good. Raises NotAllowed for one that is not ours or has run out."""
        try:
            decoded = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
            self._claims.validate(decoded.claims)
        except (JoseError, ValueError):
            raise NotAllowed("the bearer token is not valid, or has run out") from None
        return VerifiedToken(str(decoded.claims["sub"]), float(decoded.claims["exp"]))
