"""A child as small as can be, for the tests of the supervisor: it serves on the sockets that it was handed.

Over HTTP it answers /live and /ready, /pid with its process number, /environment with its environment; over MLLP it
takes connections; it drains, slowly, when it gets SIGTERM. Called as `child.py PLACE NAME`, PLACE being how to find it.
"""

import json
import os
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answers = {"/pid": os.getpid(), "/environment": dict(os.environ)}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answers.get(self.path, "ok")).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main(place: Path, name: str) -> None:
    def drain(*_: object) -> None:
        (place / f"drained-{name}").touch()
        os._exit(0)

    signal.signal(signal.SIGTERM, drain)
    if "NIGHTLIGHT_HTTP_FD" in os.environ:
        server = HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = socket.socket(fileno=int(os.environ["NIGHTLIGHT_HTTP_FD"]))
        threading.Thread(target=server.serve_forever, daemon=True).start()
    (place / f"up-{name}").touch()
    while True:
        signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
