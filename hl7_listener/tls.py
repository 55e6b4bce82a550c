"""TLS of one listener: the certificate that it shows, whose clients it lets in, and new files without a restart.

`hl7_listener.server` takes the context of this moment for each connection, and has the files looked at every so often.
Source: RFC 8446, RFC 5246; docs/hl7.md, "TLS".
"""

import hashlib
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from domain.errors import InvalidInput
from runtime.clock import now
from runtime.logs import get_logger

log = get_logger()


class BadCertificate(InvalidInput):
    """The files of a listener's TLS cannot be used."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: our certificate with its chain, its key, and the authorities whose client certificates are taken.

    Without `client_ca` no certificate is asked of a client; with it each must have one, or may where they are `optional`.
    `only_1_3` refuses TLS 1.2.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None
    optional: bool = False
    only_1_3: bool = False


def fingerprint_of(der: bytes) -> str:
    """How a peer's certificate is written down: SHA-256 over the DER, hex."""
    return hashlib.sha256(der).hexdigest()


class Certificates:
    """What a listener shows and demands, as its files said when they were last good.

    `problem` is empty, or says why newer files are not in use. Raises BadCertificate where the first ones cannot be.
    """

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._seen = _contents(files)
        self.context, self.expires_at = _load(files)
        self.problem = "" if self.expires_at > now() else "the certificate has expired"
        if self.problem:
            log.error("certificate is no good", path=str(files.certificate), reason=self.problem)

    def refresh(self) -> None:
        """Take the files as they are now, if they changed. Connections that stand keep what they began with."""
        seen = _contents(self._files)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            context, expires_at = _load(self._files)
            if expires_at <= now():
                raise BadCertificate("the new certificate has expired")
        except BadCertificate as error:
            self.problem = str(error)
            log.error("certificate not changed", path=str(self._files.certificate), reason=self.problem)
            return
        self.context, self.expires_at, self.problem = context, expires_at, ""
        log.info("certificate changed", path=str(self._files.certificate))


def _contents(files: TlsFiles) -> tuple[bytes, ...]:
    """What stands for the files' contents. A file that cannot be read is a content too: its return is a change."""
    return tuple(_content(path) for path in (files.certificate, files.key, files.client_ca) if path)


def _content(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""


def _load(files: TlsFiles) -> tuple[ssl.SSLContext, datetime]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if files.only_1_3 else ssl.TLSVersion.TLSv1_2
    # Nothing is resumed: a client proves anew who it is each time, under the certificates of that moment.
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    try:
        expires_at = x509.load_pem_x509_certificate(files.certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError) as error:
        raise BadCertificate(f"the certificate file cannot be used: {_reason(error)}") from None
    try:
        context.load_cert_chain(files.certificate, files.key, password=_no_password)
    except (OSError, ValueError) as error:
        raise BadCertificate(f"the key file cannot be used with the certificate: {_reason(error)}") from None
    if files.client_ca is not None:
        _ask_for_certificates(context, files.client_ca, ssl.CERT_OPTIONAL if files.optional else ssl.CERT_REQUIRED)
    return context, expires_at


def _ask_for_certificates(context: ssl.SSLContext, client_ca: Path, mode: ssl.VerifyMode) -> None:
    """A certificate that is shown must hold in either mode."""
    context.verify_mode = mode
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an issuing authority without its root is enough
    try:
        context.load_verify_locations(client_ca)
    except (OSError, ValueError) as error:
        raise BadCertificate(f"the client CA file cannot be used: {_reason(error)}") from None


def _no_password() -> bytes:
    """Without this, OpenSSL would ask for a key's password on the terminal and wait."""
    raise ValueError("the key is encrypted; give the key without a password, in a file that only the service can read")


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return (error.reason or "not PEM").replace("_", " ").lower()
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error).split(". ")[0]
