"""Commands that say which systems may connect to the HL7 listener: `nightlight peer add | list | remove`."""

import ssl
from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509
from rich.table import Table

from domain.errors import InvalidInput
from hl7_listener.tls import fingerprint_of
from nightlight.cli.console import DataFolder, on_store, operator, out
from runtime.database import Database
from runtime.settings import Settings
from safeguarding.peers import RegisteredPeer, add_peer, read_peers, remove_peer

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
    fingerprint = read_fingerprint(certificate) if certificate else None

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await add_peer(
                transaction, operator(), name, [site.strip() for site in sites.split(",") if site.strip()], network=network,
                certificate=fingerprint, may_query=may_query,
            )  # fmt: skip

    on_store(data, work)
    out.print(f"Added peer {name}. Its messages are taken within a few seconds.", markup=False)
    if fingerprint:
        out.print(f"SHA-256 of its certificate: {fingerprint}", markup=False)


@peers.command("list")
def peer_list(data: DataFolder = None) -> None:
    """List the systems that may connect, how each is known, and what it may do."""

    async def work(database: Database, _: Settings) -> list[RegisteredPeer]:
        async with database.transaction() as transaction:
            return await read_peers(transaction)

    table = Table("peer", "network", "certificate (SHA-256)", "speaks for", "may ask about")
    for peer in on_store(data, work):
        table.add_row(
            peer.name, peer.network or "any", peer.certificate or "none", ", ".join(peer.sites), ", ".join(peer.may_query) or "none"
        )
    out.print(table)


@peers.command("remove")
def peer_remove(name: Name, data: DataFolder = None) -> None:
    """Let a system send no more. Its next message is refused and kept, within a few seconds."""

    async def work(database: Database, _: Settings) -> None:
        async with database.transaction() as transaction:
            await remove_peer(transaction, operator(), name)

    on_store(data, work)
    out.print(f"Removed peer {name}.", markup=False)


def read_fingerprint(path: Path) -> str:
    """SHA-256 of the first certificate in a PEM or DER file. Raises InvalidInput where there is none."""
    content = path.read_bytes()
    try:
        if b"-----BEGIN CERTIFICATE-----" in content:
            begin = content.index(b"-----BEGIN CERTIFICATE-----")
            end = content.index(b"-----END CERTIFICATE-----", begin) + len(b"-----END CERTIFICATE-----")
            content = ssl.PEM_cert_to_DER_cert(content[begin:end].decode("ascii"))
        x509.load_der_x509_certificate(content)
    except ValueError:
        raise InvalidInput(f"{path} holds no certificate, PEM or DER") from None
    return fingerprint_of(content)
