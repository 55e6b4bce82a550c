"""The certificates that listeners show, as each wrote with its heartbeat, and those of peers. `/ready` and `/metrics` tell in time.

The listener process records its own, `nightlight peer` those of peers; `safeguarding.readiness` reads.
Source: docs/operations.md, "Certificates".
"""

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from runtime.database import Connection
from runtime.heartbeat import ALIVE_SECONDS


@dataclass(frozen=True, slots=True)
class ListenerCertificate:
    """One listener's certificate. `problem` says why newer files are not in use; empty where all is well."""

    listener: str
    expires_at: datetime
    problem: str

    def days_left(self, at: datetime) -> float:
        """Days until it expires; negative once it has."""
        return _days_left(self.expires_at, at)


@dataclass(frozen=True, slots=True)
class PeerCertificate:
    """The certificate by which a peer is known; only those whose end is known."""

    peer: str
    expires_at: datetime

    def days_left(self, at: datetime) -> float:
        """Days until it expires; negative once it has."""
        return _days_left(self.expires_at, at)


async def record_certificates(transaction: Connection, certificates: Sequence[ListenerCertificate]) -> None:
    """Write down what this process shows now."""
    instance = f"{socket.gethostname()}:{os.getpid()}"
    for certificate in certificates:
        await transaction.execute(
            """
            INSERT INTO listener_certificates (instance, listener, expires_at, problem, seen_at) VALUES (%s, %s, %s, %s, now())
            ON CONFLICT (instance, listener) DO UPDATE
            SET expires_at = excluded.expires_at, problem = excluded.problem, seen_at = excluded.seen_at
            """,
            (instance, certificate.listener, certificate.expires_at, certificate.problem),
        )
    if certificates:
        await transaction.execute("DELETE FROM listener_certificates WHERE seen_at < now() - interval '1 day'")


async def read_certificates(transaction: Connection) -> tuple[ListenerCertificate, ...]:
    """What running listeners show: by name, the soonest end where several machines run one of that name."""
    cursor = transaction.cursor(row_factory=class_row(ListenerCertificate))
    await cursor.execute(
        """
        SELECT listener, min(expires_at) AS expires_at, max(problem) AS problem FROM listener_certificates
        WHERE seen_at > now() - make_interval(secs => %s) GROUP BY listener ORDER BY listener
        """,
        (ALIVE_SECONDS,),
    )
    return tuple(await cursor.fetchall())


async def read_peer_certificates(transaction: Connection) -> tuple[PeerCertificate, ...]:
    """The certificates of peers, by the peer's name."""
    cursor = transaction.cursor(row_factory=class_row(PeerCertificate))
    await cursor.execute(
        """
        SELECT name AS peer, certificate_expires_at AS expires_at FROM peers
        WHERE certificate_expires_at IS NOT NULL ORDER BY name
        """
    )
    return tuple(await cursor.fetchall())


def _days_left(expires_at: datetime, at: datetime) -> float:
    return round((expires_at - at).total_seconds() / 86_400, 2)
