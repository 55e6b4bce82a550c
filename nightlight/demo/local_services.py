"""Three children that only the demo has: a local sign-in provider, a mail catcher and a stand-in for PDS, on loopback only.

`nightlight.demo.run` starts `python -m nightlight.demo.local_services provider|mail|pds`; each is handed its listening socket.
"""

import asyncio
import os
import signal
import socket
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiosmtpd.handlers import AsyncMessage
from aiosmtpd.smtp import SMTP
from werkzeug.serving import WSGIRequestHandler, make_server

from nightlight.demo.pds_child import serve_pds
from nightlight.demo.sample import PEOPLE
from runtime.settings import load_settings


class _Quiet(WSGIRequestHandler):
    """Writes no access log: it would hold sign-in codes."""

    def log(self, type: str, message: str, *args: Any) -> None:
        return


def serve_provider(sock: socket.socket) -> None:
    """The OpenID Connect provider whose users are the demo people. Its client secret is of no worth: it checks none."""
    warnings.showwarning = lambda *_, **__: None  # it warns of its own library's future at every start
    from oidc_provider_mock import User, app

    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    users = [User(sub=person.subject, claims=person.claims) for person in PEOPLE]
    host, port = sock.getsockname()[:2]
    make_server(host, port, app(user_claims=users), threaded=True, request_handler=_Quiet, fd=sock.fileno()).serve_forever()


class _ToFiles(AsyncMessage):
    """Keeps each e-mail as a file, so that a person can read what left the house."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    async def handle_message(self, message: Any) -> None:
        at = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
        await asyncio.to_thread(self._folder.joinpath(f"{at}.eml").write_bytes, message.as_bytes())


def catch_mail(sock: socket.socket, folder: Path) -> None:
    """Take every e-mail and write it into the folder."""
    folder.mkdir(parents=True, exist_ok=True)

    async def main() -> None:
        handler = _ToFiles(folder)
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler, hostname="localhost"), sock=sock)
        async with server:
            await server.serve_forever()

    asyncio.run(main())


def main() -> None:
    """Run one of the three by name, on the socket that was handed down."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    name = sys.argv[1]
    sock = socket.socket(fileno=int(os.environ[f"NIGHTLIGHT_{name.upper()}_FD"]))
    if name == "provider":
        serve_provider(sock)
    elif name == "pds":
        serve_pds(load_settings(), sock)
    else:
        catch_mail(sock, Path(os.environ["NIGHTLIGHT_MAIL_DIR"]))


if __name__ == "__main__":
    main()
