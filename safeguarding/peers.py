"""Peers: the systems that may connect to the HL7 listener, each with the sites that it speaks for and may ask about.

`nightlight peer add | set | list | remove` calls it; `safeguarding.directory` reads what it writes.
Source: docs/hl7.md, "Who may speak".
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from domain.actor import Actor
from domain.errors import Conflict, InvalidInput, NotFound
from runtime.audit import record_audit
from runtime.database import Connection


@dataclass(frozen=True, slots=True)
class RegisteredPeer:
    """One peer as it is on record: network and certificate (SHA-256 of the DER, hex) where it has them.

    `certificate_expires_at` is None where only the fingerprint is known.
    """

    name: str
    network: str | None
    certificate: str | None
    sites: list[str]
    may_query: list[str]
    certificate_expires_at: datetime | None = None


async def add_peer(
    transaction: Connection,
    actor: Actor,
    name: str,
    sites: Sequence[str],
    *,
    network: str | None = None,
    certificate: str | None = None,
    certificate_expires_at: datetime | None = None,
    may_query: bool = False,
) -> None:
    """Register a system under a name of its own.

    Raises InvalidInput without network and certificate, for a bad network, and for queries without a certificate;
    NotFound for an unknown site; Conflict where the name, the certificate or the network is registered already.
    """
    if network is None and certificate is None:
        raise InvalidInput("a peer is known by its network, its certificate, or both: name one")
    if may_query and certificate is None:
        raise InvalidInput("only a peer with a certificate may ask: queries need mutual TLS")
    if not name.strip() or not sites:
        raise InvalidInput("a peer has a name and at least one site")
    parsed = _parse(network) if network is not None else None
    known = await transaction.execute("SELECT 1 FROM peers WHERE name = %s", (name,))
    if await known.fetchone() is not None:
        raise Conflict(f"a peer {name} is there already")
    added = await transaction.execute(
        """
        INSERT INTO peers (name, network, certificate, certificate_expires_at) VALUES (%s, %s, %s, %s)
        ON CONFLICT DO NOTHING RETURNING id
        """,
        (name, parsed, certificate, certificate_expires_at),
    )
    row = await added.fetchone()
    if row is None:
        raise Conflict(f"another peer has this {'certificate' if certificate else 'network'} already: see nightlight peer list")
    for site in sorted({each.upper() for each in sites}):
        await _allow(transaction, row[0], site, may_query)
    await record_audit(
        transaction, actor, "peer.add", "peer", name, network=network, certificate=certificate, may_query=may_query,
        sites=",".join(sorted({each.upper() for each in sites})),
    )  # fmt: skip


async def set_certificate(
    transaction: Connection, actor: Actor, name: str, certificate: str, certificate_expires_at: datetime | None
) -> None:
    """Know a peer by this certificate from now on, and no more by the one before; the same again tells until when it holds.

    Raises NotFound, and Conflict where another peer has it.
    """
    other = await transaction.execute("SELECT 1 FROM peers WHERE certificate = %s AND name <> %s", (certificate, name))
    if await other.fetchone() is not None:
        raise Conflict("another peer has this certificate already: see nightlight peer list")
    changed = await transaction.execute(
        "UPDATE peers SET certificate = %s, certificate_expires_at = %s WHERE name = %s",
        (certificate, certificate_expires_at, name),
    )
    if changed.rowcount == 0:
        raise NotFound(f"there is no peer {name}: see nightlight peer list")
    await record_audit(transaction, actor, "peer.set", "peer", name, certificate=certificate)


async def remove_peer(transaction: Connection, actor: Actor, name: str) -> None:
    """Let a system speak no more; what it sent stays. Raises NotFound."""
    removed = await transaction.execute("DELETE FROM peers WHERE name = %s", (name,))
    if removed.rowcount == 0:
        raise NotFound(f"there is no peer {name}: see nightlight peer list")
    await record_audit(transaction, actor, "peer.remove", "peer", name)


async def read_peers(transaction: Connection) -> list[RegisteredPeer]:
    """Every peer, by name, those that no site lists included."""
    cursor = transaction.cursor(row_factory=class_row(RegisteredPeer))
    await cursor.execute(
        """
        SELECT p.name, p.network::text AS network, p.certificate, p.certificate_expires_at,
               coalesce(array_agg(f.site ORDER BY f.site) FILTER (WHERE f.site IS NOT NULL), '{}') AS sites,
               coalesce(array_agg(f.site ORDER BY f.site) FILTER (WHERE f.may_query), '{}') AS may_query
        FROM peers p LEFT JOIN peer_facilities f ON f.peer_id = p.id GROUP BY p.id ORDER BY p.name
        """
    )
    return await cursor.fetchall()


async def _allow(transaction: Connection, peer_id: int, site: str, may_query: bool) -> None:
    allowed = await transaction.execute(
        "INSERT INTO peer_facilities (peer_id, site, may_query) SELECT %s, ods_code, %s FROM sites WHERE ods_code = %s",
        (peer_id, may_query, site),
    )
    if allowed.rowcount == 0:
        raise NotFound(f"there is no site {site}: add it first with nightlight site add")


def _parse(network: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(network)
    except ValueError:
        raise InvalidInput(f"{network} is not an address or a network, such as 10.1.2.0/24") from None
