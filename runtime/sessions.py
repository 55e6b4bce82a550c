"""Sessions of signed-in people, kept in PostgreSQL so that every API process knows them and signing out ends them.

`api` starts a session after the OpenID Connect sign-in and finds it on every request and every live event.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from psycopg.rows import kwargs_row

from domain.actor import Actor, ActorKind, Role
from runtime.audit import record_audit
from runtime.clock import now
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in. `organisation` is an ODS code, or the code of a social worker's or data officer's authority."""

    subject: str
    name: str
    role: Role
    organisation: str
    csrf: str

    @property
    def actor(self) -> Actor:
        """The person, for the audit trail."""
        return Actor(ActorKind.PERSON, self.subject, self.name, self.organisation, self.role)


async def start_session(transaction: Connection, subject: str, name: str, role: Role, organisation: str, life: timedelta) -> str:
    """Begin a session and return its id, which only the browser's cookie holds; here only its hash is kept."""
    session_id = secrets.token_urlsafe(32)
    session = Session(subject, name, role, organisation, secrets.token_urlsafe(32))
    await transaction.execute(
        """
        INSERT INTO sessions (id_hash, subject, name, role, organisation, csrf, expires_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        (_hash(session_id), subject, name, role, organisation, session.csrf, now() + life),
    )
    await record_audit(transaction, session.actor, "session.start", "person", subject)
    return session_id


async def find_session(connection: Connection, session_id: str) -> Session | None:
    """The session, or None where it ended, ran out or never was. One statement."""
    cursor = connection.cursor(row_factory=kwargs_row(_row_to_session))
    await cursor.execute(
        """
        SELECT subject, name, role, organisation, csrf FROM sessions
        WHERE id_hash = %s AND ended_at IS NULL AND expires_at > now()
        """,
        (_hash(session_id),),
    )
    return await cursor.fetchone()


async def end_session(transaction: Connection, session_id: str) -> None:
    """Sign out: the session is gone for every process at once."""
    session = await find_session(transaction, session_id)
    if session is None:
        return
    await transaction.execute("UPDATE sessions SET ended_at = now() WHERE id_hash = %s", (_hash(session_id),))
    await record_audit(transaction, session.actor, "session.end", "person", session.subject)


def _hash(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode()).digest()


def _row_to_session(subject: str, name: str, role: str, organisation: str, csrf: str) -> Session:
    return Session(subject, name, Role(role), organisation, csrf)
