"""TLS towards a hospital's engine: whom we trust, and what we show.

`hl7_listener.outbound_client` makes a context for each new connection, so that new files are taken without a restart.
Source: RFC 8446; docs/hl7.md, "Back into the hospital".
"""

import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from hl7_listener.tls import BadCertificate
from runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class ClientFiles:
    """PEM files: who issues the engines' certificates (None: whom this machine trusts), and our own certificate with its key."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> "ClientFiles":
        """Those of the settings."""
        names = (settings.outbound_ca_file, settings.outbound_certificate_file, settings.outbound_key_file)
        return cls(*(Path(name) if name else None for name in names))


def client_context(files: ClientFiles) -> ssl.SSLContext:
    """What a connection begins with: the engine's certificate and its name are checked. Raises BadCertificate."""
    if (files.certificate is None) != (files.key is None):
        raise BadCertificate("a certificate for hospitals' engines needs its key, and a key its certificate")
    try:
        context = ssl.create_default_context(cafile=files.ca)
    except (OSError, ValueError):
        raise BadCertificate("NIGHTLIGHT_OUTBOUND_CA_FILE cannot be used: it must be PEM, and readable") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.ca is not None:
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an issuing authority without its root is enough
    if files.certificate is not None:
        try:
            context.load_cert_chain(files.certificate, files.key, password=_no_password)
        except (OSError, ValueError):
            raise BadCertificate(
                "NIGHTLIGHT_OUTBOUND_CERTIFICATE_FILE and its key cannot be used: they must be PEM, readable, without a password"
            ) from None
    return context


def stays_here(host: str) -> bool:
    """Whether messages to this host stay on this machine: then they need no TLS."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _no_password() -> bytes:
    """Without this, OpenSSL would ask for a key's password on the terminal and wait."""
    raise ValueError("the key is encrypted")
