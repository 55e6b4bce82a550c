"""Is one process of the service well? The health checks of docker-compose.yml ask.

Called as `python -m nightlight.supervisor.health api|listener|dispatcher|loader` inside that process's container; the exit
status is 0 for yes, 1, with one line, for no.
"""

import socket
import sys
from collections.abc import Callable
from functools import partial

import psycopg

from hl7_listener.ports import read_ports
from nightlight.supervisor.readiness import get
from nightlight.supervisor.sockets import Address
from runtime.heartbeat import ALIVE_SECONDS
from runtime.settings import Settings, load_settings


def check_api(settings: Settings) -> None:
    """It answers. Raises OSError or ValueError where it does not."""
    status = get(Address.from_text(settings.http).reachable, "/live")
    if status != 200:
        raise ValueError(f"/live answers {status}")


def check_listener(settings: Settings) -> None:
    """Every port takes connections. Raises OSError where one does not."""
    for port in read_ports(settings):
        address = Address.from_text(port.address).reachable
        socket.create_connection((address.host, address.port), timeout=5).close()


def check_heartbeat(settings: Settings, process: str) -> None:
    """Its heartbeat is fresh. Raises ValueError where it is not, psycopg.Error where the database is away."""
    with psycopg.connect(settings.database_url.get_secret_value(), connect_timeout=5) as connection:
        fresh = connection.execute(
            "SELECT 1 FROM heartbeats WHERE process = %s AND beat_at > now() - make_interval(secs => %s)",
            (process, ALIVE_SECONDS),
        ).fetchone()
    if fresh is None:
        raise ValueError("no fresh heartbeat")


CHECKS: dict[str, Callable[[Settings], None]] = {
    "api": check_api,
    "listener": check_listener,
    "dispatcher": partial(check_heartbeat, process="dispatcher"),
    "loader": partial(check_heartbeat, process="loader"),
}


def main(name: str) -> None:
    """Check one process. Ends this one with status 1 where it is not well."""
    try:
        CHECKS[name](load_settings())
    except (OSError, ValueError) as error:
        sys.exit(f"{name} is not well: {error}")
    except psycopg.Error as error:
        sys.exit(f"{name} is not well: {type(error).__name__}")


if __name__ == "__main__":
    main(sys.argv[1])
