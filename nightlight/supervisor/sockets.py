"""The listening sockets of a service. The supervisor holds them, so a restarted child refuses nobody: callers wait.

Called by `serve.py`; the children find theirs by number in NIGHTLIGHT_HTTP_FD, NIGHTLIGHT_MLLP_FD and so on.
"""

import errno
import socket
from dataclasses import dataclass
from typing import Self

from domain.errors import InvalidInput, NightlightError
from hl7_listener.ports import PLAIN, Port

BACKLOG = 1024
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- recognised, not bound


class AddressInUse(NightlightError):
    """The service cannot listen where it was told to."""


@dataclass(frozen=True, slots=True)
class Address:
    """HOST:PORT, an IPv6 host in square brackets. Port 0 stands for any free one."""

    host: str
    port: int

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Raises InvalidInput where it is none."""
        host, colon, port = text.rpartition(":")
        if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
            raise InvalidInput(f"{text!r} is no HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))

    @property
    def reachable(self) -> "Address":
        """An address by which this machine itself reaches it."""
        return Address(ANY_ADDRESS.get(self.host, self.host), self.port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def listen(address: Address, option: str, remedy: str | None = None) -> socket.socket:
    """A listening socket. `option` ("http", "mllp") is named in the remedy, or another one is given.

    Raises AddressInUse, in one line.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=BACKLOG)
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: "another program is using it",
            errno.EACCES: "ports below 1024 need special rights",
            errno.EADDRNOTAVAIL: "this machine has no such address",
        }
        where = remedy or f"with --{option} HOST:PORT or NIGHTLIGHT_{option.upper()}"
        raise AddressInUse(
            f"cannot listen on {address}: {reasons.get(error.errno or 0, error.strerror)}; "
            f"choose another {where} (127.0.0.1:0 takes a free port)"
        ) from None


def listen_for_hl7(port: Port) -> socket.socket:
    """The listening socket of one HL7 listener. Raises AddressInUse, and InvalidInput for an address not allowed."""
    remedy = {PLAIN: None, "tls": "with NIGHTLIGHT_MLLP_TLS"}.get(port.name, f"for {port.name} in the listeners' file")
    listening = listen(Address.from_text(port.address), "mllp", remedy)
    try:
        port.check_address(listening.getsockname()[0])
    except InvalidInput:
        listening.close()
        raise
    return listening


def address_of(listening: socket.socket) -> Address:
    """Where it really listens, a port 0 made good."""
    host, port = listening.getsockname()[:2]
    return Address(host, port)
