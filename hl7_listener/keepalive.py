"""TCP keepalive for connections that stay open for days: the listener's, and those to hospitals' engines.

So a firewall keeps a quiet connection, and one whose other end is gone is noticed. Source: docs/hl7.md, "Framing".
"""

import socket

_IDLE = socket.TCP_KEEPIDLE if hasattr(socket, "TCP_KEEPIDLE") else 0x10  # macOS: TCP_KEEPALIVE
_OPTIONS = ((_IDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))


def keep_alive(sock: socket.socket) -> None:
    """After a quiet minute, ask every 15 seconds; four without an answer end the connection."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _OPTIONS:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
