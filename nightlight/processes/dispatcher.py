"""`nightlight dispatcher`: delivers alerts, sweeps for late ones, traces who came without a number, and keeps house."""

import asyncio
import time

import psycopg

from alerts.channels.email import EmailChannel
from alerts.channels.notify import NotifyChannel
from alerts.channels.notify_access import NotifyAccess
from alerts.channels.screen import ScreenChannel
from alerts.channels.webhook import CONNECTIONS, WebhookChannel
from alerts.dispatcher import dispatch
from api.doors import FHIR
from domain.alert import ChannelName
from domain.channel import Channel
from domain.errors import CouldNotReachStore
from fhir_adapter.subscriptions.channel import SubscriptionChannel
from fhir_adapter.subscriptions.keeping import keep_subscriptions
from hl7_listener.outbound import HospitalChannel, Sending
from mesh_mailbox.channel import MeshChannel
from nightlight.processes.common import Nudger, log, run, store, until_safe, until_stopped
from nightlight.processes.mesh import mesh_access
from nightlight.processes.telling import keep_telling
from nightlight.processes.tracing import keep_tracing
from runtime.database import Database
from runtime.endpoints import endpoints
from runtime.heartbeat import keep_beating
from runtime.nudge import Nudges
from runtime.secret import secret_key
from runtime.settings import Settings
from safeguarding.directory import DirectoryReader
from safeguarding.housekeeping import keep_house
from safeguarding.sweep import sweep_due
from safeguarding.telling.webhook_notices import read_notices

SWEEP_SECONDS = 0.5
HOUSEKEEPING_SECONDS = 600.0


def run_dispatcher(settings: Settings) -> None:
    """Dispatch until told to stop. Raises UnsafeServer."""
    run(settings, "dispatcher", _main)


async def _main(settings: Settings) -> None:
    nudges = Nudges(settings.redis_url.get_secret_value())
    async with store(settings, "dispatcher") as database:
        await until_safe(database)
        directory = DirectoryReader(database)
        email = EmailChannel(database, settings.smtp_url.get_secret_value(), settings.mail_from, settings.link)
        hospitals = HospitalChannel(database, Sending.of(settings))
        caller, base_url = endpoints(settings), settings.link(FHIR)
        subscribers = SubscriptionChannel(database, caller, base_url)
        authorities = MeshChannel(database, await mesh_access(settings, directory))
        kept = endpoints(settings, CONNECTIONS)
        webhooks = WebhookChannel(database, kept, secret_key(settings), settings.link, read_notices)
        notify = NotifyAccess.of(settings)
        by_notify = [NotifyChannel(name, database, notify, settings.link) for name in (ChannelName.NOTIFY_EMAIL, ChannelName.SMS)]
        channels: list[Channel] = [ScreenChannel(nudges), email, *by_notify, hospitals, subscribers, authorities, webhooks]
        await until_stopped(
            dispatch(database, nudges, channels),
            keep_subscriptions(database, caller, base_url),
            _sweep(database, directory, secret_key(settings), Nudger(nudges)),
            keep_telling(database, directory, Nudger(nudges)),
            keep_tracing(database, directory, settings, secret_key(settings), Nudger(nudges)),
            _keep_house(database, settings),
            keep_beating(database, "dispatcher"),
        )
        hospitals.close()
        await kept.close()
    await nudges.close()


async def _sweep(database: Database, directory: DirectoryReader, key: bytes, nudge: Nudger) -> None:
    while True:
        try:
            _, raised = await sweep_due(database, directory, key)
            if raised:
                log.info("late alerts raised", count=len(raised))
                nudge()
        except (CouldNotReachStore, psycopg.Error) as error:
            log.warning("sweep failed", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
        await asyncio.sleep(SWEEP_SECONDS)


async def _keep_house(database: Database, settings: Settings) -> None:
    while True:
        began = time.monotonic()
        try:
            await keep_house(database, settings.control_id_days)
        except (CouldNotReachStore, psycopg.Error) as error:
            log.warning("housekeeping failed", error=type(error).__name__, sqlstate=getattr(error, "sqlstate", None))
        await asyncio.sleep(max(1.0, HOUSEKEEPING_SECONDS - (time.monotonic() - began)))
