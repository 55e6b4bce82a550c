"""Real certificates made in the test, and hospitals that connect with them over real sockets."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import trustme

from hl7_listener.framing import frame
from hl7_listener.tls import TlsFiles, fingerprint_of

PAST = datetime(2020, 1, 1, tzinfo=UTC)
NAME = "nightlight.test"


@dataclass(slots=True)
class Office:
    """Issues the listener's certificate and those of its hospitals, and keeps the files of the listener."""

    folder: Path
    ca: trustme.CA = field(default_factory=trustme.CA)

    def issue(self, *, not_after: datetime | None = None, client_ca: bool = True) -> TlsFiles:
        """New files for the listener, in the place of those before."""
        leaf = self.ca.issue_cert(NAME, not_before=PAST if not_after else None, not_after=not_after)
        (self.folder / "key.pem").write_bytes(leaf.private_key_pem.bytes())
        (self.folder / "certificate.pem").write_bytes(b"".join(pem.bytes() for pem in leaf.cert_chain_pems))
        (self.folder / "clients.pem").write_bytes(self.ca.cert_pem.bytes())
        return TlsFiles(
            self.folder / "certificate.pem", self.folder / "key.pem", self.folder / "clients.pem" if client_ca else None
        )

    def leaf(self, *, not_after: datetime | None = None) -> trustme.LeafCert:
        """A certificate for a hospital."""
        return self.ca.issue_cert("pas.amber.test", not_before=PAST if not_after else None, not_after=not_after)


def client(trusted: trustme.CA, leaf: trustme.LeafCert | None = None) -> ssl.SSLContext:
    """How a hospital connects: it trusts the listener's authority, and shows a certificate where it has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusted.configure_trust(context)
    if leaf is not None:
        leaf.configure_cert(context)
    return context


def fingerprint(leaf: trustme.LeafCert) -> str:
    """As a peer's row holds it."""
    return fingerprint_of(ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode()))


@dataclass(slots=True)
class Caller:
    """One connection of a hospital's engine."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, message: bytes) -> bytes:
        """The acknowledgement, without its marks; empty where the connection was closed instead."""
        try:
            self.writer.write(frame(message))
            return (await asyncio.wait_for(self.reader.readuntil(b"\x1c\r"), 60))[1:-2]
        except (asyncio.IncompleteReadError, OSError):
            return b""

    async def closed(self) -> None:
        """Wait until the other end has closed."""
        try:
            while await asyncio.wait_for(self.reader.read(65_536), 60):
                pass
        except ConnectionError:
            pass

    def shown(self) -> bytes:
        """The certificate that the listener showed, as DER."""
        certificate: bytes = self.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return certificate


@asynccontextmanager
async def calling(port: int, context: ssl.SSLContext | None = None, address: str = "127.0.0.1") -> AsyncIterator[Caller]:
    """A connection from an address of this machine, with TLS where a context is given."""
    name = NAME if context else None
    opened = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name, local_addr=(address, 0))
    caller = Caller(*opened)
    try:
        yield caller
    finally:
        caller.writer.transport.abort()
