"""The embedded Valkey: nudges only, so nothing is kept on disk; on a socket of its own, never on a TCP port.

Called by `servers.py` with the data folder and the rights to use; a running server goes back.
"""

import os
import time
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from nightlight.embedded.binaries import valkey_program
from nightlight.embedded.cluster import last_line, own_environment
from nightlight.embedded.errors import EmbeddedServersError
from nightlight.embedded.folder import DataFolder, open_log, write_private
from nightlight.embedded.guarded import Account, Ending, Guarded

START_SECONDS = 20

SETTINGS = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
requirepass "{password}"
save ""
appendonly no
maxmemory 64mb
maxmemory-policy noeviction
loglevel warning
"""


def start_valkey(folder: DataFolder, account: Account, lock: int) -> Guarded:
    """Start it and wait until it answers. Raises EmbeddedServersError with its last words where it does not."""
    settings = folder.sockets / "valkey.conf"
    write_private(settings, SETTINGS.format(socket=_socket(folder), password=folder.password("valkey")))
    account.give(settings)
    log = open_log(folder.log("valkey"))
    server = Guarded.start(
        [str(valkey_program()), str(settings)],
        ending=Ending(),
        account=account,
        output=log,
        environment=own_environment(),
        folder=folder.sockets,
        keep_descriptors=[lock],
    )
    os.close(log)
    deadline = time.monotonic() + START_SECONDS
    while not answers(url_of(folder)):
        if server.ended or time.monotonic() > deadline:
            server.stop()
            raise EmbeddedServersError(f"Valkey did not start: {last_line(folder.log('valkey'))}")
        time.sleep(0.01)
    return server


def url_of(folder: DataFolder) -> str:
    """The URL by which redis-py reaches it through the socket. It holds a password: never log it."""
    return f"unix://:{folder.password('valkey')}@{quote(_socket(folder))}"


def answers(url: str) -> bool:
    with redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def _socket(folder: DataFolder) -> str:
    return str(folder.sockets / "valkey.sock")
