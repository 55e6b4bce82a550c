"""Who sent a message, as the connection knows it: every connection makes one, the answerer asks the directory with it.

Source: docs/hl7.md, "Who may speak".
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sender:
    """The other end of one connection.

    `certificate` is the SHA-256 of the client's certificate (DER, hex, lower case); None where none was asked for.
    `mutual` says that the listener demanded a certificate and checked it: what needs mutual TLS asks this.
    """

    address: str
    certificate: str | None = None
    mutual: bool = False
