"""Certificates of the bench: for the service's listener, and for the client that asks it over mutual TLS.

`service` has them made for each run, `world` registers the client as a peer, `query_client` shows its own.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme

from hl7_listener.tls import fingerprint_of

NAME = "nightlight.bench"


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files, and the client's certificate as a peer's row holds it. `client` holds key and certificate."""

    authority: Path
    listener: Path
    listener_key: Path
    client: Path
    client_fingerprint: str


def issue(folder: Path) -> Certificates:
    """New ones, in the folder."""
    authority = trustme.CA()
    listener, client = authority.issue_cert(NAME), authority.issue_cert("ehr.bench")
    certificate = client.cert_chain_pems[0].bytes()
    made = Certificates(
        folder / "authority.pem", folder / "listener.pem", folder / "listener-key.pem", folder / "client.pem",
        fingerprint_of(ssl.PEM_cert_to_DER_cert(certificate.decode())),
    )  # fmt: skip
    authority.cert_pem.write_to_path(str(made.authority))
    listener.cert_chain_pems[0].write_to_path(str(made.listener))
    listener.private_key_pem.write_to_path(str(made.listener_key))
    client.private_key_and_cert_chain_pem.write_to_path(str(made.client))
    return made


def client_context(authority: str, client: str) -> ssl.SSLContext:
    """How the client connects: it trusts the bench's authority and shows its certificate."""
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(client)
    return context
