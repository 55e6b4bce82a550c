"""The whole service on this machine: servers, migrations, sockets, children; stopped by SIGINT or SIGTERM.

Called by `nightlight serve` and `nightlight demo`. Where the settings name real servers, none are started here.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from hl7_listener.ports import Port, plain_one, read_ports
from nightlight.embedded import EmbeddedServers, Servers
from nightlight.supervisor.children import Child, nightlight_child
from nightlight.supervisor.readiness import Ports, ports_file
from nightlight.supervisor.run import Service, run
from nightlight.supervisor.sockets import Address, address_of, listen, listen_for_hl7
from runtime.migrate import SERVICE_ROLE, migrate
from runtime.secret import secret_key
from runtime.settings import Settings

CHILDREN = (
    nightlight_child("api", "http"),
    nightlight_child("listener", "mllp"),
    nightlight_child("dispatcher"),
    nightlight_child("loader"),
)
OWNERS_OWN = ("NIGHTLIGHT_OWNER_DATABASE_URL", "NIGHTLIGHT_OWNER_DATABASE_URL_FILE")


async def nothing_more(_: Ports) -> None:
    """What is done once the service is ready, unless the caller has more to do."""


@dataclass(frozen=True, slots=True)
class More:
    """What `demo` adds: before the children start, beside them, in their environment, and once the service is ready."""

    before: Callable[[Servers], None] = lambda _: None
    children: tuple[Child, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    sockets: Mapping[str, socket.socket] = field(default_factory=dict)
    when_ready: Callable[[Ports], Awaitable[None]] = nothing_more


def serve(settings: Settings, more: More | None = None, children: tuple[Child, ...] = CHILDREN) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; then let the children drain, stop the servers, and return.

    Raises AddressInUse, EmbeddedServersError, NotReady and what a migration raises; then, too, nothing is left running.
    """
    more = more or More()
    ports = read_ports(settings)
    with bound(settings, ports) as sockets, store(settings) as (embedded, servers):
        if servers.owner_url:
            migrate(servers.owner_url, role_of(servers.service_url), production=settings.production)
        secret_key(settings)  # made here, before the children need it all at once
        more.before(servers)
        service = Service(
            children=(*(with_every_port(child, ports) for child in as_often(children, settings)), *more.children),
            environment={**environment_of_children(settings, servers, sockets, ports), **more.environment},
            sockets={**sockets, **more.sockets},
            ports=ports,
            embedded=embedded,
            data_folder=settings.data_dir,
        )
        try:
            asyncio.run(run(service, more.when_ready))
        finally:
            ports_file(settings.data_dir).unlink(missing_ok=True)


@contextmanager
def bound(settings: Settings, ports: tuple[Port, ...]) -> Iterator[dict[str, socket.socket]]:
    """Every listening socket by its name. Raises AddressInUse or InvalidInput where one cannot be had."""
    with ExitStack() as held:
        sockets = {"http": held.enter_context(listen(Address.from_text(settings.http), "http"))}
        for port in ports:
            sockets[port.socket_name] = held.enter_context(listen_for_hl7(port))
        yield sockets


def as_often(children: tuple[Child, ...], settings: Settings) -> Iterator[Child]:
    """The children, and as many dispatchers as there shall be: each claims for itself."""
    for child in children:
        yield from (child,) * (settings.dispatchers if child.name == "dispatcher" else 1)


def with_every_port(child: Child, ports: tuple[Port, ...]) -> Child:
    """The child with the sockets of all HL7 listeners, where it asked for them."""
    if "mllp" not in child.sockets:
        return child
    others = tuple(name for name in child.sockets if name != "mllp")
    return replace(child, sockets=(*others, *(port.socket_name for port in ports)))


@contextmanager
def store(settings: Settings) -> Iterator[tuple[EmbeddedServers | None, Servers]]:
    """The servers that the settings name, and embedded ones in the place of those that they do not."""
    owner = settings.owner_database_url.get_secret_value()
    database = settings.database_url.get_secret_value()
    redis = settings.redis_url.get_secret_value()
    if database and redis:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield None, Servers(owner, database, redis)
        return
    embedded = EmbeddedServers(settings.data_dir, with_postgres=not database, with_valkey=not redis)
    with embedded as started:
        embedded.lay_out_log(settings.spare_log_files)
        yield (
            embedded,
            Servers(
                owner_url=owner if database else started.owner_url,
                service_url=database or started.service_url,
                redis_url=redis or started.redis_url,
            ),
        )


def role_of(service_url: str) -> str:
    """The role that the service connects as, which the migrations grant its rights to."""
    return str(conninfo_to_dict(service_url).get("user") or SERVICE_ROLE)


def environment_of_children(
    settings: Settings, servers: Servers, sockets: Mapping[str, socket.socket], ports: tuple[Port, ...]
) -> dict[str, str]:
    """Ours, and where everything really is; but the owner's URL, which could change the trail, goes no further."""
    ours = {name: value for name, value in os.environ.items() if name not in OWNERS_OWN}
    return {
        **ours,
        "NIGHTLIGHT_DATABASE_URL": servers.service_url,
        "NIGHTLIGHT_REDIS_URL": servers.redis_url,
        "NIGHTLIGHT_DATA_DIR": str(settings.data_dir.resolve()),
        "NIGHTLIGHT_HTTP": str(address_of(sockets["http"])),
        "NIGHTLIGHT_MLLP": str(address_of(sockets[plain_one(ports).socket_name])),
        "PROMETHEUS_MULTIPROC_DIR": str(_metrics_folder(settings.data_dir)),
    }


def _metrics_folder(data_dir: Path) -> Path:
    """Where the processes count side by side, so that `/metrics` of the API serves all; empty at every start."""
    folder = data_dir.resolve() / "metrics"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return folder
