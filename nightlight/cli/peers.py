"""Commands that say which systems may connect to the HL7 listener: `nightlight peer add | set | list | remove`."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from rich.table import Table

from domain.errors import InvalidInput
from hl7_listener.tls import fingerprint_of
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.clock import now
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.peers import RegisteredPeer, add_peer, read_peers, remove_peer, set_certificate

peers = typer.Typer(no_args_is_help=True, help="Systems that may connect to the HL7 listener.")

Name = Annotated[str, typer.Argument(help="A name of its own, such as amber-pas.", show_default=False)]


@peers.command("add")
def peer_add(
    name: Name,
    sites: Annotated[str, typer.Option(help="ODS codes of the sites that it speaks for, with commas between.")],
    network: Annotated[
        str | None,
        typer.Option(help="Address or network that it connects from; with a certificate, both must hold.", show_default=False),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its client certificate, PEM or DER, without a key.", show_default=False)
    ] = None,
    may_query: Annotated[
        bool, typer.Option("--may-query", help="It may ask (QBP) about patients of its sites; needs a certificate.")
    ] = False,
    data: DataFolder = None,
) -> None:
    """Let a system send for its sites. It is known by its certificate, or by its network where it has none."""
    known_by = read_certificate(certificate) if certificate else None

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await add_peer(
                transaction, operator(), name, [site.strip() for site in sites.split(",") if site.strip()], network=network,
                certificate=known_by.fingerprint if known_by else None,
                certificate_expires_at=known_by.expires_at if known_by else None, may_query=may_query,
            )  # fmt: skip

    on_store(data, work)
    out.print(f"Added peer {name}. Its messages are taken within a few seconds.", markup=False)
    if known_by:
        _show(known_by)


@peers.command("set")
def peer_set(
    name: Name,
    certificate: Annotated[
        Path, typer.Option(metavar="FILE", help="Its client certificate, PEM or DER, without a key.", show_default=False)
    ],
    data: DataFolder = None,
) -> None:
    """Know a system by another certificate within a few seconds, or say with the same file until when it holds."""
    known_by = read_certificate(certificate)

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await set_certificate(transaction, operator(), name, known_by.fingerprint, known_by.expires_at)

    on_store(data, work)
    out.print(f"Peer {name} is known by this certificate, and by no other.", markup=False)
    _show(known_by)


@peers.command("list")
def peer_list(data: DataFolder = None) -> None:
    """List the systems that may connect, how each is known, and what it may do."""

    async def work(database: Database, _: Settings) -> list[RegisteredPeer]:
        async with database.transaction() as transaction:
            return await read_peers(transaction)

    table = Table("peer", "network", "certificate (SHA-256)", "expires", "speaks for", "may ask about")
    for peer in on_store(data, work):
        table.add_row(
            peer.name, peer.network or "any", peer.certificate or "none", _expires(peer), ", ".join(peer.sites),
            ", ".join(peer.may_query) or "none",
        )  # fmt: skip
    out.print(table)


@peers.command("remove")
def peer_remove(name: Name, data: DataFolder = None) -> None:
    """Let a system send no more. Its next message is refused and kept, within a few seconds."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await remove_peer(transaction, operator(), name)

    on_store(data, work)
    out.print(f"Removed peer {name}.", markup=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """What is kept of a certificate: the SHA-256 of its DER, and until when it holds."""

    fingerprint: str
    expires_at: datetime


def read_certificate(path: Path) -> ClientCertificate:
    """The first certificate in a PEM or DER file. Raises InvalidInput where there is none."""
    content = path.read_bytes()
    try:
        if b"-----BEGIN CERTIFICATE-----" in content:
            begin = content.index(b"-----BEGIN CERTIFICATE-----")
            end = content.index(b"-----END CERTIFICATE-----", begin) + len(b"-----END CERTIFICATE-----")
            content = ssl.PEM_cert_to_DER_cert(content[begin:end].decode("ascii"))
        certificate = x509.load_der_x509_certificate(content)
    except ValueError:
        raise InvalidInput(f"{path} holds no certificate, PEM or DER") from None
    return ClientCertificate(fingerprint_of(content), certificate.not_valid_after_utc)


def _expires(peer: RegisteredPeer) -> str:
    if peer.certificate is None:
        return ""
    return f"{peer.certificate_expires_at:%d %b %Y}" if peer.certificate_expires_at else "not known"


def _show(certificate: ClientCertificate) -> None:
    out.print(f"SHA-256 of its certificate: {certificate.fingerprint}", markup=False)
    verb = "expired" if certificate.expires_at < now() else "expires"
    out.print(f"It {verb} on {certificate.expires_at:%d %b %Y}.", markup=False)
