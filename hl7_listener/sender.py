"""Who sent a message, as the connection knows it: every connection makes one, the answerer asks the directory with it.

Source: docs/hl7.md, "Who may speak".
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sender:
    """The other end of one connection.

    `certificate` is the SHA-256 of the client's certificate (DER, hex, lower case); None where none was shown.
    `mutual` says that the listener asked for a certificate, got one and checked it: what needs mutual TLS asks this.
    """

    address: str
    certificate: str | None = None
    mutual: bool = False
