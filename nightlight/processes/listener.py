"""`nightlight listener`: HL7 v2 over MLLP, in front of a desk of its own."""

import socket
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace

from hl7_listener.answering import Answerer
from hl7_listener.lookup_watch import LookupWatch
from hl7_listener.ports import Port, read_ports
from hl7_listener.server import Limits, listening
from hl7_listener.tls import Certificates
from nightlight.processes.common import Nudger, SiteFeeds, handed_down, log, run, store, until_safe, until_stopped
from nightlight.supervisor.sockets import listen_for_hl7
from runtime.database import Connection, Database
from runtime.heartbeat import keep_beating
from runtime.nudge import Nudges
from runtime.secret import secret_key
from runtime.settings import Settings
from safeguarding.certificates import ListenerCertificate, record_certificates
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader


def run_listener(settings: Settings) -> None:
    """Listen until told to stop. Raises InvalidInput for an address that is not allowed, BadCertificate, UnsafeServer."""
    run(settings, "listener", _main)


async def _main(settings: Settings) -> None:
    doors = [_Door.of(port) for port in read_ports(settings)]
    nudges, feeds = Nudges(settings.redis_url.get_secret_value()), SiteFeeds()
    async with store(settings, "listener") as database:
        directory = DirectoryReader(database)
        nudger, traces = Nudger(nudges), bool(settings.pds_url)
        desk = Desk(database, directory, secret_key(settings), settings.desk_queue, nudger, traces=traces)
        watch = LookupWatch(database, directory, settings.query_alarm_per_hour)
        answerer = Answerer(desk, directory, database, settings.default_charset, feeds.note, settings.link, on_lookup=watch.note)

        async def beat_too(transaction: Connection) -> None:
            await feeds.write(transaction)
            await record_certificates(transaction, [door.certificate() for door in doors if door.certificates])

        async with desk, AsyncExitStack() as open_doors:
            for door in doors:
                await open_doors.enter_async_context(door.open(answerer))
                log.info("listening", port=door.socket.getsockname()[1], kind="TLS" if door.certificates else "plain")
            await until_stopped(_beat_when_safe(database, beat_too), watch.keep_watching())
    await nudges.close()


async def _beat_when_safe(database: Database, also: Callable[[Connection], Awaitable[None]]) -> None:
    await until_safe(database)
    await keep_beating(database, "listener", also)


@dataclass(frozen=True, slots=True)
class _Door:
    """One port, with its socket and what it shows in a TLS handshake."""

    port: Port
    socket: socket.socket
    certificates: Certificates | None

    @classmethod
    def of(cls, port: Port) -> "_Door":
        sock = handed_down(port.socket_name) or listen_for_hl7(port)
        port.check_address(sock.getsockname()[0])  # a socket may have been handed down
        return cls(port, sock, Certificates(port.tls) if port.tls else None)

    def open(self, answerer: Answerer) -> AbstractAsyncContextManager[None]:
        own = replace(answerer, default_charset=self.port.charset)
        return listening(self.socket, own.answer, Limits.of(self.port), self.certificates)

    def certificate(self) -> ListenerCertificate:
        assert self.certificates is not None
        return ListenerCertificate(self.port.name, self.certificates.expires_at, self.certificates.problem)
