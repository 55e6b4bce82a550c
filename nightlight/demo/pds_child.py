"""The PDS stand-in as a child of the demo: its settings, its key, and the process that answers.

`nightlight.demo.run` hands it a socket of loopback and its settings to everybody else; `nightlight.demo.local_services` runs it.
"""

import os
import socket
import tempfile
from pathlib import Path

from joserfc.jwk import RSAKey

from fhir_adapter.pds.access import read_private_key
from nightlight.demo.pds_people import PEOPLE
from nightlight.demo.pds_stand_in import BASE, TOKEN, StandIn, serve
from nightlight.demo.pds_tokens import TokenDesk
from nightlight.supervisor.sockets import address_of
from runtime.settings import Settings

_BITS = 2048


def pds_environment(folder: Path, sock: socket.socket) -> dict[str, str]:
    """The settings that lead to the stand-in; also written to `pds.env` in the folder, for commands that a person types."""
    for each in (folder.parent, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    origin = f"http://{address_of(sock)}"
    environment = {
        "NIGHTLIGHT_PDS_URL": f"{origin}{BASE}",
        "NIGHTLIGHT_PDS_TOKEN_URL": f"{origin}{TOKEN}",
        "NIGHTLIGHT_PDS_API_KEY": "of-no-worth-on-loopback",
        "NIGHTLIGHT_PDS_KEY_ID": "demo",
        "NIGHTLIGHT_PDS_PRIVATE_KEY_FILE": str(_key_file(folder)),
    }
    lines = "".join(f"{name}={value}\n" for name, value in environment.items())
    (folder / "pds.env").write_text(lines, encoding="utf-8")
    return environment


def _key_file(folder: Path) -> Path:
    """The demo's own key, made at the first start; it opens nothing but the stand-in."""
    path = folder.resolve() / "key.pem"
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(RSAKey.generate_key(_BITS).as_pem(private=True))
        Path(draft).rename(path)
    return path


def serve_pds(settings: Settings, sock: socket.socket) -> None:
    """Answer for the invented people until SIGTERM. Raises ValueError for a socket that is not of loopback."""
    serve(stand_in_of(settings), sock)


def stand_in_of(settings: Settings) -> StandIn:
    """The stand-in with which the application of these settings is registered."""
    key = RSAKey.import_key(read_private_key(Path(settings.pds_private_key_file)).as_pem(private=False))
    desk = TokenDesk(key, settings.pds_key_id, settings.pds_api_key.get_secret_value(), settings.pds_token_url)
    return StandIn(PEOPLE, desk)
