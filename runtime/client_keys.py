"""The registration of a client in the course of time: its keys come and go, it is disabled and enabled, its tokens are revoked.

`nightlight client` calls it. Every function writes its audit event, and is felt by every process within three seconds.
Sources: SMART App Launch 2.2, "Client Authentication: Asymmetric" (rotation); RFC 7517.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from domain.actor import Actor
from domain.errors import Conflict, NotFound
from runtime.audit import record_audit
from runtime.database import Connection
from runtime.jwks import public_key

_KEPT_MEMBERS = ("kty", "kid", "alg", "use", "n", "e", "crv", "x", "y")


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A client's public key. One that is being replaced is good until `ends_at`."""

    kid: str
    jwk: Mapping[str, Any]
    added_at: datetime
    ends_at: datetime | None


async def read_keys(transaction: Connection, client_id: str) -> list[RegisteredKey]:
    """A client's keys that are good still, the newest first."""
    cursor = transaction.cursor(row_factory=class_row(RegisteredKey))
    await cursor.execute(
        """
        SELECT kid, jwk, added_at, ends_at FROM client_keys
        WHERE client_id = %s AND (ends_at IS NULL OR ends_at > now()) ORDER BY added_at DESC, kid
        """,
        (client_id,),
    )
    return await cursor.fetchall()


async def add_keys(transaction: Connection, actor: Actor, client_id: str, jwks: Iterable[Mapping[str, Any]]) -> None:
    """Register public keys beside those that a client has.

    Raises InvalidInput for one that may not verify tokens, Conflict where another key has its id, NotFound without the client.
    """
    await _lock(transaction, client_id)
    await transaction.execute("DELETE FROM client_keys WHERE client_id = %s AND ends_at <= now()", (client_id,))
    for jwk in jwks:
        kid = public_key(jwk).kid
        kept = {name: jwk[name] for name in _KEPT_MEMBERS if name in jwk}
        added = await transaction.execute(
            """
            INSERT INTO client_keys (client_id, kid, jwk) VALUES (%s, %s, %s)
            ON CONFLICT (client_id, kid) DO UPDATE SET ends_at = NULL WHERE client_keys.jwk = excluded.jwk
            """,
            (client_id, kid, Jsonb(kept)),
        )
        if added.rowcount == 0:
            raise Conflict(f"another key of {client_id} has this id (kid)")
        await record_audit(transaction, actor, "client.key.add", "client", client_id, kid=kid)


async def end_other_keys(
    transaction: Connection, actor: Actor, client_id: str, kept: Iterable[str], after: timedelta = timedelta(0)
) -> list[str]:
    """Let a client's keys end after a time, apart from those that are kept; one that ends sooner anyway does. Gives their ids."""
    ended = await transaction.execute(
        """
        UPDATE client_keys SET ends_at = least(ends_at, now() + %s)
        WHERE client_id = %s AND NOT kid = ANY(%s) AND (ends_at IS NULL OR ends_at > now()) RETURNING kid
        """,
        (after, client_id, list(kept)),
    )
    kids = sorted(str(kid) for (kid,) in await ended.fetchall())
    for kid in kids:
        await record_audit(
            transaction, actor, "client.key.end", "client", client_id, kid=kid, hours=int(after.total_seconds() // 3600)
        )
    return kids


async def drop_key(transaction: Connection, actor: Actor, client_id: str, kid: str) -> None:
    """Let one key end now. Raises NotFound where the client has none of this id that is good still."""
    dropped = await transaction.execute(
        "UPDATE client_keys SET ends_at = now() WHERE client_id = %s AND kid = %s AND (ends_at IS NULL OR ends_at > now())",
        (client_id, kid),
    )
    if dropped.rowcount == 0:
        raise NotFound(f"the client {client_id} has no key of this id (kid)")
    await record_audit(transaction, actor, "client.key.end", "client", client_id, kid=kid, hours=0)


async def set_jwks_url(transaction: Connection, actor: Actor, client_id: str, url: str | None) -> None:
    """Say where a client publishes its keys, or that it does not. Raises NotFound."""
    await _change(transaction, client_id, "UPDATE clients SET jwks_url = %s WHERE id = %s", url)
    await record_audit(transaction, actor, "client.jwks-url", "client", client_id, url=url)


async def revoke_tokens(transaction: Connection, actor: Actor, client_id: str) -> None:
    """End every token that was issued to a client. Raises NotFound."""
    await _change(transaction, client_id, "UPDATE clients SET token_generation = token_generation + %s WHERE id = %s", 1)
    await record_audit(transaction, actor, "client.revoke", "client", client_id)


async def set_enabled(transaction: Connection, actor: Actor, client_id: str, *, enabled: bool) -> None:
    """Let a client in again, or keep it out and end its tokens, for good. Raises NotFound."""
    statement = """
        UPDATE clients SET disabled_at = CASE WHEN %s THEN NULL ELSE coalesce(disabled_at, now()) END,
                           token_generation = token_generation + 1
        WHERE id = %s
    """
    await _change(transaction, client_id, statement, enabled)
    await record_audit(transaction, actor, "client.enable" if enabled else "client.disable", "client", client_id)


async def _lock(transaction: Connection, client_id: str) -> None:
    found = await transaction.execute("SELECT 1 FROM clients WHERE id = %s FOR UPDATE", (client_id,))
    if await found.fetchone() is None:
        raise NotFound(f"there is no client {client_id}")


async def _change(transaction: Connection, client_id: str, statement: str, value: object) -> None:
    changed = await transaction.execute(statement.encode(), (value, client_id))
    if changed.rowcount == 0:
        raise NotFound(f"there is no client {client_id}")
