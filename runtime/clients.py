"""Systems that may call the FHIR API or send extracts: registered clients, and the short signed tokens that they carry.

`nightlight client add` and `nightlight token` write; `fhir_adapter.access` checks every request.
Source: SMART Backend Services (scopes, token life); RFC 7519.
"""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, LiteralString

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from psycopg.rows import kwargs_row

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput, NotAllowed
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Connection, Database
from runtime.shared_read import SharedRead

KEPT_SECONDS = 3.0
UNKNOWN_SECONDS = 0.2
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
"""The scopes of FHIR resources that this release understands."""

EXTRACTS = "system/Extract.cr"
"""Send the own authority's extracts (c), and read what became of them with their rejected records (r). No FHIR resource."""
OF_AUTHORITIES = (EXTRACTS,)
"""The scopes that only a client of a local authority may have."""


class Care(StrEnum):
    """What care a client is registered for: the header IsUnscheduledAccessEvent chooses only within it."""

    SCHEDULED = "scheduled"
    UNSCHEDULED = "unscheduled"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Client:
    """One registered system of one organisation (ODS code), or of one local authority, whose `organisation_code` is empty.

    An `auditor` may read the whole trail. Its public keys are those of `key_set` (a JWK Set, in JSON), or stand at `jwks_url`.
    Tokens of another `generation` than the client's are good no more.
    """

    id: str
    organisation_code: str
    scopes: list[str]
    care: Care
    enabled: bool
    authority_code: str | None = None
    auditor: bool = False
    jwks_url: str | None = None
    key_set: str = ""
    generation: int = 0


async def add_client(transaction: Connection, actor: Actor, client: Client) -> None:
    """Register a client, without its keys (`runtime.client_keys`).

    Raises InvalidInput for an unknown scope, and unless it belongs to an organisation or to an authority (which some scopes need);
    Conflict where the id is taken.
    """
    if not client.scopes or not set(client.scopes) <= {*SCOPES, *OF_AUTHORITIES}:
        raise InvalidInput(f"a scope is one of {', '.join(SCOPES + OF_AUTHORITIES)}")
    if not client.authority_code and set(client.scopes) & set(OF_AUTHORITIES):
        raise InvalidInput(f"only a client of a local authority may have the scope {', '.join(OF_AUTHORITIES)}")
    if bool(client.organisation_code) == bool(client.authority_code):
        raise InvalidInput("a client belongs to an organisation or to an authority, and to one of them")
    added = await transaction.execute(
        """
        INSERT INTO clients (id, organisation_code, authority_code, scopes, care, auditor, jwks_url)
        VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
        """,
        (
            client.id,
            client.organisation_code or None,
            client.authority_code,
            client.scopes,
            client.care,
            client.auditor,
            client.jwks_url,
        ),
    )
    if added.rowcount == 0:
        raise Conflict(f"a client {client.id} is registered already")
    await record_audit(
        transaction,
        actor,
        "client.add",
        "client",
        client.id,
        care=client.care,
        scopes=" ".join(client.scopes),
        auditor=client.auditor,
    )


async def find_client(transaction: Connection, client_id: str) -> Client | None:
    """The client with the id, or None."""
    cursor = transaction.cursor(row_factory=kwargs_row(_to_client))
    await cursor.execute(_CLIENTS + "WHERE c.id = %s", (client_id,))
    return await cursor.fetchone()


async def read_clients(transaction: Connection) -> list[Client]:
    """All clients, by their ids."""
    cursor = transaction.cursor(row_factory=kwargs_row(_to_client))
    await cursor.execute(_CLIENTS + "ORDER BY c.id")
    return await cursor.fetchall()


_CLIENTS: LiteralString = """
    SELECT c.id, coalesce(c.organisation_code, '') AS organisation_code, c.authority_code, c.scopes, c.care, c.auditor,
           c.disabled_at IS NULL AS enabled, c.jwks_url, c.token_generation AS generation,
           coalesce((
               SELECT jsonb_build_object('keys', jsonb_agg(k.jwk ORDER BY k.kid))::text FROM client_keys k
               WHERE k.client_id = c.id AND (k.ends_at IS NULL OR k.ends_at > now()) HAVING count(*) > 0
           ), '') AS key_set
    FROM clients c
"""


def _to_client(care: str, **columns: Any) -> Client:
    return Client(care=Care(care), **columns)


class ClientReader:
    """Finds clients, all read anew every few seconds: disabling one is felt by every process after that."""

    def __init__(self, database: Database, kept_seconds: float = KEPT_SECONDS) -> None:
        self._database = database
        self._kept_seconds = kept_seconds
        self._kept: dict[str, Client] = {}
        self._read_at = float("-inf")
        self._reading = SharedRead(self._read)

    async def find(self, client_id: str) -> Client | None:
        """The client as it stood at most `KEPT_SECONDS` ago, or None. Raises CouldNotReachStore."""
        if not self._is_fresh(client_id):
            await self._reading.get()
        return self._kept.get(client_id)

    async def _read(self) -> None:
        async with self._database.transaction() as transaction:
            clients = await read_clients(transaction)
        self._kept, self._read_at = {client.id: client for client in clients}, time.monotonic()

    def _is_fresh(self, client_id: str) -> bool:
        """Who is not known may have just been registered; those who make names up cost the store five statements a second."""
        kept_seconds = self._kept_seconds if client_id in self._kept else min(self._kept_seconds, UNKNOWN_SECONDS)
        return time.monotonic() - self._read_at < kept_seconds


class TokenSigner:
    """Makes bearer tokens with one key, which `TokenVerifier` checks."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)

    def sign(self, client: Client, life: timedelta = TOKEN_LIFE, scopes: Iterable[str] | None = None) -> str:
        """A token for the client, with all of its scopes unless some are named. Raises NotAllowed where it is disabled."""
        if not client.enabled:
            raise NotAllowed(f"the client {client.id} is disabled")
        issued = now()
        claims = {
            "sub": client.id,
            "aud": _AUDIENCE,
            "iat": int(issued.timestamp()),
            "exp": int((issued + life).timestamp()),
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(client.scopes if scopes is None else scopes),
            "gen": client.generation,
        }
        return jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=[_ALGORITHM])


def sign_token(key: bytes, client: Client, life: timedelta = TOKEN_LIFE) -> str:
    """One token with all scopes of the client, as an operator prints it. Raises NotAllowed where it is disabled."""
    return TokenSigner(key).sign(client, life)


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """Whose token it is, until when it is good (Unix seconds), and for what while the client is of this generation."""

    client_id: str
    expires_at: float
    scopes: frozenset[str]
    generation: int


class TokenVerifier:
    """Checks bearer tokens with one key; who the client is now, and whether it is enabled, the caller looks up."""

    def __init__(self, key: bytes) -> None:
        self._key = OctKey.import_key(key)
        self._claims = jwt.JWTClaimsRegistry(
            aud={"essential": True, "value": _AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
            scope={"essential": True},
            gen={"essential": True},
        )

    def verify(self, token: str) -> VerifiedToken:
        """What a token says. Raises NotAllowed for one that is not ours or has run out."""
        try:
            decoded = jwt.decode(token, self._key, algorithms=[_ALGORITHM])
            self._claims.validate(decoded.claims)
        except (JoseError, ValueError):
            raise NotAllowed("the bearer token is not valid, or has run out") from None
        said = decoded.claims
        return VerifiedToken(str(said["sub"]), float(said["exp"]), frozenset(said["scope"].split()), said["gen"])
