"""`nightlight api`: the pages and the FHIR API, in front of a desk of their own."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from api.app import create_app
from api.doors import CDS_HOOKS, FHIR, NOTIFY, OAUTH, UPLOADS
from api.notify_receipts import NotifyReceiptsDoor
from api.rules import TryMessage
from api.uploads_door import UploadsDoor
from domain.errors import InvalidInput
from fhir_adapter.access import Access
from fhir_adapter.app import FhirDoor
from fhir_adapter.cds_hooks.door import CdsHooksDoor
from fhir_adapter.cds_hooks.parts import CdsParts
from fhir_adapter.cds_hooks.trust import Trust
from fhir_adapter.exchange import Parts
from fhir_adapter.smart.configuration import token_url
from fhir_adapter.smart.endpoint import TokenEndpoint
from fhir_adapter.throttle import Throttle
from hl7_listener.answering import Answerer
from hl7_listener.trying import try_message
from nightlight.processes.common import Nudger, SiteFeeds, handed_socket, run, store, until_safe, until_stopped
from runtime.clients import ClientReader, TokenVerifier
from runtime.database import Database
from runtime.endpoints import endpoints
from runtime.heartbeat import keep_beating
from runtime.nudge import Nudges
from runtime.published_keys import PublishedKeys
from runtime.secret import secret_key
from runtime.settings import Settings
from safeguarding.cds_clients import CdsClientReader
from safeguarding.desk import Desk
from safeguarding.directory import DirectoryReader

DRAIN_SECONDS = 5


def run_api(settings: Settings) -> None:
    """Serve HTTP until told to stop. Raises UnsafeServer."""
    run(settings, "api", _main)


async def _main(settings: Settings) -> None:
    sock = handed_socket("http", settings.http)
    key = secret_key(settings)
    nudges, feeds = Nudges(settings.redis_url.get_secret_value()), SiteFeeds()
    async with store(settings, "api") as database:
        await until_safe(database)
        directory = DirectoryReader(database)
        check_sign_in(settings, is_production=(await directory.current()).is_production)
        nudger, traces = Nudger(nudges), bool(settings.pds_url)
        async with Desk(database, directory, key, settings.desk_queue, nudger, traces=traces) as desk:
            clients = ClientReader(database)
            access = Access(TokenVerifier(key), clients)
            parts = Parts(desk, directory, database, settings.link(FHIR), key, feeds.note_attendance)
            pace = Throttle(settings.fhir_requests_per_second)
            doors: dict[str, ASGIApp] = {FHIR: FhirDoor(parts, access, pace)}
            doors[UPLOADS] = UploadsDoor(database, access, pace.check, settings.upload_max_bytes, settings.link)
            doors[NOTIFY] = NotifyReceiptsDoor(database, settings.notify_callback_token.get_secret_value())
            published = PublishedKeys(endpoints(settings))
            doors[OAUTH] = TokenEndpoint(database, clients, published, key, token_url(parts.base_url))
            doors[CDS_HOOKS] = _cds_hooks(settings, database, desk, directory)
            held = Answerer(desk, directory, database, settings.default_charset)
            app = create_app(settings, database, desk, directory, nudges, doors, held, _tries(settings))
            await until_stopped(_serve(app, sock), keep_beating(database, "api", feeds.write))
    await nudges.close()


def _cds_hooks(settings: Settings, database: Database, desk: Desk, directory: DirectoryReader) -> CdsHooksDoor:
    calling = endpoints(settings)
    trust = Trust(CdsClientReader(database), PublishedKeys(calling), database)
    return CdsHooksDoor(CdsParts(desk, directory, database, calling, settings.link), trust)


def _tries(settings: Settings) -> TryMessage:
    """A message as the listener would read it."""
    return lambda text, site: try_message(text, site, settings.default_charset)


def check_sign_in(settings: Settings, *, is_production: bool) -> None:
    """Raises InvalidInput where a store of real people would be opened by the demo's local sign-in."""
    issuer = urlsplit(settings.oidc_issuer)
    if is_production and issuer.hostname and (issuer.scheme != "https" or issuer.hostname in {"localhost", "127.0.0.1", "::1"}):
        raise InvalidInput("a production store refuses local sign-in: NIGHTLIGHT_OIDC_ISSUER must be an https address")


async def _serve(app: Starlette, sock: socket.socket) -> None:
    """Serve until cancelled; then take no new request, finish those in hand, and end."""
    config = uvicorn.Config(
        cast("Any", app),
        loop="none",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve([sock]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        app.state.services.screens.end()  # open worklists would hold the end up
        server.should_exit = True
        await serving
        raise


class _Server(uvicorn.Server):
    """Leaves the signals to the process, which has more to stop than this server."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
