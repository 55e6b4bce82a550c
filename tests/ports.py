"""Ports of loopback that stay a test's own while nobody listens at them, for servers that go away and come back."""

import socket


def bound(port: int = 0) -> socket.socket:
    """A socket on this port, or on a free one. Until one listens there, whoever connects is refused.

    Several of these may be on one port. While one of them is open, nobody is given its port who asks for a free one.
    """
    sock = socket.socket()
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        sock.setsockopt(socket.SOL_SOCKET, option, 1)
    sock.bind(("127.0.0.1", port))
    return sock
